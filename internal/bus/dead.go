package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
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
	// Stored is when the event stream stored the message; zero in letters of
	// versions that did not say.
	Stored time.Time `json:"stored,omitzero"`
	// EventID and EventType are empty if the event could not be read.
	EventID   string `json:"event_id,omitempty"`
	EventType string `json:"event_type,omitempty"`
	// Unproven says that the event did not prove who made it. There is one letter of such an
	// event, of the first reaction that met it, and no letter of some when there are many.
	Unproven bool `json:"unproven,omitempty"`
	// Omitted is the size in bytes of a body that is not repeated here: the event stream has it
	// under Sequence.
	Omitted int `json:"omitted,omitempty"`
	// Body and Header of the original message.
	Body   []byte      `json:"body"`
	Header nats.Header `json:"header,omitempty"`
}

// DeadSubject is where a reaction's dead letters go. Those of people's scripts
// have a word of their own, so that rights can tell them from the services'.
func DeadSubject(durable string) string { return deadPrefix + ownToken(durable) }

// ownToken turns the name of a script's durable, on-<name>, into on.<name>.
func ownToken(durable string) string {
	if name, ok := strings.CutPrefix(durable, kindScript+"-"); ok {
		return kindScript + "." + name
	}
	return durable
}

// deadLetter stores the letter; its id is the message and the reaction, so
// that writing it twice stores it once.
func (b *Bus) deadLetter(ctx context.Context, durable string, d *Delivery, cause error) error {
	h, err := b.history(ctx, durable, d.Sequence)
	if err != nil {
		h = history{}
	}
	letter := b.letter(durable, d, cause)
	letter.Attempts = append(h.Attempts, letter.Attempts...)
	return b.storeLetter(ctx, events.HashID("dead", durable, strconv.FormatUint(d.Sequence, 10)), letter)
}

func (b *Bus) letter(durable string, d *Delivery, cause error) DeadLetter {
	return DeadLetter{
		Reaction: durable, Reason: cause.Error(), At: time.Now().UTC(), Redrives: d.redrives,
		Attempts: []Attempt{{At: time.Now().UTC(), Delivery: d.Attempt, Error: truncate(cause.Error(), 1024)}},
		Subject:  d.message.Subject, Sequence: d.Sequence, Stored: d.first,
		EventID: d.Event.ID, EventType: string(d.Event.Type),
		Body: d.message.Data, Header: d.message.Header,
	}
}

func (b *Bus) storeLetter(ctx context.Context, id string, letter DeadLetter) error {
	raw, err := json.Marshal(letter)
	if err != nil {
		return fmt.Errorf("write dead letter: %w", err)
	}
	subject := DeadSubject(letter.Reaction)
	ack, err := b.js.Publish(ctx, subject, raw, jetstream.WithMsgID(id))
	if err == nil && ack.Duplicate && !b.holdsLetter(ctx, ack.Sequence, letter) {
		// Ids can be worked out, and taken before by whoever may write a letter of its own.
		_, err = b.js.Publish(ctx, subject, raw)
	}
	if err != nil {
		return fmt.Errorf("write dead letter: %w", err)
	}
	return nil
}

// holdsLetter reports whether the stream holds the same letter under a number. Of an event that
// proves nothing any reaction's letter will do.
func (b *Bus) holdsLetter(ctx context.Context, number uint64, want DeadLetter) bool {
	got, err := b.DeadLetter(ctx, number)
	return err == nil && got.Sequence == want.Sequence && got.Unproven == want.Unproven &&
		(got.Reaction == want.Reaction || want.Unproven)
}

// DeadLetters lists what reactions gave up on, oldest first; of one reaction
// if it is named.
func (b *Bus) DeadLetters(ctx context.Context, reaction string) iter.Seq2[DeadLetter, error] {
	return func(yield func(DeadLetter, error) bool) {
		err := b.scan(ctx, StreamDead, subjectDead, 1, func(msg jetstream.Msg, seq uint64) (bool, error) {
			letter, err := readLetter(msg.Data(), seq)
			if err == nil && reaction != "" && letter.Reaction != reaction {
				return true, nil
			}
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
