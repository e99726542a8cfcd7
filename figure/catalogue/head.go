package catalogue

import (
	"fmt"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/figure/reading"
)

// Flags lists what is wrong with a run's data: what bench found and what the
// logs showed, without stating the same twice.
func Flags(r *Run) []string {
	var out []string
	mismatch := false
	for _, f := range r.Completed.Integrity.Findings {
		out = append(out, fmt.Sprintf("%s: %s", strings.ReplaceAll(f.Check, "_", " "), f.Evidence))
		mismatch = mismatch || f.Check == "log_mismatch"
	}
	if r.Reading != nil {
		for _, f := range r.Reading.Flags {
			if !mismatch || !strings.HasPrefix(f, "log and summary disagree") {
				out = append(out, f)
			}
		}
	}
	return append(out, r.Stated...)
}

// head states what a figure of the run shows, of which sample, and what is wrong
// with the data.
func (r *Run) head(title string, facts ...string) figure.Head {
	c := r.Completed
	var ios uint64
	for _, dir := range c.Summary.Directions() {
		ios += c.Summary.Direction(dir).TotalIOs
	}
	facts = append(facts, "n = "+figure.Grouped(ios)+" I/Os")
	if r.Document != nil && len(r.Document.Jobs) > 1 {
		facts = append(facts, fmt.Sprintf("%d jobs", len(r.Document.Jobs)))
	}
	if v := c.Summary.FioVersion; v != "" {
		facts = append(facts, v)
	}
	facts = append(facts, openBin(c.Summary)...)
	return figure.Head{Title: title, Subject: join(c.Name, c.Job, c.Point.Key(), c.Host), Facts: facts, Flags: Flags(r)}
}

// openBin states that percentiles fell into fio's last bin, which is open: what it
// counted there may have taken any time above.
func openBin(s events.Summary) []string {
	for _, dir := range s.Directions() {
		f := s.Direction(dir)
		for _, l := range []*events.Latency{f.Latency, f.Lat, f.Clat} {
			if l != nil && l.Beyond > 0 {
				return []string{"longer latencies than " + figure.Latency.Format(l.Beyond) + " are drawn at it: greatest " + figure.Latency.Format(l.Max)}
			}
		}
	}
	return nil
}

// logs are what was read of the run's logs; empty if nothing was.
func (r *Run) logs() *reading.Run {
	if r.Reading == nil {
		return &reading.Run{}
	}
	return r.Reading
}

// head states what a figure about a whole bench shows, and how many of its runs
// are missing or not sound.
func (b *Bench) head(title string, facts ...string) figure.Head {
	n := b.Counts
	h := figure.Head{Title: title, Subject: b.subject(), Facts: append([]string{fmt.Sprintf("n = %d runs", n.Completed)}, facts...)}
	if n.Completed < n.Planned {
		h.Flags = append(h.Flags, fmt.Sprintf("%d of %d planned runs did not complete", n.Planned-n.Completed, n.Planned))
	}
	unsound := 0
	for _, r := range b.Runs {
		if r.Completed != nil && r.Completed.Integrity.State != events.IntegrityOK {
			unsound++
		}
	}
	switch {
	case unsound == 1:
		h.Flags = append(h.Flags, fmt.Sprintf("1 of %d runs is in doubt: see its integrity findings", n.Completed))
	case unsound > 1:
		h.Flags = append(h.Flags, fmt.Sprintf("%d of %d runs are in doubt: see their integrity findings", unsound, n.Completed))
	}
	return h
}

// head states what a figure of runs held against each other shows.
func (s Subject) head(title string, facts ...string) figure.Head {
	h := figure.Head{Title: title, Subject: s.Title, Facts: append(facts, fmt.Sprintf("%d runs", len(s.Runs)))}
	for i, r := range s.Runs {
		for _, f := range r.Completed.Integrity.Findings {
			h.Flags = append(h.Flags, fmt.Sprintf("run %d: %s", i+1, f.Evidence))
		}
	}
	return h
}

// intervals states a grid of n intervals of step seconds.
func intervals(n int, step float64) []string {
	switch n {
	case 0:
		return nil
	case 1:
		return []string{"1 interval of " + duration(step)}
	default:
		return []string{fmt.Sprintf("%s intervals of %s", figure.Grouped(uint64(max(n, 0))), duration(step))}
	}
}

// duration writes an interval's length in seconds.
func duration(s float64) string {
	if s < 1 {
		return fmt.Sprintf("%g ms", s*1000)
	}
	return fmt.Sprintf("%g s", s)
}
