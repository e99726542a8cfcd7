package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/facts"
	"github.com/fiord-bench/fiord/host/integrity"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/bench/cancellation"
	"github.com/fiord-bench/fiord/services/bench/lease"
	"github.com/fiord-bench/fiord/services/bench/locks"
	"github.com/fiord-bench/fiord/services/bench/measure"
	"github.com/fiord-bench/fiord/services/bench/memory"
	"github.com/fiord-bench/fiord/services/bench/plan"
	"github.com/fiord-bench/fiord/services/bench/spool"
	"github.com/fiord-bench/fiord/services/bench/starts"
)

// environmentFile and resultFile stand beside the runner's own files.
const (
	environmentFile = "environment.json"
	resultFile      = "result.json"
	// memoryDir below the state folder holds what jobs were last measured in.
	memoryDir = "environments"
)

// run is one invocation on its way to its end.
type run struct {
	service *Service
	list    events.RunList
	inv     events.Invocation
	cause   events.Event
	log     *slog.Logger
	begun   time.Time // when the worker turned to it, for the overhead

	session   *session             // of the list; nil for an adopted run
	prepared  []string             // what was done before fio started, in words
	common    *measure.CommonStart // start agreed on with other hosts
	findings  []events.Finding     // what is known of the run's integrity before fio starts
	meanwhile *integrity.Meanwhile // what the host did, once fio has ended
	disks     []string             // kernel names, of what is measured
	leased    *leased              // nil if nothing it uses is seen by other hosts
}

// order is what the spool keeps of a run that was started: enough for the next
// worker to end it.
type order struct {
	Cause json.RawMessage   `json:"cause"`
	List  events.RunList    `json:"list"` // without its other runs
	Runs  int               `json:"runs"`
	Inv   events.Invocation `json:"invocation"`
	Disks []string          `json:"disks,omitempty"`
	Holds []string          `json:"holds,omitempty"`
	// Written are folders on the file systems that it writes to.
	Written []string `json:"written,omitempty"`
	// Leases are the fencing tokens of what other hosts see too.
	Leases map[string]uint64 `json:"leases,omitempty"`
	// What the terminal repeats.
	HostClass   string        `json:"host_class,omitempty"`
	DeviceClass string        `json:"device_class,omitempty"`
	StartedAt   time.Time     `json:"started_at"`
	Timeout     time.Duration `json:"timeout"`
	Overhead    time.Duration `json:"overhead"` // of the worker, before fio
}

