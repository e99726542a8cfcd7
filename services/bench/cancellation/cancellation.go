// Package cancellation knows which benches are cancelled, and ends the contexts
// of those that run for them.
package cancellation

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// Error is why a run is cancelled: a user or a newer commit asked for it, or
// its bench ended.
type Error struct {
	Reason, By string
	QueuedOnly bool // what has started goes on
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%s (by %s)", e.Reason, e.By) }

// Cancellations holds the cancelled benches. A view feeds it from the beginning
// of the stream: a cancellation may be older than the list that it cancels.
type Cancellations struct {
	caughtUp chan struct{}

	mu       sync.Mutex
	benches  map[string]*Error
	watchers map[string]map[chan struct{}]bool
}

// New returns an empty set; View fills it.
func New() *Cancellations {
	return &Cancellations{caughtUp: make(chan struct{}), benches: map[string]*Error{}, watchers: map[string]map[chan struct{}]bool{}}
}

// View returns the view that feeds c. Its name is the host's own: the user of
// a host may follow the stream under no other.
func (c *Cancellations) View(name string) bus.View {
	return bus.View{
		Name:     name,
		Types:    append(events.BenchEnds(), events.TypeCancelRequested),
		See:      func(_ context.Context, s bus.Seen) { c.see(s.Event) },
		CaughtUp: func() { close(c.caughtUp) },
	}
}

func (c *Cancellations) see(e events.Event) {
	switch d, ok := e.Data.(events.CancelRequested); {
	case ok:
		c.cancel(d.Bench, &Error{Reason: d.Reason, By: d.By, QueuedOnly: d.QueuedOnly})
	case e.Type.Ends() == "bench":
		c.cancel(events.BenchOf(e), benchEnded(e))
	}
}

func benchEnded(e events.Event) *Error {
	return &Error{Reason: "the bench has ended with " + string(e.Type), By: e.Source}
}

// cancel keeps the strongest request: one that also ends what runs replaces one
// for queued runs only.
func (c *Cancellations) cancel(bench string, why *Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if was := c.benches[bench]; was == nil || was.QueuedOnly && !why.QueuedOnly {
		c.benches[bench] = why
	}
	for watcher := range c.watchers[bench] {
		select {
		case watcher <- struct{}{}:
		default:
		}
	}
}

// Check returns why the next run of a bench must not start, nil if it may. It
// waits until the view has read what was in the stream when it started, ten
// seconds at most.
func (c *Cancellations) Check(ctx context.Context, bench string) (*Error, error) {
	select {
	case <-c.caughtUp:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(catchUpPatience):
		return nil, fmt.Errorf("cancellations are not known yet")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.benches[bench], nil
}

const catchUpPatience = 10 * time.Second

// During returns a context that ends, with an *Error as its cause, when the
// running work of the bench is cancelled.
func (c *Cancellations) During(ctx context.Context, bench string) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	changed := make(chan struct{}, 1)
	c.mu.Lock()
	if c.watchers[bench] == nil {
		c.watchers[bench] = map[chan struct{}]bool{}
	}
	c.watchers[bench][changed] = true
	c.mu.Unlock()
	stop := func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.watchers[bench], changed)
		if len(c.watchers[bench]) == 0 {
			delete(c.watchers, bench)
		}
	}
	look := func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		why := c.benches[bench]
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
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, func() { cancel(context.Canceled) }
}
