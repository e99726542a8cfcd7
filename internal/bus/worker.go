package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// fetchHeartbeat tells a dead connection from a quiet stream.
	fetchHeartbeat = 5 * time.Second
	// fetchBatch bounds one pull, however many places are free.
	fetchBatch = 256
	// gatherStep and gatherMost are how long a busy reaction waits for more free
	// places before it asks for events.
	gatherStep = 250 * time.Microsecond
	gatherMost = 2 * time.Millisecond
	// lostWait is the pause before a consumer that cannot be pulled is tried again.
	lostWait = 250 * time.Millisecond
)

// Subscription is a running reaction or view.
type Subscription struct {
	stop context.CancelFunc
	done chan struct{}
}

// Stop fetches nothing more, gives running handlers their grace, and returns
// when all have ended.
func (s *Subscription) Stop() {
	s.stop()
	<-s.done
}

// Done is closed when the subscription has ended.
func (s *Subscription) Done() <-chan struct{} { return s.done }

// React makes the reaction's durable, or brings it in line, and starts to
// handle events until ctx ends or Stop is called.
func (b *Bus) React(ctx context.Context, r Reaction) (*Subscription, error) {
	if err := r.validate(); err != nil {
		return nil, err
	}
	setDefault(&r.AckWait, b.opts.AckWait)
	r = r.withDefaults()
	w := &worker{
		bus:      b,
		reaction: r,
		durable:  r.Durable(),
		log:      b.log.With("reaction", r.Durable()),
		places:   make(chan struct{}, r.Concurrency),
		idle:     make(chan parcel),
		metrics:  b.metrics.of(r.Durable()),
		beats:    beats{alive: map[jetstream.Msg]struct{}{}},
	}
	if err := w.await(ctx); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	w.session = b.follow(ctx)
	s := &Subscription{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		defer stop()
		defer b.running(w.durable)()
		w.run(ctx)
	}()
	return s, nil
}

// worker pulls events for one reaction in one process.
type worker struct {
	bus      *Bus
	reaction Reaction
	durable  string
	log      *slog.Logger
	mu       sync.Mutex // guards consumer, which each puller may make again
	consumer jetstream.Consumer
	places   chan struct{}
	idle     chan parcel
	metrics  reactionMetrics
	beats    beats
	session  *session
	handlers sync.WaitGroup
}

