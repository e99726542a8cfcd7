package inventory

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/service/logging"
)

// cancelGrace is how long workers get to end the runs of a cancelled bench
// themselves. What has not even started by then has no worker to do it, or one
// that is busy with another bench's.
const cancelGrace = 10 * time.Second

// sweepUntil looks for lost hosts and expired runs until the context ends.
// Every replica sweeps: ids are deterministic and ends arbitrated.
func (s *Service) sweepUntil(ctx context.Context) {
	select {
	case <-s.ledger.ready:
	case <-ctx.Done():
		return
	}
	tick := time.NewTicker(s.cfg.SweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.tellLost(ctx)
			s.sweep(ctx, time.Now())
		}
	}
}

// sweep ends the runs that nobody ended in time. What fails is tried again in
// the next sweep.
func (s *Service) sweep(ctx context.Context, now time.Time) {
	for _, a := range s.ledger.open() {
		placed, ok := a.placed.Data.(events.BenchPlaced)
		if !ok || !a.due(placed, now) {
			continue
		}
		if err := s.sweepBench(ctx, a, placed, now); err != nil && ctx.Err() == nil {
			s.log.Warn("sweep bench", logging.KeyBenchID, placed.Bench, logging.Error(err))
		}
	}
}

// due says whether a bench is worth a look at its runs.
func (a account) due(p events.BenchPlaced, now time.Time) bool {
	if a.cancel != nil && now.After(a.since.Add(cancelGrace)) {
		return true
	}
	// Until it has been looked up, longest is 0.
	return now.After(p.Deadline.Add(a.longest))
}

// sweepBench ends the open runs of one bench that are overdue.
func (s *Service) sweepBench(ctx context.Context, a account, placed events.BenchPlaced, now time.Time) error {
	p, err := s.readPlacement(ctx, placed.Placement)
	if err != nil {
		return err
	}
	longest := s.cfg.LongestRun
	if p.Request.Timeout > 0 {
		longest = p.Request.Timeout.Std()
	}
	s.ledger.update(p.Bench, func(a *account) { a.longest = longest })
	late := now.After(p.Deadline.Add(longest))
	if a.cancel == nil && !late {
		return nil
	}
	ended, err := s.ended(ctx, p.Bench)
	if err != nil {
		return err
	}
	running := s.running()
	open := 0
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for _, slot := range p.Slots {
		for _, run := range slot.Runs {
			switch {
			case ended[run.Run]:
				continue
			case running[run.Run], !late && s.ledger.hasStarted(p.Bench, run.Run):
				open++ // its worker is at it, or may come back with the result
				continue
			}
			group.Go(func() error { return s.end(ctx, a, p, run) })
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	s.ledger.update(p.Bench, func(a *account) { a.settled = open == 0 })
	return nil
}

// running lists the runs that live hosts say they are at.
func (s *Service) running() map[string]bool {
	runs := map[string]bool{}
	for _, h := range s.hosts.Hosts() {
		for _, r := range h.Running {
			if h.Alive {
				runs[r.Run] = true
			}
		}
	}
	return runs
}

// end ends one run, unless somebody was faster.
func (s *Service) end(ctx context.Context, a account, p *events.Placement, run events.RunRef) error {
	e := events.New(s.bus.Source(), run.Run, a.placed, s.terminal(a, p, run))
	ending, err := s.bus.End(ctx, e)
	if err != nil {
		return fmt.Errorf("end run %s: %w", run.Run, err)
	}
	if ending.Won {
		s.metrics.expired.Inc()
		s.log.Info("run ended in its worker's place", logging.KeyEventType, string(e.Type), logging.KeyBenchID, run.Bench, logging.KeyRunID, run.Run)
	}
	return nil
}

// terminal is how a run ends that nobody ended. One that was called off before
// fio was started did not expire: nobody needs to be warned of it.
func (s *Service) terminal(a account, p *events.Placement, run events.RunRef) events.Data {
	if a.cancel != nil && !s.ledger.hasStarted(run.Bench, run.Run) {
		return events.RunCancelled{RunRef: run, Reason: a.cancel.Reason, By: a.cancel.By, EndedAt: time.Now().UTC()}
	}
	return events.RunExpired{RunRef: run, Deadline: p.Deadline, Reason: s.whyExpired(a, run)}
}

// whyExpired says what the run was waiting for.
func (s *Service) whyExpired(a account, run events.RunRef) string {
	const what = "the deadline passed"
	if s.ledger.hasStarted(run.Bench, run.Run) {
		if c := a.cancel; c != nil {
			return shorten(fmt.Sprintf("cancelled by %s (%s), and the worker that had started it never told how it ended", c.By, c.Reason))
		}
		return what + ", and the worker that had started it never told how it ended"
	}
	if run.Pool != "" {
		serving := 0
		for _, h := range s.hosts.Hosts() {
			if h.Alive && h.InPool(run.Pool) {
				serving++
			}
		}
		return shorten(fmt.Sprintf("%s before a worker of pool %s started it (%d serve it now)", what, run.Pool, serving))
	}
	if h, known := s.hosts.Host(events.Token(run.Host)); !known || !h.Alive {
		return shorten(fmt.Sprintf("%s, and host %s isn't there to start it", what, run.Host))
	}
	return shorten(fmt.Sprintf("%s before host %s started it", what, run.Host))
}
