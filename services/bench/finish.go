package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/hostseries"
	"github.com/fiord-bench/fiord/services/bench/cancellation"
	"github.com/fiord-bench/fiord/services/bench/outbox"
	"github.com/fiord-bench/fiord/services/bench/spool"
)

// Reasons for which the worker itself stops fio.
var (
	errTimeout  = errors.New("it took longer than its timeout")
	errTooLarge = errors.New("its logs grew beyond what a run may keep")
)

// sizePoll is how often a run's folder is measured.
const sizePoll = 5 * time.Second

// ending is what a run came to, before it is made into an event.
type ending struct {
	Reason    string              // of a failure; "" when fio ended well
	Cancelled *cancellation.Error // why it was stopped on request
	Exit      *runner.Exit        // nil if fio never ran
}

// finish waits for fio, whoever started it, and commits the end to the spool.
func (r *run) finish(ctx context.Context, a *spool.Attempt, o order, p runner.Process) error {
	s := r.service
	waiting, done := r.untilStopped(ctx)
	defer done()
	watched, stop := s.cancellations.During(waiting, r.inv.Bench)
	defer stop()
	left := time.Until(o.StartedAt.Add(o.Timeout))
	watched, cancelTimeout := context.WithTimeoutCause(watched, left, errTimeout)
	defer cancelTimeout()
	watched, tooLarge := context.WithCancelCause(watched)
	defer tooLarge(nil)
	go s.watchSize(watched, a, func() { tooLarge(errTooLarge) })
	watched, unwatch := s.watchSpace(watched, append(o.Written, a.Dir))
	defer unwatch()

	watching := r.watchHost(o, a.Dir)
	shown := r.progress()
	exit, err := p.Wait(watched, shown)
	watching(exit)
	if err != nil {
		return r.lost(ctx, a, o, err)
	}
	if err := r.leased.fioEnded(ctx, exit); err != nil {
		return errors.Join(fmt.Errorf("measured in vain: %w", err), a.Drop())
	}
	if ctx.Err() != nil && exit.Stopped {
		return r.handBack(ctx, a)
	}
	r.show("storing")
	return r.commit(ctx, a, o, judge(exit, context.Cause(watched), r.list, o))
}

// lost: fio went out of sight. What it may still be doing is cleared before
// the run is begun again.
func (r *run) lost(ctx context.Context, a *spool.Attempt, o order, err error) error {
	switch {
	case errors.Is(err, runner.ErrLeft):
		return r.left(err)
	case errors.Is(err, runner.ErrUnavailable):
		// It may yet end well, and be adopted by the next start of the worker.
		return err
	}
	return r.commit(ctx, a, o, ending{Reason: "fio was lost: " + err.Error()})
}

func (s *Service) watchSize(ctx context.Context, a *spool.Attempt, tooLarge func()) {
	tick := time.NewTicker(sizePoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if n, err := a.Size(); err == nil && s.cfg.RunLimit > 0 && uint64(n) > uint64(s.cfg.RunLimit) { //nolint:gosec // not negative
			tooLarge()
			return
		}
	}
}

// judge says what an exit means. cause is why fio was stopped, if it was.
func judge(exit runner.Exit, cause error, l events.RunList, o order) ending {
	e := ending{Exit: &exit}
	var cancelled *cancellation.Error
	switch {
	case exit.Stopped && errors.As(cause, &cancelled):
		e.Cancelled = cancelled
	case exit.Stopped && errors.Is(cause, errTimeout):
		e.Reason = fmt.Sprintf("fio was stopped: it took longer than its timeout of %s (raise timeout in the bench)", o.Timeout)
	case exit.Stopped:
		e.Reason = fmt.Sprintf("fio was stopped: %v", cause)
	case exit.OutOfMem:
		e.Reason = "the kernel killed fio, or one of its jobs, for lack of memory"
		if l.Limits.Memory > 0 {
			e.Reason += " (raise limits.memory in the bench)"
		}
	case exit.Signal != "":
		e.Reason = "fio was ended by " + exit.Signal
	case exit.Code != 0:
		e.Reason = fmt.Sprintf("fio failed with exit status %d", exit.Code)
	}
	return e
}

