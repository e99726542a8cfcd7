package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// namedViewIdle after which the server forgets the consumer of a named view
// whose process is gone.
const namedViewIdle = 5 * time.Minute

// watchNamed runs a view over a consumer of a fixed name. An ordered consumer
// takes a random name each time it starts afresh, which permissions could only
// allow by allowing every name, another worker's too.
func (b *Bus) watchNamed(ctx context.Context, v View) (*Subscription, error) {
	if err := b.js.DeleteConsumer(ctx, StreamEvents, v.Name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, fmt.Errorf("watch as %s: %w", v.Name, err)
	}
	w := &namedView{bus: b, view: v, next: v.FromSequence}
	if err := w.ensure(ctx); err != nil {
		return nil, err
	}
	if w.consumer.CachedInfo().NumPending == 0 {
		w.caughtUp()
	}
	ctx, stop := context.WithCancel(ctx)
	w.session = b.follow(ctx)
	s := &Subscription{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		w.run(ctx)
	}()
	return s, nil
}

// namedView pulls one event after the other and goes on behind the last one
// seen when its consumer had to be made again.
type namedView struct {
	bus      *Bus
	view     View
	consumer jetstream.Consumer
	session  *session
	next     uint64
	once     sync.Once
}

func (w *namedView) caughtUp() {
	w.once.Do(func() {
		if w.view.CaughtUp != nil {
			w.view.CaughtUp()
		}
	})
}

func (w *namedView) ensure(ctx context.Context) error {
	ordered := w.view.config()
	cfg := jetstream.ConsumerConfig{
		Name: w.view.Name, FilterSubjects: ordered.FilterSubjects,
		DeliverPolicy: ordered.DeliverPolicy, OptStartSeq: ordered.OptStartSeq, OptStartTime: ordered.OptStartTime,
		// One at a time keeps the order through a reconnect.
		AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 1, AckWait: 5 * time.Second,
		InactiveThreshold: namedViewIdle, MemoryStorage: true,
	}
	if w.next > 0 {
		cfg.DeliverPolicy, cfg.OptStartSeq, cfg.OptStartTime = jetstream.DeliverByStartSequencePolicy, w.next, nil
	}
	c, err := w.bus.js.CreateConsumer(ctx, StreamEvents, cfg)
	if errors.Is(err, jetstream.ErrConsumerExists) {
		c, err = w.bus.js.Consumer(ctx, StreamEvents, w.view.Name)
	}
	if err != nil {
		return fmt.Errorf("watch as %s: %w", w.view.Name, err)
	}
	w.consumer = c
	return nil
}

func (w *namedView) run(ctx context.Context) {
	for ctx.Err() == nil {
		batch, err := w.consumer.Fetch(1, jetstream.FetchContext(w.session.current()), jetstream.FetchHeartbeat(fetchHeartbeat))
		if err == nil {
			for msg := range batch.Messages() {
				w.see(ctx, msg)
			}
			err = batch.Error()
		}
		if err == nil || ctx.Err() != nil || isQuiet(err) {
			continue
		}
		w.bus.log.Debug("view interrupted", "view", w.view.Name, "error", err)
		w.session.pause(ctx)
		if err := w.ensure(ctx); err != nil && ctx.Err() == nil {
			w.bus.log.Debug("view not there yet", "view", w.view.Name, "error", err)
		}
	}
}

func (w *namedView) see(ctx context.Context, msg jetstream.Msg) {
	meta, err := msg.Metadata()
	if err != nil {
		return
	}
	if meta.Sequence.Stream >= w.next {
		w.next = meta.Sequence.Stream + 1
		w.bus.see(ctx, w.view, msg)
	}
	if err := msg.Ack(); err != nil {
		w.bus.log.Debug("view's acknowledgement not sent", "view", w.view.Name, "error", err)
	}
	if meta.NumPending == 0 {
		w.caughtUp()
	}
}
