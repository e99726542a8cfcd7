package measure

import (
	"errors"
	"slices"
	"strconv"

	"github.com/fiord-bench/fiord/fio/job"
)

// fillDepth and fillBlock write fast on any device.
const (
	fillDepth = "32"
	fillBlock = "1m"
)

// paces are options that would keep a job from writing everything at once, and
// the value at which they do nothing.
var paces = []struct{ option, none string }{
	{"time_based", "0"}, {"runtime", "0"}, {"rate", "0"}, {"rate_iops", "0"}, {"rate_min", "0"}, {"rate_iops_min", "0"},
	{"number_ios", "0"}, {"io_size", "0"}, {"thinktime", "0"}, {"ramp_time", "0"}, {"startdelay", "0"}, {"verify", "0"},
}

// Fill turns a job file into one that writes, passes times and in order,
// all that it would have measured.
func Fill(file *job.File, passes int) error {
	set := func(option, value string) error {
		_, err := file.Set(option, value)
		return err
	}
	given := func(option string) bool {
		return slices.ContainsFunc(file.Jobs(), func(j *job.Job) bool { return j.Get(option) != nil })
	}
	for _, option := range []string{"read_iolog", "steadystate"} {
		if given(option) {
			return &Unoffered{"measure.precondition", "the job sets " + option + ": fill what it measures in a section of its own, with stonewall behind it"}
		}
	}
	errs := []error{set("rw", "write"), set("iodepth", fillDepth), set("loops", strconv.Itoa(max(1, passes))), set("end_fsync", "1")}
	if !given("bssplit") && !given("bsrange") {
		errs = append(errs, set("bs", fillBlock))
	}
	for _, p := range paces {
		if given(p.option) {
			errs = append(errs, set(p.option, p.none))
		}
	}
	return errors.Join(errs...)
}
