package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// errUnwanted is why a run is cancelled: somebody asked, or its bench ended.
type errUnwanted struct {
	Reason, By string
	QueuedOnly bool // what has started goes on
}

// Error implements error.
func (e *errUnwanted) Error() string { return fmt.Sprintf("%s (by %s)", e.Reason, e.By) }

// wanted knows which benches nobody wants any more, and tells those who run
// them. It is fed by a view, from the beginning of the stream: a cancellation
// may be older than the list it cancels.
type wanted struct {
	caughtUp chan struct{}

	mu       sync.Mutex
	unwanted map[string]*errUnwanted
	watchers map[string]map[chan struct{}]bool
}

func newWanted() *wanted {
	return &wanted{caughtUp: make(chan struct{}), unwanted: map[string]*errUnwanted{}, watchers: map[string]map[chan struct{}]bool{}}
}

// view has a name of the host's own, the only one that its user may take.
func (w *wanted) view(name string) bus.View {
	return bus.View{
		Name: name,
		Types: []events.Type{
			events.TypeCancelRequested, events.TypeBenchReported, events.TypeBenchUnplaced, events.TypeBenchCancelled,
		},
		See:      func(_ context.Context, s bus.Seen) { w.see(s.Event) },
		CaughtUp: func() { close(w.caughtUp) },
	}
}

func (w *wanted) see(e events.Event) {
	switch d := e.Data.(type) {
	case events.CancelRequested:
		w.cancel(d.Bench, &errUnwanted{Reason: d.Reason, By: d.By, QueuedOnly: d.QueuedOnly})
	case events.BenchReported:
		w.cancel(d.Bench, benchEnded(e))
	case events.BenchUnplaced:
		w.cancel(d.Bench, benchEnded(e))
	case events.BenchCancelled:
		w.cancel(d.Bench, benchEnded(e))
	}
}

func benchEnded(e events.Event) *errUnwanted {
	return &errUnwanted{Reason: "the bench has ended with " + string(e.Type), By: e.Source}
}

// cancel keeps the strongest word: sparing what runs is weaker than not.
func (w *wanted) cancel(bench string, why *errUnwanted) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if was := w.unwanted[bench]; was == nil || was.QueuedOnly && !why.QueuedOnly {
		w.unwanted[bench] = why
	}
	for watcher := range w.watchers[bench] {
		select {
		case watcher <- struct{}{}:
		default:
		}
	}
}

// check returns why a bench's next run shall not start, nil if it shall. It
// waits until the view has read what was in the stream when it started.
func (w *wanted) check(ctx context.Context, bench string) (*errUnwanted, error) {
	select {
	case <-w.caughtUp:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(catchUpPatience):
		return nil, fmt.Errorf("cancellations are not known yet")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.unwanted[bench], nil
}

const catchUpPatience = 10 * time.Second

// during returns a context that ends, with *errUnwanted as its cause, when the
// bench's running work is cancelled.
func (w *wanted) during(ctx context.Context, bench string) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	told := make(chan struct{}, 1)
	w.mu.Lock()
	if w.watchers[bench] == nil {
		w.watchers[bench] = map[chan struct{}]bool{}
	}
	w.watchers[bench][told] = true
	w.mu.Unlock()
	stop := func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.watchers[bench], told)
		if len(w.watchers[bench]) == 0 {
			delete(w.watchers, bench)
		}
	}
	look := func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		why := w.unwanted[bench]
		if why == nil || why.QueuedOnly {
			return false
		}
		cancel(why)
		return true
	}
	go func() {
		defer stop()
		for !look() {
			select {
			case <-told:
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, func() { cancel(context.Canceled) }
}
