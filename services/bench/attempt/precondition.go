package attempt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/services/bench/lease"
	"github.com/fiord-bench/fiord/services/bench/measure"
	"github.com/fiord-bench/fiord/services/bench/outcome"
	"github.com/fiord-bench/fiord/services/bench/plan"
	"github.com/fiord-bench/fiord/services/bench/spool"
	"github.com/fiord-bench/fiord/services/bench/supervise"
)

// Preconditioning: a drive that was never written answers from nowhere, and a
// fresh one from its cache. Before the first sample everything that the jobs
// measure is written from end to end, by an invocation of its own whose job
// file and report are kept beside those of the run that it came before.

// ready does what a bench wants done right before fio measures. It returns why
// the run has failed, "" if it may go on.
func (r *run) ready(ctx context.Context, a *spool.Attempt, p *plan.Plan) (string, error) {
	began := time.Now()
	failure, err := r.precondition(ctx, a, p)
	if failure != "" || err != nil {
		return failure, err
	}
	if m := r.list.Measure; m != nil && m.DropCaches {
		if err := measure.DropCaches(); err != nil {
			return err.Error(), nil
		}
		r.prepared = append(r.prepared, "page cache dropped")
	}
	if r.common, err = r.session.barrier.Wait(ctx, r.inv.Index); err != nil {
		return "", err
	}
	if r.common != nil {
		if err := measure.SleepUntil(ctx, r.common.At); err != nil {
			return "", err
		}
	}
	r.begun = r.begun.Add(time.Since(began)) // asked for: no overhead of ours
	return "", nil
}

// precondition fills, unless this list has filled the same before. It returns
// why the run has failed, "" if it may go on.
func (r *run) precondition(ctx context.Context, a *spool.Attempt, p *plan.Plan) (string, error) {
	fill := p.Fill
	if fill == nil {
		return "", nil
	}
	problems, err := r.worker.Plans.Judge(fill)
	switch {
	case err != nil:
		return "", err
	case len(problems) > 0:
		return "precondition: " + problems[0].Message, nil
	case r.session.filled[string(fill.Job)]:
		return "", nil
	}
	dir := fill.Dir
	r.show("preconditioning")
	release := func() {}
	if len(p.Grant.Holds) == 0 { // what the run itself writes is held already
		if release, err = fill.Grant.Hold(); err != nil {
			return "precondition: " + err.Error(), nil
		}
	}
	defer release()
	if err := r.layOut(dir, fill); err != nil {
		return "", err
	}
	began := time.Now()
	exit, cause, err := r.runFill(ctx, dir, fill)
	if err != nil {
		return "", err
	}
	if r.leased != nil && exit.Code == supervise.ExitExpired {
		return "", fmt.Errorf("%w: the supervisor ended the preconditioning", lease.ErrLost)
	}
	if !exit.OK() {
		e := outcome.Of(exit, cause, r.list.Limits, r.worker.timeout(r.list))
		if e.Cancelled != nil {
			return "", e.Cancelled
		}
		return "precondition: " + e.Reason + ": " + outcome.Reasons(dir), nil
	}
	r.session.filled[string(fill.Job)] = true
	r.prepared = append(r.prepared, fmt.Sprintf("preconditioned in %s, %d times over", time.Since(began).Round(time.Millisecond), max(1, r.list.Measure.Passes)))
	return "", errors.Join(
		os.Rename(filepath.Join(dir, runner.JobFile), filepath.Join(a.Dir, outcome.PreconditionJob)),
		os.Rename(filepath.Join(dir, runner.OutputFile), filepath.Join(a.Dir, outcome.PreconditionFile)),
		os.RemoveAll(dir),
	)
}

// runFill runs fio under attempt 0: a worker that starts anew knows none by
// that number, and clears it away.
func (r *run) runFill(ctx context.Context, dir string, p *plan.Plan) (exit runner.Exit, cause error, err error) {
	w := r.worker
	watched, stop := w.Cancellations.During(ctx, r.inv.Bench)
	defer stop()
	watched, cancel := context.WithTimeoutCause(watched, w.timeout(r.list), outcome.ErrTimeout)
	defer cancel()
	watched, unwatch := w.watchSpace(watched, p.Written(dir))
	defer unwatch()
	process, err := w.Runner.Start(watched, runner.Invocation{
		Key: runner.Key{Run: r.inv.Run}, Host: w.Token, Dir: dir, WorkDir: p.WorkDir, Mounts: p.Grant.Mounts,
		Volumes: p.Volumes, Devices: p.Grant.Devices, User: p.User, Limits: p.Limits, Leash: r.leased.markStarted(),
	})
	if err != nil {
		return exit, nil, err
	}
	exit, err = process.Wait(watched, nil)
	if err == nil {
		r.leased.markNotStarted() // nothing of it is left: the lease may be given back
	}
	if err == nil && ctx.Err() != nil && exit.Stopped {
		err = ctx.Err()
	}
	return exit, context.Cause(watched), err
}

// layOut makes the folder of an invocation.
func (r *run) layOut(dir string, p *plan.Plan) error {
	logs := filepath.Join(dir, runner.LogDir)
	err := errors.Join(
		os.MkdirAll(logs, 0o700),
		os.WriteFile(filepath.Join(dir, runner.JobFile), p.Job, 0o600),
	)
	if err != nil {
		return fmt.Errorf("lay out precondition: %w", err)
	}
	return runner.Give(dir, p.User)
}
