package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/services/bench/spool"
)

// unoffered is something that a bench asks of its measurement and this worker
// does not do. Leaving it out silently would give numbers under a false name.
type unoffered struct{ option, instead string }

// Error says what to do instead.
func (e *unoffered) Error() string {
	return fmt.Sprintf("this worker does not offer %s: %s", e.option, e.instead)
}

func (e *unoffered) problem() events.Problem {
	return events.Problem{Rule: "measure", Option: e.option, Message: e.Error()}
}

// wholeLatency has fio count latencies from the start of submission to
// completion as well, unless the job decides that itself. fio's default is
// completion alone: what a buffered job waits for is in submission, and the
// percentiles would leave it out. It changes what fio counts and nothing of
// the load.
func wholeLatency(file *job.File) error {
	_, err := file.Default("lat_percentiles", "1")
	return err
}

// measure applies how carefully a bench is measured, as options of fio's own.
// What is done around fio needs none: see precondition.go, cache.go, spread.go.
func measure(file *job.File, m *events.Measure) error {
	if m == nil {
		return nil
	}
	var errs []error
	if m.SteadyState != "" {
		_, err := file.Set("steadystate", m.SteadyState)
		errs = append(errs, err)
	}
	if m.Warmup > 0 {
		_, err := file.Set("ramp_time", fmt.Sprintf("%dms", m.Warmup.Std().Milliseconds()))
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// session is what a worker remembers while it works through a list.
type session struct {
	spread *spread
	filled map[string]bool // by the job file that filled

	arrived int          // index of the invocation last arrived at
	absent  map[int]bool // slots that did not come when they were waited for
}

func (s *Service) newSession(list events.RunList) *session {
	return &session{spread: s.newSpread(list), filled: map[string]bool{}, arrived: -1, absent: map[int]bool{}}
}

// ready does what a bench wants done right before fio measures. It returns why
// the run has failed, "" if it may go on.
func (r *run) ready(ctx context.Context, a *spool.Attempt, p plan) (string, error) {
	began := time.Now()
	failure, err := r.precondition(ctx, a, p)
	if failure != "" || err != nil {
		return failure, err
	}
	if err := r.dropCaches(); err != nil {
		return err.Error(), nil
	}
	if err := r.together(ctx); err != nil {
		return "", err
	}
	r.begun = r.begun.Add(time.Since(began)) // asked for: no overhead of ours
	return "", nil
}
