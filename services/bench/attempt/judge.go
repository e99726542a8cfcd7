package attempt

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/integrity"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/services/bench/outcome"
	"github.com/fiord-bench/fiord/services/bench/spool"
)

// judge decides about a fio whose exit status nobody saw by what it wrote: a
// whole report ends the run as one whose status was seen, and a report that says
// nothing about the end leaves an adopted run to its next attempt.
func (r *run) judge(ctx context.Context, a *spool.Attempt, o Order, exit runner.Exit) error {
	wrote := written(a, o)
	r.log.Warn("it was not seen how fio ended: what it wrote decides", "attempt", a.Attempt, "why", exit.Unknown, "wrote", wrote.String())
	switch {
	case wrote == outcome.Whole:
		exit.Code, exit.Unknown = 0, ""
		exit.Started, exit.Ended = startOf(a, exit), outcome.ReportedAt(a.Dir)
		r.meanwhile = nil // it is not known beside what fio ran
		r.findings = append(r.findings, events.Finding{
			Check: integrity.CheckUnseen, State: events.IntegrityOK,
			Evidence: events.Clip("fio's exit status was not seen and its report decides; what the host did is not known in full", 1000),
		})
		return r.commit(ctx, a, o, outcome.Of(exit, nil, r.list.Limits, o.Timeout))
	case wrote == outcome.Unfinished && r.session == nil:
		r.log.Info("dropping an attempt that has not come to its end", "attempt", a.Attempt)
		return a.Drop()
	}
	lost := outcome.Of(exit, nil, r.list.Limits, o.Timeout)
	if why := outcome.Reasons(a.Dir); why != "" {
		lost.Reason = "fio failed: " + why
	}
	return r.commit(ctx, a, o, lost)
}

// written is what fio wrote of an attempt that can be judged by it: begun since
// the host was started, as what was not synced may be lost with the host.
func written(a *spool.Attempt, o Order) outcome.Wrote {
	if o.Boot == "" || o.Boot != bootID() {
		return outcome.Unfinished
	}
	wrote := outcome.WroteOf(a.Dir)
	if wrote == outcome.Whole && startOf(a, runner.Exit{}).IsZero() {
		return outcome.Unfinished
	}
	return wrote
}

// bootID names this start of the host, "" if the kernel does not say.
func bootID() string {
	b, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b))
}

// startedFile holds when fio was started, for a worker that adopts the run. Like
// what fio writes it is not synced: it is used on the same start of the host only.
const startedFile = "started"

// noteStart is a courtesy to the next worker: without it an attempt whose end
// nobody saw is begun again.
func (r *run) noteStart(a *spool.Attempt) {
	f, err := os.OpenFile(filepath.Join(a.Dir, startedFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // a path of ours
	if err == nil {
		_, err = f.WriteString(now().Format(time.RFC3339Nano))
		err = errors.Join(err, f.Close())
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.log.Warn("the start of fio is not noted", "error", err)
	}
}

// startOf is when fio was started, as far as that is known.
func startOf(a *spool.Attempt, exit runner.Exit) time.Time {
	if !exit.Started.IsZero() {
		return exit.Started
	}
	b, err := os.ReadFile(filepath.Join(a.Dir, startedFile)) //nolint:gosec // a path of ours
	if err != nil {
		return time.Time{}
	}
	at, _ := time.Parse(time.RFC3339Nano, string(b)) // zero if it is cut off
	return at
}

// gone is the process of an attempt whose fio has ended, with nobody to see it.
type gone runner.Key

// Key implements runner.Process.
func (g gone) Key() runner.Key { return runner.Key(g) }

// Wait implements runner.Process.
func (g gone) Wait(context.Context, func(runner.Progress)) (runner.Exit, error) {
	return runner.Exit{}.Lost("the worker that started fio was gone when it ended"), nil
}