// maxStderr is what an event carries of fio's complaints.
const maxStderr = 4 << 10

// complaints are the last lines of stderr.txt.
func complaints(dir string) string {
	f, err := os.Open(filepath.Join(dir, runner.StderrFile)) //nolint:gosec // the attempt's own
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	if size, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, size-maxStderr+64), io.SeekStart)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxStderr-64))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(strings.ToValidUTF8(string(b), "�"))
}

// commit makes the end of an attempt durable on this host. From here on the
// shipper sees to it.
func (r *run) commit(ctx context.Context, a *spool.Attempt, o order, e ending) error {
	data, err := r.terminal(a, o, e)
	if err != nil {
		return err
	}
	end, err := json.Marshal(outbox.End{Cause: o.Cause, Type: data.EventType(), Data: data})
	if err != nil {
		return fmt.Errorf("encode end: %w", err)
	}
	files, err := collect(a.Dir)
	if err != nil {
		return err
	}
	if err := a.Commit(spool.Entry{Files: files, End: end}); err != nil {
		return err
	}
	if e.Exit != nil {
		r.service.metrics.overhead.Observe((time.Since(r.begun) - e.Exit.Ended.Sub(e.Exit.Started) - e.Exit.Overheads).Seconds())
	}
	r.service.outbox.ShipNow(ctx)
	r.show("ended")
	return nil
}

// terminal makes the event of an end, all but its artifacts.
func (r *run) terminal(a *spool.Attempt, o order, e ending) (events.Data, error) {
	ref := r.inv.RunRef
	switch {
	case e.Cancelled != nil:
		return events.RunCancelled{RunRef: ref, Reason: events.Clip(e.Cancelled.Reason, events.MaxReason), By: e.Cancelled.By, EndedAt: now()}, nil
	case e.Reason != "":
		return r.failure(a, e), nil
	}
	done, problem, err := r.evaluate(a, o, *e.Exit)
	if err != nil {
		return nil, err
	}
	if problem != "" {
		e.Reason = problem
		return r.failure(a, e), nil
	}
	return done, nil
}

func (r *run) failure(a *spool.Attempt, e ending) events.RunFailed {
	if e.Exit != nil && e.Exit.Code > 0 && !e.Exit.Stopped {
		if why := reasons(a.Dir); why != "" {
			e.Reason += ": " + why
		}
	}
	f := events.RunFailed{RunRef: r.inv.RunRef, Reason: events.Clip(e.Reason, events.MaxReason), Stderr: complaints(a.Dir), EndedAt: now()}
	if e.Exit != nil && e.Exit.Signal == "" && !e.Exit.Stopped {
		code := e.Exit.Code
		f.ExitCode = &code
	}
	return f
}

// mediaTypes of what a run keeps, by name; logs are the rest.
var mediaTypes = map[string]string{
	runner.JobFile: "text/plain; charset=utf-8", runner.StderrFile: "text/plain; charset=utf-8",
	preconditionJob: "text/plain; charset=utf-8", preconditionOut: "application/json",
	runner.OutputFile: "application/json", environmentFile: "application/json", resultFile: "application/json",
	hostseries.File: "text/csv; charset=utf-8",
}

// collect lists the files that are kept. Empty ones say nothing.
func collect(dir string) ([]spool.File, error) {
	var files []spool.File
	for _, name := range []string{runner.JobFile, runner.OutputFile, resultFile, runner.StderrFile, environmentFile, hostseries.File, preconditionJob, preconditionOut} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Size() > 0 {
			files = append(files, spool.File{Name: name, MediaType: mediaTypes[name]})
		}
	}
	entries, err := os.ReadDir(filepath.Join(dir, runner.LogDir))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list logs: %w", err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
			files = append(files, spool.File{Name: runner.LogDir + "/" + e.Name(), MediaType: "text/csv", Compress: true})
		}
	}
	return files, nil
}
