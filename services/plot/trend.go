package plot

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/verdict/changepoint"
	"github.com/fiord-bench/fiord/verdict/history"
)

// trendLength is how many benches a trend shows.
const trendLength = 60

// maxSearched is of how many lines the changes are shown.
const maxSearched = 200

// trend draws a figure of each point from commit to commit, of the benches of
// the same name on the same ref, with the places at which its level changed.
// Those are looked for in the whole history.
func (a asked) trend(ctx context.Context, b model.Bench, name string) (*figure.Figure, error) {
	quantity, title := figure.IOPS, "IOPS"
	if name != "iops" {
		quantity, title = figure.Latency, figureNames()[name]
	}
	f := figure.Trend{Head: figure.Head{Title: title + " from commit to commit", Subject: b.Name}, Quantity: quantity}
	if b.Origin == nil {
		f.Facts = []string{"no commit asked for this bench"}
		return f.Figure(), nil
	}
	f.Subject = fmt.Sprintf("%s · %s %s", b.Name, b.Origin.Repo.Name, b.Origin.Ref)
	h, err := a.past(ctx, b)
	if err != nil {
		return nil, err
	}
	first := max(0, len(h.entries)-trendLength)
	for _, e := range h.entries[first:] {
		f.Commits = append(f.Commits, figure.Commit{Label: e.Commit[:min(7, len(e.Commit))], Mark: markOf(e)})
	}
	all := h.series(name)
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
		for _, c := range changepoint.Find(s.medians(), leastChange) {
			if c.At > first {
				f.Changes = append(f.Changes, figure.TrendChange{At: c.At - first, Line: line.Name, Change: c.Relative(), Worse: s.worse(c)})
			}
		}
	}
	f.Facts = []string{fmt.Sprintf("benches: %d", len(f.Commits)), "median of sound runs", "whisker: least to greatest"}
	return f.Figure(), nil
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

// labels name series by what tells them from each other: the job or the machine
// is left out where all are of one.
func labels(all []series) []string {
	jobs, machines := map[string]bool{}, map[string]bool{}
	for _, s := range all {
		jobs[s.job], machines[s.machine] = true, true
	}
	out := make([]string, len(all))
	for i, s := range all {
		name := cmp.Or(s.point, s.job)
		if s.point != "" && len(jobs) > 1 {
			name = join(s.job, s.point)
		}
		name = join(name, s.metric.Direction())
		if len(machines) > 1 {
			name = join(name, s.machine)
		}
		out[i] = name
	}
	return out
}
