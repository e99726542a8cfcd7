// Package measure is how carefully a bench is measured: options for fio, what is
// done before it starts, the common start on several hosts, and how many
// repeats are enough.
package measure

import (
	"errors"
	"fmt"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
)

// Unoffered is an option of a bench that this worker does not offer. Leaving it
// out silently would give numbers under a false name.
type Unoffered struct{ Option, Instead string }

// Error says what to do instead.
func (e *Unoffered) Error() string {
	return fmt.Sprintf("this worker does not offer %s: %s", e.Option, e.Instead)
}

// Problem returns it as a rejected run carries it.
func (e *Unoffered) Problem() events.Problem {
	return events.Problem{Rule: "measure", Option: e.Option, Message: e.Error()}
}

// WholeLatency has fio count latencies from the start of submission to
// completion as well, unless the job decides that itself. fio's default is
// completion alone: what a buffered job waits for is in submission, and the
// percentiles would leave it out. It changes what fio counts and nothing of
// the load.
func WholeLatency(file *job.File) error {
	_, err := file.Default("lat_percentiles", "1")
	return err
}

// Apply sets the options of fio that a bench wants for its measurement; nil sets
// none.
func Apply(file *job.File, m *events.Measure) error {
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
