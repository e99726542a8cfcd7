package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/bench/lease"
	"github.com/fiord-bench/fiord/services/bench/supervise"
)

// leasePoll is how often a device that another host has is looked at again.
const leasePoll = 500 * time.Millisecond

// leased is a run's lease of what other hosts see too, kept until the run has
// let go of it. Methods of nil do nothing: most runs need none.
type leased struct {
	lease   *lease.Lease
	leash   runner.Leash
	log     *slog.Logger
	stop    func() // renewing, and wait until it has stopped
	release func() // the context that ends with the lease
	started bool   // fio may be running: only its end gives the lease back
	ended   bool   // given back
}

// busy says that another host has one of these devices.
type busy struct{ devices []string }

// Error implements error.
func (e *busy) Error() string { return "another host measures " + strings.Join(e.devices, " or ") }

// takeLease leases the devices, if there are any. The context it returns ends,
// with lease.ErrLost as cause, when the lease does.
func (r *run) takeLease(ctx context.Context, devices []string, attempt int) (context.Context, error) {
	if len(devices) == 0 {
		return ctx, nil
	}
	program, err := r.service.supervisor()
	if err != nil {
		return ctx, err
	}
	l, err := r.service.leases.Take(ctx, devices, r.holder(attempt))
	if errors.Is(err, lease.ErrHeld) {
		return ctx, &busy{devices}
	}
	if err != nil {
		return ctx, bus.Unavailable(err)
	}
	return r.keepLease(ctx, l, program, attempt)
}

func (r *run) holder(attempt int) lease.Holder {
	return lease.Holder{Host: r.service.host, Run: r.inv.Run, Attempt: attempt}
}

// resumeLease takes up the lease of an adopted run. Whatever is in the way of
// that, fio must not go on.
func (r *run) resumeLease(ctx context.Context, tokens map[string]uint64, attempt int) (context.Context, error) {
	if len(tokens) == 0 {
		return ctx, nil
	}
	l, err := r.service.leases.Resume(ctx, tokens, r.holder(attempt))
	if err != nil {
		return ctx, err
	}
	ctx, err = r.keepLease(ctx, l, "", attempt)
	if r.leased != nil {
		r.leased.started = true
	}
	return ctx, err
}

// keepLease renews until letGo, and puts the supervisor's deadline off.
func (r *run) keepLease(ctx context.Context, l *lease.Lease, program string, attempt int) (context.Context, error) {
	dir := filepath.Join(r.service.leaseDir(), fmt.Sprintf("%s.%d", r.inv.Run, attempt))
	deadline := filepath.Join(dir, "deadline")
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // read as fio's user
		return ctx, errors.Join(fmt.Errorf("keep lease: %w", err), l.Finish(ctx))
	}
	if err := supervise.WriteDeadline(deadline, time.Duration(l.Deadline())); err != nil {
		return ctx, errors.Join(err, l.Finish(ctx))
	}
	watched, lost := context.WithCancelCause(ctx)
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		err := l.Keep(keeping, func(until lease.Clock) {
			if err := supervise.WriteDeadline(deadline, time.Duration(until)); err != nil {
				r.log.Warn("fio will be ended: its deadline is not put off", "error", err)
			}
		})
		if err != nil {
			r.log.Warn("fio is ended: the lease of its device is lost", "error", err)
			lost(err)
		}
	}()
	r.leased = &leased{
		lease: l, log: r.log, leash: runner.Leash{Program: program, Deadline: deadline},
		stop: func() { stop(); <-stopped }, release: func() { lost(context.Canceled) },
	}
	return watched, nil
}

// tokens fence what is measured under the lease.
func (l *leased) tokens() map[string]uint64 {
	if l == nil {
		return nil
	}
	return l.lease.Tokens()
}

// markStarted records that fio may be running from now on, and returns its leash.
func (l *leased) markStarted() *runner.Leash {
	if l == nil {
		return nil
	}
	l.started = true
	return &l.leash
}

// markNotStarted takes markStarted back.
func (l *leased) markNotStarted() {
	if l != nil {
		l.started = false
	}
}

// fioEnded gives the devices back. ErrLost says that the lease may have ended
// before fio did, or that the supervisor ended fio for it: what it measured
// must not count.
func (l *leased) fioEnded(ctx context.Context, exit runner.Exit) error {
	if l == nil {
		return nil
	}
	l.started, l.ended = false, true
	l.stop()
	err := l.lease.Finish(context.WithoutCancel(ctx))
	if err == nil && exit.Code == supervise.ExitExpired {
		return fmt.Errorf("%w: the supervisor ended fio", lease.ErrLost)
	}
	return err
}

// letGo ends the lease, at once if fio is known to be gone or never began.
// Otherwise the supervisor ends fio at the deadline, and the server the lease
// thereafter.
func (l *leased) letGo(ctx context.Context) {
	if l == nil {
		return
	}
	l.stop()
	defer l.release()
	if l.started {
		return
	}
	if !l.ended {
		if err := l.lease.Finish(context.WithoutCancel(ctx)); err != nil {
			l.log.Warn("lease is not given back: it will expire", "error", err)
		}
	}
	_ = os.RemoveAll(filepath.Dir(l.leash.Deadline)) // swept at the next start otherwise
}

// awaitLease waits until the devices look free, or the run should not wait on.
func (r *run) awaitLease(ctx context.Context, b *busy) error {
	r.log.Info("waiting for a lease", "devices", b.devices)
	waiting := r.service.state.waits()
	defer waiting()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(leasePoll):
		}
		if time.Now().After(r.list.Deadline) {
			return errLate
		}
		if why, err := r.service.cancellations.Check(ctx, r.inv.Bench); why != nil || err != nil {
			return err // the caller finds out again what to do about it
		}
		free, err := r.service.leases.Free(ctx, b.devices)
		if err != nil {
			return bus.Unavailable(err)
		}
		if free {
			return nil
		}
	}
}

func (s *Service) leaseDir() string { return filepath.Join(s.cfg.StateDir, "leases") }

// sweepLeases removes the deadlines of runs that are over. Where one of them
// still ran, it would not outlive this.
func (s *Service) sweepLeases(keep map[runner.Key]bool) error {
	entries, err := os.ReadDir(s.leaseDir())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sweep leases: %w", err)
	}
	kept := map[string]bool{}
	for k := range keep {
		kept[fmt.Sprintf("%s.%d", k.Run, k.Attempt)] = true
	}
	for _, e := range entries {
		if !kept[e.Name()] {
			err = errors.Join(err, os.RemoveAll(filepath.Join(s.leaseDir(), e.Name())))
		}
	}
	return err
}
