package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/proof"
)

// This file is the one place in which events are opened: each is held against the
// grant of the key that signed it before anything reacts to it.

// envelope is a message as it was stored.
func envelope(subject string, header nats.Header, body []byte, stored time.Time) proof.Message {
	return proof.Message{
		Subject: subject, ID: header.Get(nats.MsgIdHdr), ContentType: header.Get(headerContentType),
		Proof: header.Get(proof.HeaderProof), Grant: header.Get(proof.HeaderGrant), Body: body, Stored: stored,
	}
}

// examine looks at a group of messages; nil where nothing is verified.
func (b *Bus) examine(messages []proof.Message) []*proof.Claim {
	if b.opts.Verifier == nil {
		return make([]*proof.Claim, len(messages))
	}
	return b.opts.Verifier.Examine(messages)
}

// prove verifies who made a message. The grant is nil if the installation, or the
// message, knows no proofs.
func (b *Bus) prove(c *proof.Claim) (*proof.Grant, error) {
	if c == nil {
		return nil, nil //nolint:nilnil // documented
	}
	g, err := c.Verify()
	if err != nil {
		b.metrics.refused.WithLabelValues(proof.Reason(err)).Inc()
	}
	return g, err
}

// open reads a message that was examined, if it proves who made it and says nothing
// else of itself.
func (b *Bus) open(c *proof.Claim, subject string, header nats.Header, body []byte) (events.Event, error) {
	g, err := b.prove(c)
	if err != nil {
		return events.Event{}, err
	}
	e, err := decode(header, body)
	if err != nil {
		return events.Event{}, err
	}
	if err := belongs(e, subject, g); err != nil {
		b.metrics.refused.WithLabelValues(proof.Reason(err)).Inc()
		return events.Event{}, err
	}
	return e, nil
}

// belongs holds what an event says against the subject on which rights let it be
// published, and against who signed it.
func belongs(e events.Event, subject string, g *proof.Grant) error {
	if own := e.NATSSubject(); own != subject {
		return fmt.Errorf("%w: an event of %s belongs on subject %s, and came on %s", proof.ErrClaim, e.Type, own, subject)
	}
	if g == nil {
		return nil
	}
	if err := g.Vouch(e); err != nil {
		return fmt.Errorf("%w: %w", proof.ErrClaim, err)
	}
	return nil
}

// openStored is open for a message that was looked up in the stream.
func (b *Bus) openStored(raw *jetstream.RawStreamMsg) (events.Event, error) {
	claims := b.examine([]proof.Message{envelope(raw.Subject, raw.Header, raw.Data, raw.Time)})
	return b.open(claims[0], raw.Subject, raw.Header, raw.Data)
}

// sign adds to a message the proof of who made it, if the bus has a grant.
func (b *Bus) sign(ctx context.Context, msg *nats.Msg) {
	if b.opts.Signer == nil {
		return
	}
	made, grant := b.opts.Signer.Sign(msg.Subject, msg.Header.Get(nats.MsgIdHdr), msg.Data, b.clock.now(ctx, b.serverTime))
	msg.Header[proof.HeaderProof], msg.Header[proof.HeaderGrant] = []string{made}, []string{grant}
}

// serverTime asks the server that stores events what time it is there.
func (b *Bus) serverTime(ctx context.Context) (time.Time, error) {
	stream, err := b.js.Stream(ctx, StreamEvents)
	if err != nil {
		return time.Time{}, err
	}
	return stream.CachedInfo().TimeStamp, nil
}

// clock goes by the server's, whatever this machine's is set to meanwhile.
type clock struct {
	mu     sync.Mutex
	server time.Time // at the last question
	asked  time.Time // when that was, here
}

// clockTrusted is how long the server's time is counted on without asking again,
// and clockStep how far this machine's time may be set before it is asked at once.
const (
	clockTrusted = 5 * time.Minute
	clockStep    = 30 * time.Second
)

func (c *clock) now(ctx context.Context, ask func(context.Context) (time.Time, error)) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	passed := now.Sub(c.asked) // monotonic
	if set := now.Round(0).Sub(c.asked.Round(0)) - passed; c.asked.IsZero() || passed > clockTrusted || set.Abs() > clockStep {
		if at, err := ask(ctx); err == nil && !at.IsZero() {
			c.server, c.asked = at, time.Now()
			return at
		}
	}
	if c.asked.IsZero() {
		return now
	}
	return c.server.Add(time.Since(c.asked))
}

// errPreempted says that the stream holds another message under an event's id.
var errPreempted = errors.New("another message has taken the event's id")

// genuine tells whether the message that the stream took an event for a duplicate of
// is that event. Ids can be worked out by whoever may publish anything.
func (b *Bus) genuine(ctx context.Context, e events.Event, sequence uint64) error {
	stream, err := b.js.Stream(ctx, StreamEvents)
	if err != nil {
		return err
	}
	raw, err := stream.GetMsg(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil // removed since
	}
	if err != nil {
		return err
	}
	stored, err := b.openStored(raw)
	if err != nil || stored.ID != e.ID || stored.Source != e.Source || stored.Type != e.Type {
		return fmt.Errorf("%w: message %s", errPreempted, strconv.FormatUint(sequence, 10))
	}
	return nil
}
