package contrast

import (
	"github.com/fiord-bench/fiord/cmd/fiord/foreign"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/verdict"
)

// Result is a comparison, as its JSON has it.
type Result struct {
	Verdict  events.Verdict `json:"verdict"`
	Headline string         `json:"headline"`
	// Differences are options that are one value before and another after.
	Differences []foreign.Difference `json:"differences,omitempty"`
	// Comparisons are those of two samples, Standings those of a history.
	Comparisons []events.Comparison `json:"comparisons,omitempty"`
	Standings   []verdict.Standing  `json:"standings,omitempty"`
	// Absent is what was measured before and cannot be compared.
	Absent []string `json:"absent,omitempty"`
	// Samples are what was read, in order.
	Samples []Sample `json:"samples"`
}

// Sample is what was read of one side or session.
type Sample struct {
	Name string `json:"name"`
	Runs int    `json:"runs"`
	// Suspect are runs that are kept out, with the checks that they did not pass.
	Suspect []string `json:"suspect,omitempty"`
	// NotRead are files that could not be read.
	NotRead []foreign.Passed `json:"not_read,omitempty"`
}

// Two compares a sample with the one before it.
func Two(before, after *foreign.Sample, opt verdict.Options) Result {
	old := before.Bench()
	r := verdict.Judge(&old, after.Bench(), opt)
	out := Result{Verdict: r.Verdict, Headline: r.Headline, Comparisons: r.Comparisons}
	for _, a := range r.Absent {
		out.Absent = append(out.Absent, a.String())
	}
	out.read(before, after)
	return out
}

// History holds the newest sample against the level of those before it.
func History(samples []*foreign.Sample, opt verdict.Options) Result {
	benches := make([]verdict.Bench, len(samples))
	for i, s := range samples {
		benches[i] = s.Bench()
	}
	r, standings := verdict.Sessions(benches, opt)
	out := Result{Verdict: r.Verdict, Headline: r.Headline, Standings: standings}
	out.read(samples...)
	return out
}

// read notes what was read.
func (r *Result) read(samples ...*foreign.Sample) {
	for _, s := range samples {
		one := Sample{Name: s.Name, Runs: len(s.Runs), NotRead: s.Passed}
		for _, run := range s.Runs {
			if run.Integrity == events.IntegrityOK {
				continue
			}
			text := run.Run
			for i, f := range run.Faults {
				if i == 0 {
					text += ": " + f
				} else {
					text += ", " + f
				}
			}
			one.Suspect = append(one.Suspect, text)
		}
		r.Samples = append(r.Samples, one)
	}
}
