package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
)

// Seen is an event as a view meets it.
type Seen struct {
	Event events.Event
	// Sequence in the event stream, and when it was stored.
	Sequence uint64
	Stored   time.Time
}

// View reads events in order, each process for itself.
type View struct {
	// Name gives the view a consumer of that name instead of a random one,
	// for users whose permissions allow no other. Two processes must not share
	// it.
	Name string
	// Types to see; empty means all.
	Types []events.Type
	// Subjects narrows Types to routes; see [Reaction].Subjects.
	Subjects []string
	// Since skips older events; the zero time starts at the beginning.
	Since time.Time
	// FromSequence starts at a sequence of the stream; 0 leaves it to Since.
	FromSequence uint64
	// OnlyNew starts at the end of the stream.
	OnlyNew bool
	// See is called for one event after the other. It must not block for long.
	See func(ctx context.Context, s Seen)
	// CaughtUp, if set, is called once when what was in the stream at the
	// start has been seen.
	CaughtUp func()
}

// Watch starts a view. Events that cannot be read are logged and passed over:
// a view owes nobody anything. After a reconnect it goes on where it was.
func (b *Bus) Watch(ctx context.Context, v View) (*Subscription, error) {
	if v.See == nil {
		return nil, errors.New("watch: no See")
	}
	if v.Name != "" || b.opts.Guest != "" {
		return b.watchGuest(ctx, v)
	}
	consumer, err := b.js.OrderedConsumer(ctx, StreamEvents, v.config())
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	pending, err := pendingAtStart(ctx, consumer)
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	caughtUp := sync.OnceFunc(func() {
		if v.CaughtUp != nil {
			v.CaughtUp()
		}
	})
	if pending == 0 {
		caughtUp()
	}
	ctx, stop := context.WithCancel(ctx)
	arriving := make(chan jetstream.Msg, fetchBatch)
	running, err := consumer.Consume(func(msg jetstream.Msg) {
		select {
		case arriving <- msg:
		case <-ctx.Done():
		}
	}, jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
		b.log.Debug("view interrupted", "error", err)
	}))
	if err != nil {
		stop()
		return nil, fmt.Errorf("watch: %w", err)
	}
	s := &Subscription{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		b.seeAll(ctx, v, arriving, caughtUp)
		running.Stop()
		<-running.Closed()
	}()
	return s, nil
}

// seeAll shows a view what arrives until ctx ends, in groups that are verified
// together.
func (b *Bus) seeAll(ctx context.Context, v View, arriving chan jetstream.Msg, caughtUp func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case first := <-arriving:
			for _, p := range b.examined(b.gatherFrom(first, arriving)) {
				if ctx.Err() != nil {
					return
				}
				b.see(ctx, v, p)
				if meta, err := p.Metadata(); err == nil && meta.NumPending == 0 {
					caughtUp()
				}
			}
		}
	}
}

func pendingAtStart(ctx context.Context, c jetstream.Consumer) (uint64, error) {
	info, err := c.Info(ctx)
	if err != nil {
		return 0, err
	}
	return info.NumPending, nil
}

func (b *Bus) see(ctx context.Context, v View, msg parcel) {
	meta, err := msg.Metadata()
	if err != nil {
		return
	}
	e, err := b.open(msg.claim, msg.Subject(), msg.Headers(), msg.Data())
	if err != nil {
		b.log.Warn("view passes over an event", "subject", msg.Subject(), "sequence", meta.Sequence.Stream, "error", err)
		return
	}
	v.See(ctx, Seen{Event: e, Sequence: meta.Sequence.Stream, Stored: meta.Timestamp})
}

func (v View) config() jetstream.OrderedConsumerConfig {
	cfg := jetstream.OrderedConsumerConfig{
		FilterSubjects:    append([]string(nil), v.Subjects...),
		InactiveThreshold: 2 * time.Minute,
	}
	if len(cfg.FilterSubjects) == 0 {
		for _, t := range v.Types {
			cfg.FilterSubjects = append(cfg.FilterSubjects, t.Filter())
		}
	}
	if len(cfg.FilterSubjects) == 0 {
		cfg.FilterSubjects = []string{subjectEvents}
	}
	switch {
	case v.OnlyNew:
		cfg.DeliverPolicy = jetstream.DeliverNewPolicy
	case v.FromSequence > 0:
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, v.FromSequence
	case !v.Since.IsZero():
		cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &v.Since
	}
	return cfg
}

// scan reads a stream's messages under a filter from a sequence on, up to its
// present end, and stops early when visit says so.
func (b *Bus) scan(ctx context.Context, stream, filter string, from uint64, visit func(jetstream.Msg, uint64) (bool, error)) error {
	cfg := jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{filter}, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(from, 1),
	}
	if b.opts.Guest != "" {
		g := &guestView{bus: b, stream: stream, cfg: cfg}
		err := g.open(ctx)
		if err == nil {
			err = g.scan(ctx, visit)
		}
		if err != nil {
			return fmt.Errorf("scan %s: %w", stream, err)
		}
		return nil
	}
	consumer, err := b.js.OrderedConsumer(ctx, stream, cfg)
	if err != nil {
		return fmt.Errorf("scan %s: %w", stream, err)
	}
	pending, err := pendingAtStart(ctx, consumer)
	if err != nil {
		return fmt.Errorf("scan %s: %w", stream, err)
	}
	if pending == 0 {
		return nil
	}
	messages, err := consumer.Messages()
	if err != nil {
		return fmt.Errorf("scan %s: %w", stream, err)
	}
	defer messages.Stop()
	for {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("scan %s: %w", stream, err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("scan %s: %w", stream, err)
		}
		goOn, err := visit(msg, meta.Sequence.Stream)
		if err != nil || !goOn || meta.NumPending == 0 {
			return err
		}
	}
}
