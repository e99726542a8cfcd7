package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fiord-bench/fiord/host/hoststat"
	"github.com/fiord-bench/fiord/host/integrity"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/hostseries"
)

// watchHost begins to record what the host does. The function it returns ends
// that and, once fio has run, writes activity.csv into the attempt's folder. A
// run is not worth less for lack of it: what goes wrong is only logged. An
// engine on another host measures where there is nothing to be read from here.
func (r *run) watchHost(o order, dir string) func(exit runner.Exit) {
	if r.service.remote {
		return func(runner.Exit) {}
	}
	rec, err := hoststat.Record("", o.Disks, filepath.Join(dir, runner.JobFile))
	if err != nil {
		r.log.Warn("the host is not watched", "error", err)
		return func(runner.Exit) {}
	}
	return func(exit runner.Exit) {
		seen, err := rec.Stop(exit.Started, exit.Ended)
		held := rec.Held()
		r.meanwhile = &integrity.Meanwhile{
			Series: seen, CPUs: r.service.machine.CPUs(), Others: r.service.cfg.Others / 100,
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
	f, err := os.OpenFile(filepath.Join(dir, hostseries.File), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // as the store's readers do
	if err != nil {
		return fmt.Errorf("write activity: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return hostseries.Write(f, seen)
}
