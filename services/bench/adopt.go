package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/guard"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/services/bench/locks"
	"github.com/fiord-bench/fiord/services/bench/spool"
)

// enginePoll is how often an absent engine is tried when the worker starts.
const enginePoll = time.Second

// adoptions are runs that an earlier worker started and this one sees to their
// end. A redelivered list waits for them.
type adoptions struct {
	mu   sync.Mutex
	runs map[string]chan struct{} // closed when the run has ended
}

func newAdoptions() *adoptions { return &adoptions{runs: map[string]chan struct{}{}} }

func (a *adoptions) begin(run string) (done func()) {
	ended := make(chan struct{})
	a.mu.Lock()
	defer a.mu.Unlock()
	a.runs[run] = ended
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.runs, run)
		close(ended)
	}
}

func (a *adoptions) wait(ctx context.Context, run string) error {
	a.mu.Lock()
	ended := a.runs[run]
	a.mu.Unlock()
	if ended == nil {
		return nil
	}
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// adopt finds what an earlier worker left: containers that still measure are
// seen to their end, all others are removed, and attempts whose fio is gone
// are dropped, so that the list begins them anew.
func (s *Service) adopt(ctx context.Context, running *sync.WaitGroup) error {
	left, err := s.leftovers(ctx)
	if err != nil {
		return err
	}
	unfinished, err := s.spool.Unfinished()
	if err != nil {
		return err
	}
	begun, adopted := map[runner.Key]*spool.Attempt{}, map[runner.Key]bool{}
	for _, a := range unfinished {
		begun[runner.Key{Run: a.Run, Attempt: a.Attempt}] = a
	}
	for _, p := range left {
		a := begun[p.Key()]
		var o order
		if a == nil || a.About(&o) != nil {
			s.clear(ctx, p)
			continue
		}
		delete(begun, p.Key())
		adopted[p.Key()] = true
		done := s.adopting.begin(a.Run)
		running.Go(func() {
			defer done()
			if err := s.resume(ctx, a, o, p); err != nil && ctx.Err() == nil {
				s.log.Error("adopted run is lost", "run_id", a.Run, "error", err)
			}
		})
	}
	for key, a := range begun {
		s.log.Info("dropping an attempt whose fio is gone", "run_id", key.Run, "attempt", key.Attempt)
		if err := a.Drop(); err != nil {
			return err
		}
	}
	if err := s.settleLaidOut(adopted); err != nil {
		return err
	}
	return s.sweepLeases(adopted)
}

// leftovers waits for the engine: nothing new may start before it is known
// what still runs.
func (s *Service) leftovers(ctx context.Context) ([]runner.Process, error) {
	for told := false; ; told = true {
		left, err := s.runner.Leftovers(ctx)
		if err == nil || !errors.Is(err, runner.ErrUnavailable) {
			return left, err
		}
		if !told {
			s.log.Warn("waiting for the engine", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(enginePoll):
		}
	}
}

// clear ends and removes what nobody knows.
func (s *Service) clear(ctx context.Context, p runner.Process) {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	s.log.Warn("clearing a leftover", "run_id", p.Key().Run, "attempt", p.Key().Attempt)
	if _, err := p.Wait(ended, nil); err != nil {
		s.log.Error("leftover is not cleared", "run_id", p.Key().Run, "error", err)
	}
}

// resume sees an adopted run to its end, under the locks it ran under.
func (s *Service) resume(ctx context.Context, a *spool.Attempt, o order, p runner.Process) error {
	cause, err := events.Unmarshal(o.Cause)
	if err != nil {
		s.clear(ctx, p)
		return errors.Join(fmt.Errorf("read cause: %w", err), a.Drop())
	}
	r := &run{
		service: s, list: o.List, inv: o.Inv, cause: cause, begun: time.Now(), disks: o.Disks,
		log: s.log.With(slog.String("bench_id", o.Inv.Bench), slog.String("run_id", o.Inv.Run)),
	}
	r.list.Runs = make([]events.Invocation, o.Runs) // counted in progress only
	ctx, err = r.resumeLease(ctx, o.Leases, a.Attempt)
	if err != nil {
		s.clear(ctx, p)
		return errors.Join(fmt.Errorf("adopt: %w", err), a.Drop())
	}
	defer func() { r.leased.letGo(ctx) }()
	r.log.Info("adopted", "attempt", o.Inv.Attempt)
	leave, err := s.gate.Enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	held, err := locks.Disks(ctx, s.cfg.lockDir(), o.Disks)
	if err != nil {
		return err
	}
	defer locks.Unlock(held)
	release, err := guard.Grant{Holds: o.Holds}.Hold()
	if err != nil {
		r.log.Warn("device of an adopted run is not held", "error", err)
		release = func() {}
	}
	defer release()
	done := s.state.runs(o.Inv.Bench, o.Inv.Run)
	defer done()
	if o.Inv.Attempt == 0 {
		o.Inv.Attempt = a.Attempt
	}
	err = r.finish(ctx, a, o, p)
	r.hasLaidOut(err)
	return err
}
