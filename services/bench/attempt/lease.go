package attempt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/services/bench/lease"
	"github.com/fiord-bench/fiord/services/bench/supervise"
)

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

// keepLease renews a lease until letGo, and puts the supervisor's deadline off.
// dir is where the deadline stands. The context it returns ends, with
// lease.ErrLost as cause, when the lease does.
func keepLease(ctx context.Context, l *lease.Lease, program, dir string, log *slog.Logger) (context.Context, *leased, error) {
	deadline := filepath.Join(dir, "deadline")
	// Read as fio's user, whatever this process's mask is; the state folder is closed to others.
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.Chmod(dir, 0o755)); err != nil { //nolint:gosec // as said
		return ctx, nil, errors.Join(fmt.Errorf("keep lease: %w", err), l.Finish(ctx))
	}
	if err := supervise.WriteDeadline(deadline, time.Duration(l.Deadline())); err != nil {
		return ctx, nil, errors.Join(err, l.Finish(ctx))
	}
	watched, lost := context.WithCancelCause(ctx)
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		err := l.Keep(keeping, func(until lease.Clock) {
			if err := supervise.WriteDeadline(deadline, time.Duration(until)); err != nil {
				log.Warn("fio will be ended: its deadline is not put off", "error", err)
			}
		})
		if err != nil {
			log.Warn("fio is ended: the lease of its device is lost", "error", err)
			lost(err)
		}
	}()
	return watched, &leased{
		lease: l, log: log, leash: runner.Leash{Program: program, Deadline: deadline},
		stop: func() { stop(); <-stopped }, release: func() { lost(context.Canceled) },
	}, nil
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

// seen is what an exit status means to a run under a lease: the supervisor has
// one for an end of fio that it could not see.
func (l *leased) seen(exit runner.Exit) runner.Exit {
	if l != nil && exit.Code == supervise.ExitUnseen {
		return exit.Lost("the supervisor did not see how fio ended")
	}
	return exit
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
