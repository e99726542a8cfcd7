package bus

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/proof"
)

// Original is an event as its maker published it, to be kept beyond the stream.
type Original struct {
	Event events.Event
	// Stored is when the event stream stored it, also for an event that was given again.
	Stored time.Time
	// Message is what proves who made the event; see [CheckOriginal].
	Message proof.Message
}

// Original is the delivery's event as it was published.
func (d *Delivery) Original() Original {
	return Original{d.Event, d.first, envelope(d.message.Subject, d.message.Header, d.message.Data, d.first)}
}

// CheckOriginal holds a message that was kept against who may have made it, as any reaction
// does. The grant is nil for an event of before events were signed.
func CheckOriginal(v *proof.Verifier, m proof.Message) (events.Event, *proof.Grant, error) {
	g, err := v.Examine([]proof.Message{m})[0].Verify()
	if err != nil {
		return events.Event{}, nil, err
	}
	e, err := decode(nats.Header{headerContentType: {m.ContentType}}, m.Body)
	if err != nil {
		return e, nil, err
	}
	return e, g, belongs(e, m.Subject, g)
}

// Checked is what an event of the stream proves.
type Checked struct {
	Sequence uint64
	Subject  string
	// By is who made it; nil for an event of before events were signed.
	By *proof.Grant
	// Err says why it proves nothing; nil if it does.
	Err error
}

// errNoVerifier says that this user has no grant, by which the authority is known.
var errNoVerifier = errors.New("check events: this connection has no grant (nats.grant), so that the installation's authority is not known")

// CheckStream holds each event of the event stream against who may have made it, oldest first.
func (b *Bus) CheckStream(ctx context.Context) iter.Seq2[Checked, error] {
	return func(yield func(Checked, error) bool) {
		if b.opts.Verifier == nil || b.opts.Verifier.Mode() == proof.Off {
			yield(Checked{}, errNoVerifier)
			return
		}
		if _, err := b.readTakenBack(ctx, 1); err != nil {
			yield(Checked{}, err)
			return
		}
		err := b.scan(ctx, StreamEvents, subjectEvents, 1, func(msg jetstream.Msg, sequence uint64) (bool, error) {
			meta, err := msg.Metadata()
			if err != nil {
				return false, err
			}
			c := Checked{Sequence: sequence, Subject: msg.Subject()}
			claim := b.examine([]proof.Message{envelope(msg.Subject(), msg.Headers(), msg.Data(), meta.Timestamp)})[0]
			if c.By, c.Err = claim.Verify(); c.Err == nil {
				_, c.Err = b.open(claim, msg.Subject(), msg.Headers(), msg.Data())
			}
			return yield(c, nil), nil
		})
		if err != nil {
			yield(Checked{}, err)
		}
	}
}
