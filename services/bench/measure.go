package bench

import (
	"errors"
	"fmt"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
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
// A spread needs none: its repeats are all in the list.
func measure(file *job.File, m *events.Measure) error {
	if m == nil {
		return nil
	}
	var errs []error
	if m.Precondition {
		errs = append(errs, &unoffered{"measure.precondition", "let the job file fill what it reads in a section of its own, with stonewall behind it"})
	}
	if m.DropCaches {
		errs = append(errs, &unoffered{"measure.drop_caches", "set direct=1 or invalidate=1 in the job file"})
	}
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
