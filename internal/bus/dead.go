package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
)

// MaxRedrives bounds how often one dead letter may be given back, so that a
// script that redrives everything comes to an end.
const MaxRedrives = 10

// ErrNoDeadLetter says that there is no dead letter of that number.
var ErrNoDeadLetter = errors.New("no such dead letter")

// ErrRedriveLimit says that an event was given back too often.
var ErrRedriveLimit = fmt.Errorf("given back %d times already", MaxRedrives)

// DeadLetter is an event that a reaction gave up on.
type DeadLetter struct {
	// Number of the letter: its sequence in the dead-letter stream.
	Number uint64 `json:"number"`
	// Reaction that gave up: the durable's name.
	Reaction string    `json:"reaction"`
	Reason   string    `json:"reason"`
	At       time.Time `json:"at"`
	// Redrives counts how often the event had been given back before.
	Redrives int `json:"redrives"`
	// Attempts, the last 20.
	Attempts []Attempt `json:"attempts,omitempty"`
	// Subject and Sequence of the message in the event stream.
	Subject  string `json:"subject"`
	Sequence uint64 `json:"sequence"`
	// EventID and EventType are empty if the event could not be read.
	EventID   string `json:"event_id,omitempty"`
	EventType string `json:"event_type,omitempty"`
	// Body and Header of the original message.
	Body   []byte      `json:"body"`
	Header nats.Header `json:"header,omitempty"`
}

// DeadSubject is where a reaction's dead letters go.
func DeadSubject(durable string) string { return deadPrefix + durable }

// deadLetter stores the letter; its id is the message and the reaction, so
// that writing it twice stores it once.
func (b *Bus) deadLetter(ctx context.Context, durable string, d *Delivery, cause error) error {
	h, err := b.history(ctx, durable, d.Sequence)
	if err != nil {
		h = history{}
	}
	times, _ := strconv.Atoi(first(d.msg.Headers(), headerRedrive))
	letter := DeadLetter{
		Reaction: durable, Reason: cause.Error(), At: time.Now().UTC(), Redrives: times,
		Attempts: append(h.Attempts, Attempt{At: time.Now().UTC(), Delivery: d.Attempt, Error: truncate(cause.Error(), 1024)}),
		Subject:  d.msg.Subject(), Sequence: d.Sequence,
		EventID: d.Event.ID, EventType: string(d.Event.Type),
		Body: d.msg.Data(), Header: d.msg.Headers(),
	}
	raw, err := json.Marshal(letter)
	if err != nil {
		return fmt.Errorf("write dead letter: %w", err)
	}
	id := events.HashID("dead", durable, strconv.FormatUint(d.Sequence, 10))
	if _, err := b.js.Publish(ctx, DeadSubject(durable), raw, jetstream.WithMsgID(id)); err != nil {
		return fmt.Errorf("write dead letter: %w", err)
	}
	return nil
}

// DeadLetters lists what reactions gave up on, oldest first; of one reaction
// if it is named.
func (b *Bus) DeadLetters(ctx context.Context, reaction string) iter.Seq2[DeadLetter, error] {
	filter := subjectDead
	if reaction != "" {
		filter = DeadSubject(reaction)
	}
	return func(yield func(DeadLetter, error) bool) {
		err := b.scan(ctx, StreamDead, filter, 1, func(msg jetstream.Msg, seq uint64) (bool, error) {
			letter, err := readLetter(msg.Data(), seq)
			return err == nil && yield(letter, nil), err
		})
		if err != nil {
			yield(DeadLetter{}, err)
		}
	}
}

// DeadLetter gives one letter by its number.
func (b *Bus) DeadLetter(ctx context.Context, number uint64) (DeadLetter, error) {
	stream, err := b.js.Stream(ctx, StreamDead)
	if err != nil {
		return DeadLetter{}, fmt.Errorf("look up stream %s: %w", StreamDead, err)
	}
	raw, err := stream.GetMsg(ctx, number)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return DeadLetter{}, fmt.Errorf("dead letter %d: %w", number, ErrNoDeadLetter)
	}
	if err != nil {
		return DeadLetter{}, fmt.Errorf("read dead letter %d: %w", number, err)
	}
	return readLetter(raw.Data, number)
}

func readLetter(raw []byte, number uint64) (DeadLetter, error) {
	var letter DeadLetter
	if err := json.Unmarshal(raw, &letter); err != nil {
		return letter, fmt.Errorf("read dead letter %d: %w", number, err)
	}
	letter.Number = number
	return letter, nil
}

// Redrive gives a dead letter's event back to the reaction that gave up on it,
// and to no other. The message id is fresh, so that the duplicate window lets
// it pass; redriving one letter twice gives it back once.
func (b *Bus) Redrive(ctx context.Context, number uint64) error {
	letter, err := b.DeadLetter(ctx, number)
	if err != nil {
		return err
	}
	if letter.Redrives >= MaxRedrives {
		return fmt.Errorf("redrive dead letter %d: %w", number, ErrRedriveLimit)
	}
	id := events.HashID("redrive", letter.Reaction, strconv.FormatUint(number, 10))
	header := redriveHeaders(id, letter.Redrives+1)
	return b.giveAgain(ctx, letter.Reaction, letter.Header, letter.Body, header)
}

// Purge removes one dead letter.
func (b *Bus) Purge(ctx context.Context, number uint64) error {
	stream, err := b.js.Stream(ctx, StreamDead)
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", StreamDead, err)
	}
	if err := stream.DeleteMsg(ctx, number); err != nil {
		if errors.Is(err, jetstream.ErrMsgNotFound) || errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) {
			return fmt.Errorf("dead letter %d: %w", number, ErrNoDeadLetter)
		}
		return fmt.Errorf("purge dead letter %d: %w", number, err)
	}
	return nil
}

// Replay gives the events from one sequence to another, both included, to one
// reaction again, as far as it reacts to them. It returns how many it gave.
// Handlers find their work done, so nothing new comes of it.
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
		err := b.scan(ctx, StreamEvents, filter, from, func(msg jetstream.Msg, seq uint64) (bool, error) {
			if seq > to {
				return false, nil
			}
			id := events.HashID("replay", reaction, strconv.FormatUint(seq, 10), stamp)
			header := nats.Header{nats.MsgIdHdr: {id}, headerReplay: {"1"}}
			given++
			return true, b.giveAgain(ctx, reaction, msg.Headers(), msg.Data(), header)
		})
		if err != nil {
			return given, fmt.Errorf("replay to %s: %w", reaction, err)
		}
	}
	return given, nil
}

// giveAgain publishes a copy that only one reaction's durable filters. Headers
// of the original that steer JetStream are left behind.
func (b *Bus) giveAgain(ctx context.Context, reaction string, original nats.Header, body []byte, header nats.Header) error {
	for k, v := range original {
		if _, set := header[k]; !set && !steers(k) {
			header[k] = v
		}
	}
	_, err := b.js.PublishMsg(ctx, &nats.Msg{Subject: redrivePrefix + reaction, Data: body, Header: header})
	if err != nil {
		return fmt.Errorf("give event to %s: %w: %w", reaction, ErrNotAcknowledged, err)
	}
	return nil
}

func steers(header string) bool {
	return len(header) > 5 && (header[:5] == "Nats-" || header[:5] == "nats-")
}