// execute runs fio once for the invocation and commits what came of it.
func (r *run) execute(ctx context.Context) error {
	s := r.service
	r.begun = time.Now()
	text, err := s.store.ReadAll(ctx, r.inv.File, maxJob)
	if err != nil {
		return r.unfetched(ctx, err)
	}
	so, err := s.starts.Of(ctx, r.inv.Run)
	if err != nil {
		return bus.Unavailable(err)
	}
	p, problems, err := s.plans.Make(plan.Request{List: r.list, Invocation: r.inv, Text: text, Dir: s.attemptDir(r.inv.Run, so.All+1)})
	if len(problems) > 0 || err != nil {
		return r.refused(ctx, problems, err)
	}
	if err := s.spool.Check(); err != nil {
		return bus.Unavailable(err)
	}
	if err := s.reachable(ctx); err != nil {
		return bus.Unavailable(err)
	}
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

// pass is execute behind the gate. It does not wait there for another host.
func (r *run) pass(ctx context.Context, p *plan.Plan, so starts.Count) error {
	s := r.service
	r.show("waiting")
	waiting := s.state.waits()
	leave, err := s.gate.Enter(ctx)
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
	s := r.service
	if done, err := s.settled(ctx, r.inv); done || err != nil {
		return err
	}
	if why, err := s.cancellations.Check(ctx, r.inv.Bench); err != nil || why != nil {
		if err != nil {
			return err
		}
		return r.cancelled(ctx, why)
	}
	if n := so.Against(); n >= s.cfg.Starts {
		return r.failed(ctx, so.All, fmt.Sprintf("fio was started %d times and none of them came to an end: the worker or its host went away each time", n))
	}
	attempt := so.All + 1
	problems, err := s.plans.Judge(p)
	if len(problems) > 0 || err != nil {
		return r.refused(ctx, problems, err)
	}
	held, err := locks.Disks(ctx, s.cfg.lockDir(), p.Grant.Touched)
	if err != nil {
		return err
	}
	defer locks.Unlock(held)
	release, err := p.Grant.Hold()
	if err != nil {
		return r.failed(ctx, so.All, err.Error())
	}
	defer release()
	shared, err := s.plans.Shared(ctx, p)
	if err != nil {
		return r.refused(ctx, nil, err)
	}
	ctx, err = r.takeLease(ctx, shared, attempt)
	if err != nil {
		return r.refused(ctx, nil, err)
	}
	defer func() { r.leased.letGo(ctx) }()
	if err := r.makeRoom(p.Grant); err != nil {
		return err
	}
	if err := s.starts.Add(ctx, r.inv.Run, so); err != nil {
		return err
	}
	r.inv.Attempt = attempt
	return r.start(ctx, p, held)
}

// subject is what results are compared by.
func (r *run) subject() []string {
	repo := ""
	if r.list.Origin != nil {
		repo = r.list.Origin.Repo.Name
	}
	return []string{repo, r.inv.Name, r.inv.Job, r.inv.Point.Key()}
}

// start begins the attempt in the spool, tells the world, and runs fio.
func (r *run) start(ctx context.Context, p *plan.Plan, held []*os.File) (end error) {
	s := r.service
	done := s.state.runs(r.inv.Bench, r.inv.Run)
	defer done()
	r.show("preparing")
	env, err := s.environment(p)
	if err != nil {
		r.log.Warn("environment is incomplete", "error", err)
	}
	change, err := memory.Dir(filepath.Join(s.cfg.StateDir, memoryDir)).Changed(r.inv.Bench, r.subject(), env)
	if err != nil {
		r.log.Warn("this environment is not held against the last", "error", err)
	}
	if change != nil {
		r.findings = append(r.findings, change.Finding())
	}
	o := r.order(p, env)
	a, err := s.spool.Begin(r.inv.Run, r.inv.Attempt, o)
	if err != nil {
		return err
	}
	if err := r.fill(a, p, env); err != nil {
		return errors.Join(err, a.Drop())
	}
	if err := r.announceStart(ctx, p, env); err != nil {
		return errors.Join(bus.Unavailable(err), a.Drop())
	}
	if err := r.laysOut(p.Grant); err != nil {
		return errors.Join(err, a.Drop())
	}
	defer func() { r.hasLaidOut(end) }()
	s.metrics.starts.Inc()
	s.metrics.running.Inc()
	defer s.metrics.running.Dec()
	if failure, err := r.ready(ctx, a, p); failure != "" || err != nil {
		return r.unready(ctx, a, o, failure, err)
	}
	o.StartedAt, o.Overhead = time.Now().UTC(), time.Since(r.begun)
	r.disks = o.Disks
	inv := runner.Invocation{
		Key: runner.Key{Run: r.inv.Run, Attempt: r.inv.Attempt}, Host: s.token,
		Dir: a.Dir, WorkDir: p.WorkDir, Mounts: p.Grant.Mounts, Volumes: p.Volumes,
		Devices: p.Grant.Devices, User: p.User, Limits: p.Limits, Hold: held,
		Leash: r.leased.markStarted(),
	}
	process, err := s.runner.Start(ctx, inv)
	if err != nil {
		return r.unstarted(ctx, a, o, err)
	}
	return r.finish(ctx, a, o, process)
}

// unready ends a run that could not be prepared, or passes on why not.
func (r *run) unready(ctx context.Context, a *spool.Attempt, o order, failure string, err error) error {
	var cancelled *cancellation.Error
	switch {
	case errors.As(err, &cancelled):
		return r.commit(ctx, a, o, ending{Cancelled: cancelled})
	case err != nil:
		return r.unstarted(ctx, a, o, err)
	}
	return r.commit(ctx, a, o, ending{Reason: failure})
}

// unstarted ends a run that the runner could not start.
func (r *run) unstarted(ctx context.Context, a *spool.Attempt, o order, err error) error {
	if !errors.Is(err, runner.ErrUnavailable) { // else nobody knows what the engine did
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
	return r.commit(ctx, a, o, ending{Reason: err.Error()})
}

func (r *run) order(p *plan.Plan, env facts.Environment) order {
	cause, _ := events.Marshal(r.cause) // it came from the bus: it is valid
	header := r.list
	header.Runs = nil
	return order{
		Cause: cause, List: header, Runs: len(r.list.Runs), Inv: r.inv,
		Disks: p.Grant.Touched, Holds: p.Grant.Holds, Leases: r.leased.tokens(),
		Written:   p.Written(r.service.spool.Dir()),
		HostClass: env.HostClass, DeviceClass: env.DeviceClass,
		StartedAt: time.Now().UTC(), Timeout: r.service.timeout(r.list),
	}
}

// timeout of one fio.
func (s *Service) timeout(l events.RunList) time.Duration {
	timeout := s.cfg.Timeout
	if l.Timeout > 0 {
		timeout = l.Timeout.Std()
	}
	if most := s.cfg.MaxDuration; most > 0 {
		timeout = min(timeout, most)
	}
	return timeout
}

// fill writes what fio is given, and what it is measured in.
func (r *run) fill(a *spool.Attempt, p *plan.Plan, env facts.Environment) error {
	logs := filepath.Join(a.Dir, runner.LogDir)
	description, err := json.MarshalIndent(env, "", "  ")
	if err != nil {
		return fmt.Errorf("encode environment: %w", err)
	}
	err = errors.Join(
		os.Mkdir(logs, 0o755), //nolint:gosec // fio may run as another user
		os.WriteFile(filepath.Join(a.Dir, runner.JobFile), p.Job, 0o644),        //nolint:gosec // and must read this
		os.WriteFile(filepath.Join(a.Dir, environmentFile), description, 0o644), //nolint:gosec // as the store's readers do
	)
	if err != nil {
		return fmt.Errorf("fill attempt: %w", err)
	}
	if p.User == nil || os.Geteuid() != 0 {
		return nil
	}
	for _, dir := range []string{a.Dir, logs} {
		if err := os.Chown(dir, p.User.UID, p.User.GID); err != nil {
			return fmt.Errorf("give attempt to its user: %w", err)
		}
	}
	return nil
}

func (s *Service) environment(p *plan.Plan) (facts.Environment, error) {
	known := s.known()
	s.state.mu.Lock()
	d := s.state.runner
	s.state.mu.Unlock()
	target := p.Grant.Target
	if len(p.Volumes) > 0 {
		target = "" // inside the container
	}
	return s.machine.Environment(s.host, known, d, target)
}

func (r *run) announceStart(ctx context.Context, p *plan.Plan, env facts.Environment) error {
	started := events.RunStarted{
		RunRef: r.inv.RunRef, HostClass: env.HostClass, DeviceClass: env.DeviceClass,
		Facts: firstFacts(env.Facts), Device: deviceOf(env), Expected: events.Duration(expected(p.Job)),
		Leases: r.leased.tokens(),
	}
	_, err := r.service.bus.Emit(ctx, fmt.Sprintf("%s/%d", r.inv.Run, r.inv.Attempt), &r.cause, started)
	return err
}

func (s *Service) attemptDir(run string, attempt int) string {
	return filepath.Join(s.spool.Dir(), fmt.Sprintf("%s.%d", run, attempt))
}

// reachable asks an engine whether it is there, before a start is counted.
func (s *Service) reachable(ctx context.Context) error {
	if p, ok := s.runner.(interface{ Ping(context.Context) error }); ok {
		return p.Ping(ctx)
	}
	return nil
}
