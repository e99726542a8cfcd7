package attempt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/services/bench/outbox"
	"github.com/fiord-bench/fiord/services/bench/outcome"
	"github.com/fiord-bench/fiord/services/bench/spool"
)

// finish waits for fio, whichever worker started it, and commits the end to the spool.
func (r *run) finish(ctx context.Context, a *spool.Attempt, o Order, p runner.Process) error {
	w := r.worker
	waiting, done := r.untilStopped(ctx)
	defer done()
	watched, stop := w.Cancellations.During(waiting, r.inv.Bench)
	defer stop()
	left := time.Until(o.StartedAt.Add(o.Timeout))
	watched, cancelTimeout := context.WithTimeoutCause(watched, left, outcome.ErrTimeout)
	defer cancelTimeout()
	watched, tooLarge := context.WithCancelCause(watched)
	defer tooLarge(nil)
	go w.watchSize(watched, a, func() { tooLarge(outcome.ErrTooLarge) })
	watched, unwatch := w.watchSpace(watched, append(o.Written, a.Dir))
	defer unwatch()

	watching := r.watchHost(o.Disks, a.Dir)
	shown := r.progress()
	exit, err := p.Wait(watched, shown)
	exit = r.leased.seen(exit)
	watching(exit)
	if err != nil {
		return r.lost(ctx, a, o, err)
	}
	if err := r.leased.fioEnded(ctx, exit); err != nil {
		return errors.Join(fmt.Errorf("measured in vain: %w", err), a.Drop())
	}
	if ctx.Err() != nil && exit.Stopped {
		return r.handBack(ctx, a)
	}
	r.enter(Exited)
	if exit.Unknown != "" && !exit.Stopped {
		return r.judge(ctx, a, o, exit)
	}
	return r.commit(ctx, a, o, outcome.Of(exit, context.Cause(watched), r.list.Limits, o.Timeout))
}

// lost: fio went out of sight. What it may still be doing is cleared before
// the run is begun again.
func (r *run) lost(ctx context.Context, a *spool.Attempt, o Order, err error) error {
	switch {
	case errors.Is(err, runner.ErrLeft):
		return r.left(err)
	case errors.Is(err, runner.ErrUnavailable):
		// It may yet end well, and be adopted by the next start of the worker.
		return err
	}
	return r.commit(ctx, a, o, outcome.Outcome{Reason: "fio was lost: " + err.Error()})
}

// commit makes the end of an attempt durable on this host. From here on the
// outbox sees to it.
func (r *run) commit(ctx context.Context, a *spool.Attempt, o Order, e outcome.Outcome) error {
	data, err := r.measured(a, o).Terminal(e)
	if err != nil {
		return err
	}
	end, err := json.Marshal(outbox.End{Cause: o.Cause, Type: data.EventType(), Data: data})
	if err != nil {
		return fmt.Errorf("encode end: %w", err)
	}
	files, err := outcome.Files(a.Dir)
	if err != nil {
		return err
	}
	if err := a.Commit(spool.Entry{Files: files, End: end}); err != nil {
		return err
	}
	if e.Exit != nil {
		r.worker.Metrics.Overhead.Observe((time.Since(r.begun) - e.Exit.Ended.Sub(e.Exit.Started) - e.Exit.Overheads).Seconds())
	}
	r.worker.Outbox.ShipNow(ctx)
	r.enter(Committed)
	return nil
}

// measured is what the end of the run is made of.
func (r *run) measured(a *spool.Attempt, o Order) outcome.Attempt {
	return outcome.Attempt{
		Dir: a.Dir, RunRef: r.inv.RunRef, Parse: r.worker.Plans.Parse,
		HostClass: o.HostClass, DeviceClass: o.DeviceClass, Leases: o.Leases,
		Prepared: r.prepared, Findings: r.findings, Common: r.common, Meanwhile: r.meanwhile,
	}
}

// hasLaidOut notes what a run has made, unless it goes on without this worker:
// then the next one does. Results are worth no less if that fails, and the
// files are kept.
func (r *run) hasLaidOut(end error) {
	if errors.Is(end, runner.ErrLeft) {
		return
	}
	if err := r.worker.LaidOut.End(r.inv.Run); err != nil {
		r.log.Warn("what the run laid out is not noted", "error", err)
	}
}
