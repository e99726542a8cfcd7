package attempt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/guard"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/bench/locks"
	"github.com/fiord-bench/fiord/services/bench/plan"
	"github.com/fiord-bench/fiord/services/bench/starts"
)

// maxJob bounds a job file, which is read whole into memory.
const maxJob = 1 << 20

// ErrLate is returned for a run whose deadline for starting has passed: inventory
// expires it.
var ErrLate = errors.New("deadline has passed")

// Conduct brings one invocation of a list to its end, unless it has one. cause is
// the event that brought the list.
func (w *Worker) Conduct(ctx context.Context, cause events.Event, log *slog.Logger, list events.RunList, inv events.Invocation, s *Session) error {
	if err := w.adopting.wait(ctx, inv.Run); err != nil {
		return err
	}
	if done, err := w.settled(ctx, inv); done || err != nil {
		return err
	}
	r := w.newRun(list, inv, cause, log)
	r.session = s
	why, err := w.Cancellations.Check(ctx, inv.Bench)
	if err != nil {
		return err
	}
	if why != nil {
		return r.cancelled(ctx, why)
	}
	enough, err := s.precision.Reached(ctx, inv)
	if err != nil {
		return err
	}
	if enough != "" {
		return r.notNeeded(ctx, enough)
	}
	if time.Now().After(list.Deadline) {
		return ErrLate
	}
	return r.execute(ctx)
}

// settled reports whether nothing is left to do for a run: it has ended, or its
// end waits in the spool.
func (w *Worker) settled(ctx context.Context, inv events.Invocation) (bool, error) {
	holds, err := w.Spool.Holds(inv.Run)
	if holds || err != nil {
		return holds, err
	}
	_, ended, err := w.Bus.Ended(ctx, inv.EndFilter())
	if err != nil {
		return false, bus.Unavailable(err)
	}
	return ended, nil
}

// execute runs fio once for the invocation and commits what came of it.
func (r *run) execute(ctx context.Context) error {
	w := r.worker
	so, err := w.Starts.Of(ctx, r.inv.Run)
	if err != nil {
		return bus.Unavailable(err)
	}
	p, ended, err := r.plan(ctx, so.All+1)
	if ended || err != nil {
		return err
	}
	if err := w.Spool.Check(); err != nil {
		return bus.Unavailable(err)
	}
	if err := w.reachable(ctx); err != nil {
		return bus.Unavailable(err)
	}
	r.enter(Planned)
	for {
		err := r.pass(ctx, p, so)
		var held *busy
		if !errors.As(err, &held) {
			return err
		}
		if err := r.awaitLease(ctx, held); err != nil {
			return err
		}
	}
}

// plan fetches the job file and plans the attempt. It reports whether it has
// ended the run, because of what it found.
func (r *run) plan(ctx context.Context, attempt int) (p *plan.Plan, ended bool, err error) {
	w := r.worker
	text, err := w.Store.ReadAll(ctx, r.inv.File, maxJob)
	if err != nil {
		return nil, true, r.unfetched(ctx, err)
	}
	p, problems, err := w.Plans.Make(plan.Request{List: r.list, Invocation: r.inv, Text: text, Dir: w.attemptDir(r.inv.Run, attempt)})
	if len(problems) > 0 || err != nil {
		return nil, true, r.refused(ctx, problems, err)
	}
	return p, false, nil
}

// pass is execute behind the gate. It does not wait there for another host.
func (r *run) pass(ctx context.Context, p *plan.Plan, so starts.Count) error {
	w := r.worker
	waiting := w.Status.Waits()
	leave, err := w.Gate.Enter(ctx)
	waiting()
	if err != nil {
		return err
	}
	defer leave()
	r.begun = time.Now() // waiting for others is not overhead
	return r.alone(ctx, p, so)
}

// alone runs fio, if it is still to be run: others may have used the time, so what was
// decided before is decided again.
func (r *run) alone(ctx context.Context, p *plan.Plan, so starts.Count) error {
	if over, err := r.over(ctx, so); over || err != nil {
		return err
	}
	problems, err := r.worker.Plans.Judge(p)
	if len(problems) > 0 || err != nil {
		return r.refused(ctx, problems, err)
	}
	held, err := locks.Disks(ctx, r.worker.lockDir(), p.Grant.Touched)
	if err != nil {
		return err
	}
	defer locks.Unlock(held)
	release, err := p.Grant.Hold()
	if err != nil {
		return r.failed(ctx, so.All, err.Error())
	}
	defer release()
	return r.lease(ctx, p, so, held)
}

// over ends a run that must not be started any more, and reports whether nothing
// is left to do for it.
func (r *run) over(ctx context.Context, so starts.Count) (bool, error) {
	w := r.worker
	if done, err := w.settled(ctx, r.inv); done || err != nil {
		return done, err
	}
	why, err := w.Cancellations.Check(ctx, r.inv.Bench)
	if err != nil {
		return false, err
	}
	if why != nil {
		return true, r.cancelled(ctx, why)
	}
	if n := so.Against(); n >= w.MaxStarts {
		return true, r.failed(ctx, so.All, fmt.Sprintf("fio was started %d times and none of them came to an end: the worker or its host went away each time", n))
	}
	return false, nil
}

// lease takes what other hosts see too, counts the start and starts the attempt.
func (r *run) lease(ctx context.Context, p *plan.Plan, so starts.Count, held []*os.File) error {
	w := r.worker
	shared, err := w.Plans.Shared(ctx, p)
	if err != nil {
		return r.refused(ctx, nil, err)
	}
	ctx, err = r.takeLease(ctx, shared, so.All+1)
	if err != nil {
		return r.refused(ctx, nil, err)
	}
	defer func() { r.leased.letGo(ctx) }()
	if err := r.makeRoom(p.Grant); err != nil {
		return err
	}
	if err := w.Starts.Add(ctx, r.inv.Run, so); err != nil {
		return err
	}
	r.inv.Attempt = so.All + 1
	r.enter(Admitted)
	return r.start(ctx, p, held)
}

// makeRoom removes what earlier jobs laid out, until the run fits.
func (r *run) makeRoom(g guard.Grant) error {
	freed, err := r.worker.LaidOut.MakeRoom(g)
	for _, f := range freed {
		r.log.Info("removed what earlier jobs laid out, for its space", "files", f.Files, "bytes", f.Bytes)
	}
	return err
}

// reachable asks an engine whether it is there, before a start is counted.
func (w *Worker) reachable(ctx context.Context) error {
	if p, ok := w.Runner.(interface{ Ping(context.Context) error }); ok {
		return p.Ping(ctx)
	}
	return nil
}
