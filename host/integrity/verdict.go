package integrity

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/fio/result"
)

// Thresholds of the checks.
const (
	// tooShort: below this a run is mostly its own beginning and end.
	tooShort = time.Second
	// endsEarly is the share of its runtime that a timed job must last.
	endsEarly = 0.95
	// mismatch is how far logs and summary may be apart, besides what the
	// first and last windows leave open.
	mismatch = 0.05
	// stalled is the shortest silence worth a finding.
	stalled = time.Second
)

// maxEvidence and maxFindings are what an event carries.
const (
	maxEvidence = 1000
	maxFindings = 50
)

// CheckUnseen is the check of a finding that says that fio's exit status was not
// seen, so that its report alone says how it ended.
const CheckUnseen = "exit_unseen"

// Evidence is what a run left behind.
type Evidence struct {
	Job    *job.File      // as it was run
	Output *result.Output // fio's report
	Logs   string         // folder of the logs
	Stderr string         // what fio complained of

	Meanwhile *Meanwhile // what the host did; nil if nobody watched it
}

// Judge runs every check.
func Judge(e Evidence) events.Integrity {
	j := judge{Evidence: e, state: events.IntegrityOK}
	out := *e.Output
	out.Job = e.Job
	j.sections = out.Sections()
	j.errors()
	j.said()
	j.length()
	j.steady()
	j.logs()
	j.host()
	return events.Integrity{State: j.state, Findings: j.findings}
}

type judge struct {
	Evidence
	state    events.IntegrityState
	findings []events.Finding
	sections []result.Section
	about    string // section that is looked at, "" for the run
}

// in names the section of one of fio's entries while do looks at it. A run of one
// section needs no name.
func (j *judge) in(of func(*result.Section) bool, do func()) {
	for i := range j.sections {
		if len(j.sections) > 1 && of(&j.sections[i]) {
			j.about = j.sections[i].Name
		}
	}
	do()
	j.about = ""
}

// ofEntry picks the section of one of fio's entries.
func ofEntry(n int) func(*result.Section) bool {
	return func(s *result.Section) bool { return slices.Contains(s.Entries, n) }
}

func (j *judge) find(check string, state events.IntegrityState, format string, args ...any) {
	if state == events.IntegrityInvalid || j.state == events.IntegrityOK {
		j.state = state
	}
	if len(j.findings) >= maxFindings {
		return
	}
	text := fmt.Sprintf(format, args...)
	if len(text) > maxEvidence {
		text = strings.ToValidUTF8(text[:maxEvidence-3], "") + "…"
	}
	j.findings = append(j.findings, events.Finding{Check: check, State: state, Evidence: text, Section: j.about})
}

func (j *judge) errors() {
	if j.Output.Cut {
		j.find("cut", events.IntegrityInvalid, "fio's report ends in the middle of a document")
	}
	for i := range j.Output.Jobs {
		r := &j.Output.Jobs[i]
		switch {
		case r.Error != 0:
			j.in(ofEntry(i), func() { j.find("fio_errors", events.IntegrityInvalid, "job %s ended with error %d", r.Name, r.Error) })
		case r.Errors > 0:
			j.find("fio_errors", events.IntegrityInvalid, "job %s went on after %d errors", r.Name, r.Errors)
		}
		for name, d := range r.Directions() {
			if d.ShortIOs > 0 || d.DropIOs > 0 {
				j.find("fio_errors", events.IntegritySuspect, "job %s: %d short and %d dropped of %d %ss", r.Name, d.ShortIOs, d.DropIOs, d.IOs, name)
			}
		}
	}
}

// harmless begins what fio says by way of advice.
var harmless = []string{"note:"}

// killed is what fio says when one of its jobs dies. Its own exit status, and
// the job's error in the report, are 0 all the same.
const killed = "got signal="

func (j *judge) said() {
	var said []string
	for _, n := range j.Output.Noise {
		said = append(said, n.Text)
	}
	said = append(said, strings.Split(j.Stderr, "\n")...)
	var kept []string
	for _, line := range said {
		switch line = strings.TrimSpace(line); {
		case strings.Contains(line, killed):
			j.find("fio_errors", events.IntegrityInvalid, "a job was killed: %s", line)
		case line != "" && !isHarmless(line):
			kept = append(kept, line)
		}
	}
	if len(kept) > 0 {
		j.find("noise", events.IntegritySuspect, "fio also said: %s", strings.Join(kept, " | "))
	}
}

func isHarmless(line string) bool {
	for _, prefix := range harmless {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

// length compares how long jobs ran with how long they were to run.
func (j *judge) length() {
	var longest time.Duration
	for i := range j.Output.Jobs {
		r := &j.Output.Jobs[i]
		ran := time.Duration(0)
		for _, d := range r.Directions() {
			ran = max(ran, time.Duration(d.RuntimeMS)*time.Millisecond)
		}
		longest = max(longest, ran)
		if want := j.timed(r.Name); want > 0 && float64(ran) < endsEarly*float64(want) {
			j.in(ofEntry(i), func() {
				j.find("short_run", events.IntegritySuspect, "job %s ran for %s of its %s", r.Name, ran, want)
			})
		}
	}
	if longest < tooShort && !j.has("latency_target") {
		j.find("short_run", events.IntegritySuspect, "the longest job ran for %s: too short to mean much (set runtime and time_based)", longest)
	}
}

// has tells whether a job sets an option.
func (j *judge) has(option string) bool {
	return slices.ContainsFunc(j.Job.Jobs(), func(spec *job.Job) bool { return spec.Get(option) != nil })
}

// timed is the runtime of a job that must last that long, 0 for one that may
// end before.
func (j *judge) timed(name string) time.Duration {
	for _, spec := range j.Job.Jobs() {
		if spec.Name != name || !spec.Bool("time_based", false) || spec.Get("steadystate") != nil || spec.Get("latency_target") != nil {
			continue
		}
		if want, err := spec.Time("runtime", time.Second); err == nil {
			return want
		}
	}
	return 0
}

func (j *judge) steady() {
	for i := range j.Output.Jobs {
		r := &j.Output.Jobs[i]
		if s := r.Steady; s != nil && !s.Attained {
			j.find("not_steady", events.IntegritySuspect, "job %s did not reach its steady state of %s", r.Name, s.Criterion)
		}
	}
}
