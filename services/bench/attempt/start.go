package attempt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fiord-bench/fiord/host/facts"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/bench/cancellation"
	"github.com/fiord-bench/fiord/services/bench/lease"
	"github.com/fiord-bench/fiord/services/bench/outcome"
	"github.com/fiord-bench/fiord/services/bench/plan"
	"github.com/fiord-bench/fiord/services/bench/spool"
)

// subject is what results are compared by.
func (r *run) subject() []string {
	repo := ""
	if r.list.Origin != nil {
		repo = r.list.Origin.Repo.Name
	}
	return []string{repo, r.inv.Name, r.inv.Job, r.inv.Point.Key()}
}

// start begins the attempt in the spool, announces it, and runs fio.
func (r *run) start(ctx context.Context, p *plan.Plan, held []*os.File) (end error) {
	w := r.worker
	done := w.Status.Runs(r.inv.Bench, r.inv.Run)
	defer done()
	env := r.surroundings(p)
	o := r.order(p, env)
	a, err := w.Spool.Begin(r.inv.Run, r.inv.Attempt, o)
	if err != nil {
		return err
	}
	if err := r.fill(a, p, env); err != nil {
		return errors.Join(err, a.Drop())
	}
	if err := r.announceStart(ctx, p, env); err != nil {
		return errors.Join(bus.Unavailable(err), a.Drop())
	}
	if err := w.LaidOut.Begin(r.inv.Bench, r.inv.Run, slices.Sorted(maps.Keys(p.Grant.Files))); err != nil {
		return errors.Join(err, a.Drop())
	}
	defer func() { r.hasLaidOut(end) }()
	r.enter(Begun)
	w.Metrics.Starts.Inc()
	w.Metrics.Running.Inc()
	defer w.Metrics.Running.Dec()
	if failure, err := r.ready(ctx, a, p); failure != "" || err != nil {
		return r.unready(ctx, a, o, failure, err)
	}
	o.StartedAt, o.Overhead = time.Now().UTC(), time.Since(r.begun)
	r.disks = o.Disks
	inv := runner.Invocation{
		Key: runner.Key{Run: r.inv.Run, Attempt: r.inv.Attempt}, Host: w.Token,
		Dir: a.Dir, WorkDir: p.WorkDir, Mounts: p.Grant.Mounts, Volumes: p.Volumes,
		Devices: p.Grant.Devices, User: p.User, Limits: p.Limits, Hold: held,
		Leash: r.leased.markStarted(),
	}
	process, err := w.Runner.Start(ctx, inv)
	if err != nil {
		return r.unstarted(ctx, a, o, err)
	}
	r.noteStart(a)
	r.enter(Started)
	return r.finish(ctx, a, o, process)
}

// surroundings captures what the attempt is measured in, and notes what has
// changed since the last one like it.
func (r *run) surroundings(p *plan.Plan) facts.Environment {
	target := p.Grant.Target
	if len(p.Volumes) > 0 {
		target = "" // inside the container
	}
	env, err := r.worker.Status.Environment(target)
	if err != nil {
		r.log.Warn("environment is incomplete", "error", err)
	}
	change, err := r.worker.memories().Changed(r.inv.Bench, r.subject(), env)
	if err != nil {
		r.log.Warn("this environment is not compared with the last", "error", err)
	}
	if change != nil {
		r.findings = append(r.findings, change.Finding())
	}
	return env
}

// unready ends a run that could not be prepared, or passes on why not.
func (r *run) unready(ctx context.Context, a *spool.Attempt, o Order, failure string, err error) error {
	var cancelled *cancellation.Error
	switch {
	case errors.As(err, &cancelled):
		return r.commit(ctx, a, o, outcome.Outcome{Cancelled: cancelled})
	case err != nil:
		return r.unstarted(ctx, a, o, err)
	}
	return r.commit(ctx, a, o, outcome.Outcome{Reason: failure})
}

// unstarted ends a run that the runner could not start.
func (r *run) unstarted(ctx context.Context, a *spool.Attempt, o Order, err error) error {
	if !errors.Is(err, runner.ErrUnavailable) { // else it is not known what the engine did
		r.leased.markNotStarted()
	}
	switch {
	case errors.Is(err, runner.ErrUnavailable):
		return errors.Join(bus.Unavailable(err), a.Drop())
	case errors.Is(context.Cause(ctx), lease.ErrLost):
		return errors.Join(context.Cause(ctx), a.Drop())
	case errors.Is(err, lease.ErrLost):
		return errors.Join(err, a.Drop())
	case ctx.Err() != nil:
		return r.handBack(ctx, a)
	}
	return r.commit(ctx, a, o, outcome.Outcome{Reason: err.Error()})
}

// fill writes what fio is given, and what it is measured in.
func (r *run) fill(a *spool.Attempt, p *plan.Plan, env facts.Environment) error {
	logs := filepath.Join(a.Dir, runner.LogDir)
	description, err := json.MarshalIndent(env, "", "  ")
	if err != nil {
		return fmt.Errorf("encode environment: %w", err)
	}
	err = errors.Join(
		os.Mkdir(logs, 0o700),
		os.WriteFile(filepath.Join(a.Dir, runner.JobFile), p.Job, 0o600),
		os.WriteFile(filepath.Join(a.Dir, outcome.EnvironmentFile), description, 0o600),
	)
	if err != nil {
		return fmt.Errorf("fill attempt: %w", err)
	}
	return runner.Give(a.Dir, p.User)
}