func (w *worker) ensure(ctx context.Context) error {
	c, err := w.bus.consumer(ctx, w.reaction.ConsumerConfig())
	if err != nil {
		return fmt.Errorf("ensure consumer %s: %w", w.reaction.Durable(), err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.consumer = c
	return nil
}

// await makes the consumer, however long the server takes: when fifty workers are
// switched on together, it answers some of them late. An answer that refuses is
// an error at once.
func (w *worker) await(ctx context.Context) error {
	for failures := 0; ; failures++ {
		err := w.ensure(ctx)
		late := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) || isLeaderless(err) ||
			errors.Is(err, jetstream.ErrStreamNotFound)
		if err == nil || !late || ctx.Err() != nil {
			return err
		}
		// A right that is missing is never answered either.
		if errors.Is(w.bus.nc.LastError(), nats.ErrPermissionViolation) {
			return err
		}
		pause := w.backoff(failures)
		w.log.Warn("waiting for the consumer", "error", err, "again_in", pause)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// restore makes the consumer again if it is not there. Looking first is cheap: a
// server that has just started is asked this for each of a thousand hosts.
func (w *worker) restore(ctx context.Context) error {
	_, err := w.bus.js.Consumer(ctx, StreamEvents, w.durable)
	if !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return err
	}
	return w.ensure(ctx)
}

func (w *worker) current() jetstream.Consumer {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.consumer
}

// skipped tells of a heartbeat that was not sent. That the server is away has
// been told by then, once: not again for each message and beat.
func (w *worker) skipped(err error) {
	level := slog.LevelDebug
	if w.bus.nc.IsConnected() {
		level = slog.LevelWarn
	}
	w.log.Log(context.Background(), level, "heartbeat not sent", "error", err)
}

// run pulls until ctx ends, then lets handlers finish within their grace.
func (w *worker) run(ctx context.Context) {
	handling, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	beating, rest := context.WithCancel(context.WithoutCancel(ctx))
	defer rest()
	go w.beats.run(beating, w.reaction.AckWait/3, w.skipped)
	var pulling sync.WaitGroup
	for range w.pullers() {
		pulling.Go(func() {
			for ctx.Err() == nil {
				if err := w.pull(ctx, handling); err != nil && ctx.Err() == nil {
					w.recover(ctx, err)
				}
			}
		})
	}
	pulling.Wait()
	close(w.idle)
	grace := time.AfterFunc(w.reaction.Grace, cancel)
	defer grace.Stop()
	w.handlers.Wait()
}

// pullers is how many requests are open at once: with many places a second one
// fills the pause in which the first is answered.
func (w *worker) pullers() int {
	if cap(w.places) >= 64 {
		return 2
	}
	return 1
}

// pull makes one request for as many events as there are free places, and
// hands each to a handler. A request belongs to nothing but itself: after a
// reconnect the next one starts afresh, so no consumer can be stuck.
func (w *worker) pull(ctx, handling context.Context) error {
	n, ok := w.reserve(ctx)
	if !ok {
		return nil
	}
	used := 0
	defer func() { w.release(n - used) }()
	batch, err := w.current().Fetch(n, jetstream.FetchContext(w.session.current()), jetstream.FetchHeartbeat(fetchHeartbeat))
	if err != nil {
		return err
	}
	for {
		group := w.bus.gather(batch.Messages())
		if len(group) == 0 {
			return batch.Error()
		}
		for _, p := range w.bus.examined(group) {
			used++
			w.dispatch(handling, ctx, p)
		}
	}
}

// dispatch hands a message to an idle handler, or starts one. Handlers live on:
// decoding goes deep, and a fresh goroutine would grow its stack each time.
func (w *worker) dispatch(handling, draining context.Context, p parcel) {
	select {
	case w.idle <- p:
		return
	default:
	}
	first := p
	w.handlers.Go(func() {
		for next, ok := first, true; ok; next, ok = <-w.idle {
			w.handle(handling, draining, next)
			w.release(1)
		}
	})
}

// reserve takes all free places, at least one, at most fetchBatch. A request
// costs a round trip, so a busy reaction with many places waits a moment for
// more of them instead of asking for one event at a time.
func (w *worker) reserve(ctx context.Context) (int, bool) {
	select {
	case w.places <- struct{}{}:
	case <-ctx.Done():
		return 0, false
	}
	n, worth, most := 1, min(fetchBatch, cap(w.places)/4), min(fetchBatch, max(cap(w.places)/w.pullers(), 1))
	for patience := time.Duration(0); ; patience += gatherStep {
		for n < most && w.take() {
			n++
		}
		if n >= worth || patience >= gatherMost {
			return n, true
		}
		time.Sleep(gatherStep)
	}
}

// take takes one place if one is free.
func (w *worker) take() bool {
	select {
	case w.places <- struct{}{}:
		return true
	default:
		return false
	}
}

func (w *worker) release(n int) {
	for range n {
		<-w.places
	}
}

// isQuiet tells a pull that simply brought nothing.
func isQuiet(err error) bool {
	return errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded)
}

// recover pauses after a pull that went wrong, and makes the consumer again if
// somebody deleted it or the server lost it.
func (w *worker) recover(ctx context.Context, err error) {
	if isQuiet(err) {
		return
	}
	lost := errors.Is(err, jetstream.ErrConsumerDeleted) || errors.Is(err, jetstream.ErrConsumerNotFound) ||
		errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoHeartbeat)
	if w.bus.nc.IsConnected() { // that it is not has been logged, once
		w.log.Warn("pull interrupted", "error", err, "consumer_lost", lost)
	}
	if w.session.pause(ctx); lost && ctx.Err() == nil {
		if err := w.restore(ctx); err != nil && ctx.Err() == nil {
			w.log.Warn("consumer not there yet", "error", err)
		}
	}
}
