package job

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Severity is how bad a problem is.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"   // fio refuses the file, or would do something else
	SeverityWarning Severity = "warning" // the results would mislead
	SeverityHint    Severity = "hint"    // there is a better way
)

// Problem is something that Lint found.
type Problem struct {
	Pos      Pos      `json:"pos"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	Remedy   string   `json:"remedy,omitempty"`
}

// String formats the problem as compilers do.
func (p Problem) String() string {
	return fmt.Sprintf("%s: %s", p.Severity, &Error{Pos: p.Pos, Msg: p.Message, Remedy: p.Remedy})
}

// Lint reads a job file and names everything that fio would refuse, that would
// spoil or inflate the results, or that reaches beyond files and devices.
// Problems are sorted by place.
func Lint(name string, src []byte, cfg Config) []Problem {
	l := &linter{seen: make(map[string]bool)}
	f, err := Parse(name, src, cfg)
	var errs Errors
	if errors.As(err, &errs) {
		for _, e := range errs {
			l.add(e.Pos, SeverityError, e.Msg, e.Remedy)
		}
	}
	for _, j := range f.Jobs() {
		l.job = j
		l.values()
		l.surprises()
		l.logs()
		l.reporting()
		_, findings := j.Touches()
		for _, fd := range findings {
			l.add(fd.Pos, SeverityError, fd.Message, fd.Remedy)
		}
	}
	slices.SortStableFunc(l.problems, func(a, b Problem) int {
		if c := strings.Compare(a.Pos.File, b.Pos.File); c != 0 {
			return c
		}
		return a.Pos.Line - b.Pos.Line
	})
	return l.problems
}

// linter collects problems; the same one of a default is met in every job.
type linter struct {
	job      *Job
	problems []Problem
	seen     map[string]bool
}

func (l *linter) add(pos Pos, s Severity, msg, remedy string) {
	key := pos.String() + msg
	if !l.seen[key] {
		l.seen[key] = true
		l.problems = append(l.problems, Problem{Pos: pos, Severity: s, Message: msg, Remedy: remedy})
	}
}

// values checks the form of values that this package reads itself.
func (l *linter) values() {
	for _, o := range l.job.Options {
		if o.Spec == nil || o.Computed || o.Machine {
			continue
		}
		if !o.HasValue && needsValue(o) {
			l.add(o.Pos, SeverityError, o.Name+" needs a value", "write "+o.Name+"=…")
			continue
		}
		if err := checkValue(o); err != nil {
			l.add(o.Pos, SeverityError, o.Name+": "+err.Error(), "")
		}
		if o.Spec.Kind == KindDeprecated {
			l.add(o.Pos, SeverityHint, o.Name+" is out of use in recent versions of fio", "remove it")
		}
	}
}

func needsValue(o *Option) bool {
	switch o.Spec.Kind {
	case KindFlag, KindDeprecated, KindMulti:
		return false
	}
	return o.Spec.Effect != EffectLog
}

// checkValue tells whether fio, or this package, could misread a value.
func checkValue(o *Option) error {
	if !o.HasValue {
		return nil
	}
	parts := strings.FieldsFunc(o.Value, func(r rune) bool { return r == ',' })
	for _, v := range parts {
		switch o.Spec.Kind {
		case KindTime:
			if _, err := ParseTime(v, time.Second); err != nil {
				return err
			}
		case KindSize:
			if strings.HasPrefix(v, "(") {
				continue // arithmetic, which fio evaluates
			}
			for part := range strings.SplitSeq(v, "-") {
				if _, err := ParseSize(part, o.kbBase); err != nil && part != "" {
					return err
				}
			}
		}
	}
	if o.Value == "" {
		return errors.New("the value is empty")
	}
	return nil
}

// surprises names options that do not do what they seem to.
func (l *linter) surprises() {
	j := l.job
	if o := j.Get("rw"); o == nil {
		l.add(j.Section.Pos, SeverityHint, "no rw: fio reads sequentially", "write rw=read to say so")
	}
	if o := j.Get("time_based"); o != nil && j.Bool("time_based", false) && j.Get("runtime") == nil {
		l.add(o.Pos, SeverityError, "time_based without runtime", "set runtime")
	}
	if o := j.Get("iodepth"); o != nil {
		if n, ok := j.Int("iodepth", 1); ok && n > 1 && synchronous[j.Engine()] {
			l.add(o.Pos, SeverityWarning, fmt.Sprintf("iodepth=%d has no effect with ioengine=%s, which does one I/O at a time", n, j.Engine()), "use libaio or io_uring, or numjobs")
		}
	}
	if o := j.Get("ioengine"); o != nil && j.Engine() == "libaio" && !j.Bool("direct", false) && !j.buffersOff() {
		l.add(o.Pos, SeverityWarning, "libaio without direct=1 does one I/O at a time", "set direct=1")
	}
	names := make(map[string]*Option)
	for _, o := range j.Section.Options {
		if first := names[o.Name]; first != nil && !accumulating[o.Name] {
			l.add(o.Pos, SeverityWarning, fmt.Sprintf("%s was set in line %d already; the last one counts", o.Name, first.Pos.Line), "remove one")
		}
		names[o.Name] = o
	}
	if len(j.sections) > 1 {
		l.globalFiles()
	}
}

func (j *Job) buffersOff() bool {
	o := j.Get("buffered")
	return o != nil && !j.Bool("buffered", true)
}

// synchronous engines have one I/O in flight whatever iodepth says.
var synchronous = map[string]bool{"sync": true, "psync": true, "vsync": false, "pvsync": true, "pvsync2": true, "mmap": true}

// globalFiles warns of files that add up where a reader expects replacement.
func (l *linter) globalFiles() {
	own := optionsNamed(l.job.Section, "filename")
	for _, sec := range l.job.sections {
		for _, o := range optionsNamed(sec, "filename") {
			if sec.Global && len(own) > 0 {
				l.add(own[0].Pos, SeverityWarning, fmt.Sprintf("job %s uses this and also filename=%s of [global] (line %d): file names add up", l.job.Name, o.Value, o.Pos.Line), "set filename in the jobs only")
			}
		}
		if sec.Global && len(optionsNamed(sec, "filename")) > 0 {
			if dir := optionsNamed(l.job.Section, "directory"); len(dir) > 0 {
				l.add(dir[0].Pos, SeverityWarning, "directory has no effect on the filename of [global]", "set filename in the job")
			}
		}
	}
}

// logs names options that make logs wrong or costly.
func (l *linter) logs() {
	j := l.job
	if hist, gz := j.Get("write_hist_log"), j.Get("log_compression"); hist != nil && gz != nil {
		l.add(gz.Pos, SeverityError, "log_compression garbles histogram logs", "remove it")
	}
	if o := j.Get("write_hist_log"); o != nil && j.Get("log_hist_msec") == nil {
		l.add(o.Pos, SeverityError, "write_hist_log without log_hist_msec writes nothing", "set log_hist_msec")
	}
	averaged, _ := j.Int("log_avg_msec", 0)
	for _, name := range []string{"write_bw_log", "write_iops_log", "write_lat_log"} {
		o := j.Get(name)
		if o == nil {
			continue
		}
		if averaged == 0 {
			l.add(o.Pos, SeverityWarning, name+" writes a line for every I/O, which may halve the rate of a fast device", "set log_avg_msec")
		}
		if o.HasValue && (o.Value == "0" || o.Value == "1") {
			l.add(o.Pos, SeverityWarning, fmt.Sprintf("%s=%s names a file: the log is called %s_…", name, o.Value, o.Value), "give it a name, or leave the value out")
		}
	}
	if o := j.Get("per_job_logs"); o != nil && !j.Bool("per_job_logs", true) {
		l.add(o.Pos, SeverityWarning, "per_job_logs=0 appends one job's log to another's", "remove it")
	}
}

// reporting names options that make the figures themselves misleading.
func (l *linter) reporting() {
	j := l.job
	if o := j.Get("group_reporting"); o != nil && j.Bool("group_reporting", false) && len(j.file.Jobs()) > 1 {
		l.add(o.Pos, SeverityWarning, "group_reporting shows the first job's name with the last job's options, and the averages of single jobs", "remove it: fiord adds jobs up itself, percentiles included")
	}
	if o := j.Get("gtod_reduce"); o != nil && j.Bool("gtod_reduce", false) {
		l.add(o.Pos, SeverityWarning, "gtod_reduce leaves latencies out", "remove it to see latencies")
	}
	if o := j.Get("unified_rw_reporting"); o != nil && o.Value != "0" && o.Value != "none" && o.Value != "both" {
		l.add(o.Pos, SeverityHint, "unified_rw_reporting mixes reads and writes in one figure", "use both to have them apart as well")
	}
	p, _, unknown := j.duration()
	ramp, err := j.Time("ramp_time", time.Second)
	if unknown == "" && err == nil && p-ramp < 5*time.Second {
		l.add(j.Section.Pos, SeverityHint, fmt.Sprintf("job %s measures for %s only", j.Name, p-ramp), "10 s and more repeat better")
	}
}
