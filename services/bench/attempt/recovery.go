package attempt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/guard"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/services/bench/locks"
	"github.com/fiord-bench/fiord/services/bench/outcome"
	"github.com/fiord-bench/fiord/services/bench/spool"
)

// enginePoll is how often an absent engine is tried when the worker starts.
const enginePoll = time.Second

// remains is what is left of an attempt of an earlier worker.
type remains struct {
	key     runner.Key
	attempt *spool.Attempt // nil if the spool knows none
	order   Order
	process runner.Process // nil if nothing runs, unless it has written how it ended
	wrote   bool           // fio is gone and has written how it ended
}

// Recover takes up what an earlier worker left, as RecoveryOf has it: what still
// measures is seen to its end, in goroutines of running; all else is removed, so
// that the list begins it anew.
func (w *Worker) Recover(ctx context.Context, running *sync.WaitGroup) error {
	all, err := w.remains(ctx)
	if err != nil {
		return err
	}
	adopted := map[runner.Key]bool{}
	for _, left := range all {
		key := left.key
		switch RecoveryOf(left.attempt != nil, left.process != nil, left.wrote) {
		case Adopt:
			adopted[key] = true
			done := w.adopting.begin(key.Run)
			running.Go(func() {
				defer done()
				if err := w.resume(ctx, left); err != nil && ctx.Err() == nil {
					w.Log.Error("adopted run is lost", "run_id", key.Run, "error", err)
				}
			})
		case Drop:
			w.Log.Info("dropping an attempt whose fio is gone", "run_id", key.Run, "attempt", key.Attempt)
			if err := left.attempt.Drop(); err != nil {
				return err
			}
		case Clear:
			w.clear(ctx, left.process)
		}
	}
	if err := w.settleLaidOut(adopted); err != nil {
		return err
	}
	return w.sweepLeases(adopted)
}

// remains lists what is left. An order that cannot be read counts as none: what
// runs of it is cleared, and its attempt dropped.
func (w *Worker) remains(ctx context.Context) ([]remains, error) {
	left, err := w.leftovers(ctx)
	if err != nil {
		return nil, err
	}
	unfinished, err := w.Spool.Unfinished()
	if err != nil {
		return nil, err
	}
	running := map[runner.Key]runner.Process{}
	for _, p := range left {
		if running[p.Key()] == nil || !runner.Doubtful(p) {
			running[p.Key()] = p
		}
	}
	var all []remains
	for _, a := range unfinished {
		r := remains{key: runner.Key{Run: a.Run, Attempt: a.Attempt}, attempt: a}
		if a.About(&r.order) == nil {
			r.process = running[r.key]
			delete(running, r.key)
			if r.wrote = r.process == nil && written(a, r.order) != outcome.Unfinished; r.wrote {
				r.process = gone(r.key)
			}
		}
		all = append(all, r)
	}
	for key, p := range running {
		if runner.Doubtful(p) {
			w.Log.Warn("a fio that an older fiord started, or another on this machine, is left alone, because this worker's spool knows nothing of it: end it if it is not wanted",
				"run_id", key.Run, "attempt", key.Attempt, "left", fmt.Sprint(p))
			continue
		}
		all = append(all, remains{key: key, process: p})
	}
	return all, nil
}

// leftovers waits for the engine: nothing new may start before it is known
// what still runs.
func (w *Worker) leftovers(ctx context.Context) ([]runner.Process, error) {
	for reported := false; ; reported = true {
		left, err := w.Runner.Leftovers(ctx)
		if err == nil || !errors.Is(err, runner.ErrUnavailable) {
			return left, err
		}
		if !reported {
			w.Log.Warn("waiting for the engine", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(enginePoll):
		}
	}
}

// clear ends and removes what no attempt knows.
func (w *Worker) clear(ctx context.Context, p runner.Process) {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	w.Log.Warn("clearing a leftover", "run_id", p.Key().Run, "attempt", p.Key().Attempt)
	if _, err := p.Wait(ended, nil); err != nil {
		w.Log.Error("leftover is not cleared", "run_id", p.Key().Run, "error", err)
	}
}

// resume sees an adopted run to its end, under the locks it ran under.
func (w *Worker) resume(ctx context.Context, left remains) error {
	a, o, p := left.attempt, left.order, left.process
	cause, err := events.Unmarshal(o.Cause)
	if err != nil {
		w.clear(ctx, p)
		return errors.Join(fmt.Errorf("read cause: %w", err), a.Drop())
	}
	r := w.newRun(o.List, o.Inv, cause, w.Log)
	r.phase, r.disks = Started, o.Disks
	r.list.Runs = make([]events.Invocation, o.Runs) // counted in progress only
	ctx, err = r.resumeLease(ctx, o.Leases, a.Attempt)
	if err != nil {
		w.clear(ctx, p)
		return errors.Join(fmt.Errorf("adopt: %w", err), a.Drop())
	}
	defer func() { r.leased.letGo(ctx) }()
	r.log.Info("adopted", "attempt", o.Inv.Attempt)
	leave, err := w.Gate.Enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	held, err := locks.Disks(ctx, w.lockDir(), o.Disks)
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
	done := w.Status.Runs(o.Inv.Bench, o.Inv.Run)
	defer done()
	if o.Inv.Attempt == 0 {
		o.Inv.Attempt = a.Attempt
	}
	err = r.finish(ctx, a, o, p)
	r.hasLaidOut(err)
	return err
}

// settleLaidOut looks for what the runs of an earlier worker made, but for
// those that still go on.
func (w *Worker) settleLaidOut(adopted map[runner.Key]bool) error {
	going := map[string]bool{}
	for key := range adopted {
		going[key.Run] = true
	}
	if err := w.LaidOut.Settle(going); err != nil {
		return err
	}
	w.Tidy("")
	return nil
}

// sweepLeases removes the deadlines of runs that are over. Where one of them
// still ran, it would not outlive this.
func (w *Worker) sweepLeases(keep map[runner.Key]bool) error {
	entries, err := os.ReadDir(w.leaseDir())
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
			err = errors.Join(err, os.RemoveAll(filepath.Join(w.leaseDir(), e.Name())))
		}
	}
	return err
}
