package outcome

import (
	"errors"
	"fmt"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/host/integrity"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/services/bench/cancellation"
	"github.com/fiord-bench/fiord/services/bench/measure"
)

// Reasons for which the worker itself stops fio.
var (
	ErrTimeout  = errors.New("it took longer than its timeout")
	ErrTooLarge = errors.New("its logs grew beyond what a run may keep")
)

// Outcome is what an attempt came to, before it is made into an event.
type Outcome struct {
	Reason    string              // of a failure; "" when fio ended well
	Cancelled *cancellation.Error // why it was stopped on request
	Exit      *runner.Exit        // nil if fio never ran
}

// Of returns what an exit means. cause is why fio was stopped, if it was; limits
// and timeout are those it ran under.
func Of(exit runner.Exit, cause error, limits events.Limits, timeout time.Duration) Outcome {
	o := Outcome{Exit: &exit}
	var cancelled *cancellation.Error
	switch {
	case exit.Stopped && errors.As(cause, &cancelled):
		o.Cancelled = cancelled
	case exit.Stopped && errors.Is(cause, ErrTimeout):
		o.Reason = fmt.Sprintf("fio was stopped: it took longer than its timeout of %s (raise timeout in the bench)", timeout)
	case exit.Stopped:
		o.Reason = fmt.Sprintf("fio was stopped: %v", cause)
	case exit.OutOfMem:
		o.Reason = "the kernel killed fio, or one of its jobs, for lack of memory"
		switch {
		case limits.Memory > 0:
			o.Reason += fmt.Sprintf(" (limits.memory is %s: raise it in the bench)", limits.Memory.Text())
		case exit.Memory > 0:
			o.Reason += fmt.Sprintf(" (this host gives a container %s: its owner allows more in bench.max_memory)", events.Bytes(exit.Memory).Text()) //nolint:gosec // not negative
		}
	case exit.Unknown != "":
		o.Reason = "fio was lost: " + exit.Unknown
	case exit.Signal != "":
		o.Reason = "fio was ended by " + exit.Signal
	case exit.Code != 0:
		o.Reason = fmt.Sprintf("fio failed with exit status %d", exit.Code)
	}
	return o
}

// Attempt is what is known of an attempt once fio has ended. The fields from
// Prepared on may be empty.
type Attempt struct {
	Dir    string // its folder
	RunRef events.RunRef
	// Parse reads a job file as fio on this host does.
	Parse func(name string, text []byte) (*job.File, error)

	HostClass, DeviceClass string
	Leases                 map[string]uint64    // fencing tokens
	Prepared               []string             // what was done before fio started, in words
	Findings               []events.Finding     // about its integrity, from before fio started
	Common                 *measure.CommonStart // agreed on with other hosts
	Meanwhile              *integrity.Meanwhile // what the host did
}

// Terminal makes the event of an outcome, all but its artifacts, and writes
// result.json if fio ended well.
func (a Attempt) Terminal(o Outcome) (events.Data, error) {
	switch {
	case o.Cancelled != nil:
		return events.RunCancelled{RunRef: a.RunRef, Reason: events.Clip(o.Cancelled.Reason, events.MaxReason), By: o.Cancelled.By, EndedAt: now()}, nil
	case o.Reason != "":
		return a.failure(o), nil
	}
	done, problem, err := a.evaluate(*o.Exit)
	if err != nil {
		return nil, err
	}
	if problem != "" {
		o.Reason = problem
		return a.failure(o), nil
	}
	return done, nil
}

func (a Attempt) failure(o Outcome) events.RunFailed {
	if o.Exit != nil && o.Exit.Code > 0 && !o.Exit.Stopped {
		if why := Reasons(a.Dir); why != "" {
			o.Reason += ": " + why
		}
	}
	f := events.RunFailed{RunRef: a.RunRef, Reason: events.Clip(o.Reason, events.MaxReason), Stderr: complaints(a.Dir), EndedAt: now()}
	if o.Exit != nil && o.Exit.Signal == "" && o.Exit.Unknown == "" && !o.Exit.Stopped {
		code := o.Exit.Code
		f.ExitCode = &code
	}
	return f
}

func now() time.Time { return time.Now().UTC() }
