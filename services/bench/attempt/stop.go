package attempt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/bench/spool"
)

// untilStopped returns the context to wait for fio in. It ends as ctx does,
// but when that is because the worker stops and the run may go on without it,
// the cause is runner.Leave.
//
// A run that only this host can do goes on: the worker is back soon, and what
// was measured is not lost by an update. One that came from a pool is ended and
// handed back, because another worker would otherwise begin it beside this one.
func (r *run) untilStopped(ctx context.Context) (context.Context, context.CancelFunc) {
	if !r.worker.LeaveRunning || r.inv.Pool != "" {
		return context.WithCancel(ctx)
	}
	waiting, end := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		cause := context.Cause(ctx)
		if errors.Is(cause, context.Canceled) { // a lease that was lost says so
			cause = runner.Leave
		}
		end(cause)
	})
	return waiting, func() { stop(); end(context.Canceled) }
}

// left passes on that fio goes on without this worker: the next start adopts
// it, before it takes up the list again.
func (r *run) left(err error) error {
	r.log.Info("the worker stops, and fio goes on", "attempt", r.inv.Attempt)
	return bus.RetryAfter(err, time.Second)
}

// handBackPatience bounds what a worker still does on the bus when it stops.
const handBackPatience = 2 * time.Second

// handBack gives up an attempt because the worker stops: another, or this one
// at its next start, begins the run again, and the start is not held against it.
func (r *run) handBack(ctx context.Context, a *spool.Attempt) error {
	why := fmt.Errorf("run is handed back: %w", context.Cause(ctx))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handBackPatience)
	defer cancel()
	if err := r.worker.Starts.HandBack(ctx, r.inv.Run); err != nil {
		r.log.Warn("the start of a run that is handed back stays counted", "error", err)
	}
	return errors.Join(bus.RetryAfter(why, time.Second), a.Drop())
}
