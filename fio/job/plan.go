package job

import (
	"fmt"
	"time"
)

// Plan is how long a job file will run, as far as that can be told.
type Plan struct {
	// Duration is the longest time that the loads take: start delays, ramps
	// and runtimes, with jobs behind a stonewall one after the other. Laying
	// out files comes on top.
	Duration time.Duration
	// Exact says that the loads take just that long; else they may end earlier,
	// when their size is done.
	Exact bool
	// Unknown names what keeps the duration from being known, empty when it is.
	// Duration then covers the rest.
	Unknown []string
}

// Known tells whether Duration is a bound.
func (p Plan) Known() bool { return len(p.Unknown) == 0 }

// Plan estimates how long the file's jobs run.
func (f *File) Plan() Plan {
	total := Plan{Exact: true}
	loads := f.Schedule()
	ends := make([]time.Duration, len(loads))
	for i, l := range loads {
		d, exact, unknown := l.Job.duration()
		if unknown != "" {
			total.Unknown = append(total.Unknown, fmt.Sprintf("job %s: %s", l.Job.Name, unknown))
		}
		total.Exact = total.Exact && exact
		start := l.Delay
		for _, before := range l.After {
			start = max(start, ends[before])
		}
		ends[i] = start + d
		total.Duration = max(total.Duration, ends[i])
	}
	total.Exact = total.Exact && total.Known()
	return total
}

// duration returns how long one job runs once it has started; unknown says why
// that has no bound.
func (j *Job) duration() (d time.Duration, exact bool, unknown string) {
	if _, err := j.Time("startdelay", time.Second); err != nil {
		return d, false, err.Error()
	}
	for _, name := range []string{"ramp_time", "runtime"} {
		t, err := j.Time(name, time.Second)
		if err != nil {
			return d, false, err.Error()
		}
		d += t
		if name == "runtime" && t == 0 {
			return d, false, "no runtime"
		}
	}
	switch {
	case j.verifies():
		return d, false, "verification runs after the load, for as long as it takes"
	case j.Get("ramp_size") != nil:
		return d, false, "ramp_size takes as long as it takes"
	}
	return d, j.Bool("time_based", false), ""
}

// verifies tells whether what was written is read back at the end.
func (j *Job) verifies() bool {
	return j.verifying() != nil && j.Bool("do_verify", true) && modes[j.Direction()].Has(Write)
}

// verifying returns the option by which fio verifies what was written, or nil:
// a pattern alone is enough.
func (j *Job) verifying() *Option {
	if o := j.Get("verify"); o != nil && o.Value != "0" {
		return o
	}
	return j.Get("verify_pattern")
}
