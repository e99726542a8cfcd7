package trend

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/verdict/changepoint"
	"github.com/fiord-bench/fiord/verdict/history"
)

// trendLength is how many benches a trend shows.
const trendLength = 60

// maxSearched is of how many lines the changes are shown.
const maxSearched = 200

// Trend is a metric of each point from commit to commit, of the benches of the
// same name on the same ref, with the places at which its level changed. Those are
// looked for in the whole history, the newest benches are shown.
func (h *History) Trend(metric string) figure.Trend {
	f := figure.Trend{Head: figure.Head{Subject: h.bench.Name}, Quantity: figure.Latency}
	if metric == "iops" {
		f.Quantity = figure.IOPS
	}
	if o := h.bench.Origin; o != nil {
		f.Subject = fmt.Sprintf("%s · %s %s", h.bench.Name, o.Repo.Name, o.Ref)
	}
	first := max(0, len(h.Entries)-trendLength)
	for _, e := range h.Entries[first:] {
		f.Commits = append(f.Commits, figure.Commit{Label: labelOf(e), Mark: markOf(e)})
	}
	all := h.series(metric)
	lineNames := labels(all)
	for i, s := range all {
		line := figure.TrendLine{Name: lineNames[i]}
		for _, v := range s.values[first:] {
			line.Values = append(line.Values, v.repeats())
		}
		if !slices.ContainsFunc(line.Values, func(v []float64) bool { return len(v) > 0 }) {
			continue // nothing of late
		}
		if f.Lines = append(f.Lines, line); len(f.Lines) > maxSearched {
			continue
		}
		for _, c := range changepoint.WithNewest(s.medians(), leastChange, !s.metric.HigherIsBetter()) {
			if c.At > first {
				f.Changes = append(f.Changes, figure.TrendChange{At: c.At - first, Line: line.Name, Change: c.Relative(), Worse: s.worse(c)})
			}
		}
	}
	f.Facts = []string{fmt.Sprintf("benches: %d", len(f.Commits)), "median of sound runs", "whisker: least to greatest"}
	return f
}

// labelOf names a bench by its commit, or else by its own id.
func labelOf(e history.Entry) string {
	name := cmp.Or(e.Commit, e.Bench)
	return name[:min(7, len(name))]
}

func markOf(e history.Entry) figure.Mark {
	switch {
	case e.Accepted:
		return figure.Accepted
	case e.Verdict == events.VerdictRegressed:
		return figure.Worse
	case e.Verdict == events.VerdictImproved:
		return figure.Better
	default:
		return figure.Plain
	}
}

// labels name series by what distinguishes them: the job or the machine
// is left out where all are of one.
func labels(all []series) []string {
	jobs, machines := map[string]bool{}, map[string]bool{}
	for _, s := range all {
		jobs[s.job], machines[s.machine] = true, true
	}
	out := make([]string, len(all))
	for i, s := range all {
		var parts []string
		if s.point == "" || len(jobs) > 1 {
			parts = append(parts, s.job)
		}
		parts = append(parts, s.point, s.metric.Direction())
		if len(machines) > 1 {
			parts = append(parts, s.machine)
		}
		parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
		out[i] = strings.Join(parts, " · ")
	}
	return out
}
