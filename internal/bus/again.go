package bus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/proof"
)

// order asks one reaction for an event again. It names the event by number and
// never carries it: what is handled again is what the stream of dead letters, or
// the event stream, holds under that number, and only if it is the reaction's own.
type order struct {
	// Dead is the number of a dead letter of the reaction.
	Dead uint64 `json:"dead,omitempty"`
	// Event is the sequence of an event that the reaction reacts to.
	Event uint64 `json:"event,omitempty"`
}

var errOrder = errors.New("an event is given again by its number, as {\"dead\":NUMBER} or {\"event\":SEQUENCE}: " +
	"use fiord dead redrive or fiord replay")

func readOrder(body []byte) (order, error) {
	var o order
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&o); err != nil || (o.Dead == 0) == (o.Event == 0) {
		return o, errOrder
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return o, errOrder
	}
	return o, nil
}

// recall puts the event that an order names into the delivery, if the order proves
// that it is of somebody who may give it. It returns what the event itself claims.
// An error that is not permanent says that the event could not be looked up now.
func (w *worker) recall(ctx context.Context, d *Delivery, of *proof.Claim) (*proof.Claim, error) {
	if _, err := w.bus.prove(of); err != nil {
		return nil, Permanent(err)
	}
	o, err := readOrder(d.message.Data)
	if err != nil {
		return nil, Permanent(err)
	}
	var stored time.Time
	if o.Dead > 0 {
		stored, err = w.recallDead(ctx, d, o.Dead)
	} else {
		stored, err = w.recallEvent(ctx, d, o.Event)
	}
	if err != nil {
		return nil, err
	}
	m := d.message
	d.first = stored
	return w.bus.examine([]proof.Message{envelope(m.Subject, m.Header, m.Data, stored)})[0], nil
}

func (w *worker) recallDead(ctx context.Context, d *Delivery, number uint64) (time.Time, error) {
	letter, err := w.bus.DeadLetter(ctx, number)
	switch {
	case errors.Is(err, ErrNoDeadLetter):
		return time.Time{}, Permanent(err)
	case err != nil:
		return time.Time{}, err
	case letter.Reaction != w.durable:
		return time.Time{}, Permanent(fmt.Errorf("dead letter %d is of reaction %s, not of %s", number, letter.Reaction, w.durable))
	case letter.Redrives >= MaxRedrives:
		return time.Time{}, Permanent(fmt.Errorf("dead letter %d: %w", number, ErrRedriveLimit))
	}
	d.redrives, d.Redriven = letter.Redrives+1, true
	if letter.Omitted > 0 {
		stored, err := w.recallEvent(ctx, d, letter.Sequence)
		d.Replayed = false
		return stored, err
	}
	return letter.Stored, w.adopt(d, fmt.Sprintf("dead letter %d", number), &nats.Msg{Subject: letter.Subject, Header: letter.Header, Data: letter.Body})
}

func (w *worker) recallEvent(ctx context.Context, d *Delivery, sequence uint64) (time.Time, error) {
	stream, err := w.bus.js.Stream(ctx, StreamEvents)
	if err != nil {
		return time.Time{}, fmt.Errorf("look up stream %s: %w", StreamEvents, err)
	}
	raw, err := stream.GetMsg(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return time.Time{}, Permanent(fmt.Errorf("event %d is not in stream %s", sequence, StreamEvents))
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read event %d: %w", sequence, err)
	}
	d.Replayed = true
	return raw.Time, w.adopt(d, fmt.Sprintf("event %d", sequence), &nats.Msg{Subject: raw.Subject, Header: raw.Header, Data: raw.Data})
}

// adopt makes a stored message the delivery's, if the reaction reacts to it.
func (w *worker) adopt(d *Delivery, what string, msg *nats.Msg) error {
	if !w.reaction.reactsTo(msg.Subject) {
		return Permanent(fmt.Errorf("%s is on subject %s, to which reaction %s does not react", what, msg.Subject, w.durable))
	}
	d.message = msg
	return nil
}

// reactsTo tells whether the reaction gets what is published to a subject by
// itself, without being given it again.
func (r Reaction) reactsTo(subject string) bool {
	for _, filter := range r.filters() {
		if !strings.HasPrefix(filter, redrivePrefix) && Matches(filter, subject) {
			return true
		}
	}
	return false
}

// Matches reports whether a NATS subject is one that a filter with wildcards means.
func Matches(filter, subject string) bool {
	for {
		f, filters, moreFilters := strings.Cut(filter, ".")
		s, subjects, moreSubjects := strings.Cut(subject, ".")
		switch {
		case f == ">":
			return s != ""
		case f != "*" && f != s, moreFilters != moreSubjects:
			return false
		case !moreFilters:
			return true
		}
		filter, subject = filters, subjects
	}
}

// Redrive asks the reaction that gave up on a dead letter's event to handle it
// again. It sends the letter's number: the reaction reads the letter itself.
// Redriving one letter twice gives it back once.
func (b *Bus) Redrive(ctx context.Context, number uint64) error {
	letter, err := b.DeadLetter(ctx, number)
	if err != nil {
		return err
	}
	if letter.Redrives >= MaxRedrives {
		return fmt.Errorf("redrive dead letter %d: %w", number, ErrRedriveLimit)
	}
	id := events.HashID("redrive", letter.Reaction, strconv.FormatUint(number, 10))
	return b.giveAgain(ctx, letter.Reaction, id, order{Dead: number})
}

// Replay asks one reaction to handle the events from one sequence to another
// again, both included, as far as it reacts to them. It returns how many it asked
// for. Handlers find their work done, so nothing new comes of it.
func (b *Bus) Replay(ctx context.Context, reaction string, from, to uint64) (int, error) {
	consumer, err := b.js.Consumer(ctx, StreamEvents, reaction)
	if err != nil {
		return 0, fmt.Errorf("replay to %s: %w (nats consumer ls %s lists the reactions)", reaction, err, StreamEvents)
	}
	given, stamp := 0, strconv.FormatInt(time.Now().UnixNano(), 36)
	for _, filter := range consumer.CachedInfo().Config.FilterSubjects {
		if filter == redrivePrefix+reaction {
			continue
		}
		err := b.scan(ctx, StreamEvents, filter, from, func(_ jetstream.Msg, seq uint64) (bool, error) {
			if seq > to {
				return false, nil
			}
			given++
			id := events.HashID("replay", reaction, strconv.FormatUint(seq, 10), stamp)
			return true, b.giveAgain(ctx, reaction, id, order{Event: seq})
		})
		if err != nil {
			return given, fmt.Errorf("replay to %s: %w", reaction, err)
		}
	}
	return given, nil
}

// giveAgain publishes an order that only one reaction's durable filters.
func (b *Bus) giveAgain(ctx context.Context, reaction, id string, o order) error {
	body, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("write order: %w", err)
	}
	msg := &nats.Msg{Subject: RedriveSubject(reaction), Data: body, Header: nats.Header{headerContentType: {events.MediaType}, nats.MsgIdHdr: {id}}}
	b.sign(ctx, msg)
	if _, err := b.js.PublishMsg(ctx, msg); err != nil {
		return fmt.Errorf("give event to %s: %w: %w", reaction, ErrNotAcknowledged, err)
	}
	return nil
}

// RedriveSubject is where a reaction is asked for an event again.
func RedriveSubject(durable string) string { return redrivePrefix + durable }
