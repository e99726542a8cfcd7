package attempt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/block"
	"github.com/fiord-bench/fiord/host/hoststat"
	"github.com/fiord-bench/fiord/host/integrity"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/hostseries"
	"github.com/fiord-bench/fiord/services/bench/spool"
)

// liveEvery is how often progress is shown at most.
const liveEvery = 900 * time.Millisecond

// progress returns what fio's progress goes to, once a second. A run that lays
// its files out first says so: its rates are not the measured ones.
func (r *run) progress() func(runner.Progress) {
	var last time.Time
	times := hoststat.NewDiskTimes(block.System{}, r.disks)
	return func(p runner.Progress) {
		if p.Time.Sub(last) < liveEvery {
			return
		}
		last = p.Time
		phase := "running"
		if p.Ramping || p.Percent < 0 {
			phase = "layout"
		}
		live := r.live(phase)
		live.Percent, live.ETA = p.Percent, events.Duration(max(0, p.ETA))
		live.IOPS, live.BandwidthBytes = map[string]float64{}, map[string]float64{}
		for name, rate := range map[string]runner.Rate{"read": p.Read, "write": p.Write, "trim": p.Trim} {
			if rate != (runner.Rate{}) {
				live.IOPS[name], live.BandwidthBytes[name] = rate.IOPS, rate.BytesPerSec
			}
		}
		live.LatencyNS = times.Since()
		r.send(live)
	}
}

// watchHost begins to record what the host does. The function it returns ends
// that and, once fio has run, writes activity.csv into the attempt's folder. A
// run is not worth less for lack of it: what goes wrong is only logged. An
// engine on another host measures where there is nothing to be read from here.
func (r *run) watchHost(disks []string, dir string) func(exit runner.Exit) {
	if r.worker.Remote {
		return func(runner.Exit) {}
	}
	rec, err := hoststat.Record("", disks, filepath.Join(dir, runner.JobFile))
	if err != nil {
		r.log.Warn("the host is not watched", "error", err)
		return func(runner.Exit) {}
	}
	return func(exit runner.Exit) {
		seen, err := rec.Stop(exit.Started, exit.Ended)
		held := rec.Held()
		r.meanwhile = &integrity.Meanwhile{
			Series: seen, CPUs: r.worker.Machine.CPUs(), Others: r.worker.Others / 100,
			Held: held.Time, Periods: held.Throttled, Enforced: held.Periods, Limited: r.list.Limits.CPUs > 0,
		}
		if len(seen.Samples) > 0 {
			err = errors.Join(err, writeActivity(dir, seen))
		}
		if err != nil {
			r.log.Warn("the record of the host is incomplete", "error", err)
		}
	}
}

// writeActivity makes the file anew: the folder is open to fio's user, and
// what is there by that name is not ours to follow.
func writeActivity(dir string, seen hostseries.Series) (err error) {
	f, err := os.OpenFile(filepath.Join(dir, hostseries.File), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // a path of ours
	if err != nil {
		return fmt.Errorf("write activity: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return hostseries.Write(f, seen)
}

// sizePoll is how often a run's folder is measured.
const sizePoll = 5 * time.Second

// watchSize calls tooLarge when the files of an attempt hold more than a run may
// keep.
func (w *Worker) watchSize(ctx context.Context, a *spool.Attempt, tooLarge func()) {
	tick := time.NewTicker(sizePoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if n, err := a.Size(); err == nil && w.RunLimit > 0 && uint64(n) > w.RunLimit { //nolint:gosec // not negative
			tooLarge()
			return
		}
	}
}

// floorCause ends fio at once.
type floorCause struct{ error }

// Is makes it a cause of that kind.
func (floorCause) Is(target error) bool { return target == runner.AtOnce } //nolint:errorlint // the identity is meant

// watchSpace returns a context that ends when a file system of the folders has
// less left than must stay free. What was counted before the start is what fio
// says it writes; this is what holds when it writes more, or another
// program does. fio is killed at once: asking it first could cost what is left.
func (w *Worker) watchSpace(ctx context.Context, dirs []string) (context.Context, context.CancelFunc) {
	watched, end := context.WithCancelCause(ctx)
	go w.Guard.Watch(watched, dirs, func(fell error) {
		end(floorCause{fell})
	})
	return watched, func() { end(context.Canceled) }
}
