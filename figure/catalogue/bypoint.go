package catalogue

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
)

func hasCompleted(s Subject, _ string) bool   { return s.Bench.Counts.Completed > 0 }
func hasComparisons(s Subject, _ string) bool { return len(s.Bench.Comparisons) > 0 }

func iopsByPoint(title string, s Subject, _ string) *figure.Figure {
	return s.Bench.byPoint(title, figure.IOPS, func(f *events.Figures) float64 { return f.IOPS })
}

func bandwidthByPoint(title string, s Subject, _ string) *figure.Figure {
	return s.Bench.byPoint(title, figure.Bandwidth, func(f *events.Figures) float64 { return f.BandwidthBytes })
}

func p99ByPoint(title string, s Subject, _ string) *figure.Figure {
	open, b := 0.0, s.Bench
	for _, r := range b.Runs {
		if r.Completed == nil {
			continue
		}
		for _, dir := range r.Completed.Summary.Directions() {
			if l := r.Completed.Summary.Direction(dir).Latency; l.Open("p99") {
				open = l.Beyond
			}
		}
	}
	if open > 0 {
		title += ", those of " + figure.Latency.Format(open) + " are longer"
	}
	return b.byPoint(title, figure.Latency, func(f *events.Figures) float64 { return f.Latency.Value("p99") })
}

// byPoint draws a figure of all completed runs, point beside point.
func (b *Bench) byPoint(title string, q figure.Quantity, value func(*events.Figures) float64) *figure.Figure {
	return figure.Bars{Head: b.barHead(title), Quantity: q, Groups: groups(InOrder(b.Runs, func(r *Run) string { return r.Job }, func(r *Run) string { return r.Point.Key() }), value)}.Figure()
}

// byOption is the entry of the figure of a bench's rate at each value of one
// option.
func byOption(option string) Entry {
	return Entry{
		Name: "by-" + option, Title: "IOPS by " + option, Scope: OfBench, OnDemand: true,
		worth: func(s Subject, _ string) bool { return s.Bench.differsIn(option) },
		draw: func(title string, s Subject, _ string) *figure.Figure {
			return s.Bench.ratesBy(title, option).Figure()
		},
	}
}

// ratesBy draws the rate at each value of one option.
func (b *Bench) ratesBy(title, option string) figure.Bars {
	runs := slices.DeleteFunc(slices.Clone(b.Runs), func(r *Run) bool { return r.Completed == nil || r.Point[option] == "" })
	slices.SortStableFunc(runs, func(x, y *Run) int {
		return cmp.Or(ComparePoints(without(x.Point, option), without(y.Point, option)), CompareValues(x.Point[option], y.Point[option]))
	})
	return figure.Bars{Head: b.barHead(title), Quantity: figure.IOPS, Groups: groups(runs, func(f *events.Figures) float64 { return f.IOPS })}
}

// barHead is the head of bars about a bench.
func (b *Bench) barHead(title string) figure.Head {
	if b.Counts.Completed > 1 {
		return b.head(title, "bar: median", "whisker: least to greatest")
	}
	return b.head(title)
}

// groups gathers a figure of all completed runs by host, job and point, in the
// order of the runs.
func groups(runs []*Run, value func(*events.Figures) float64) []figure.BarGroup {
	hosts, jobs := map[string]bool{}, map[string]bool{}
	for _, r := range runs {
		hosts[r.Host], jobs[r.Job] = true, true
	}
	var out []figure.BarGroup
	for _, r := range runs {
		if r.Completed == nil {
			continue
		}
		name := pointName(r, len(jobs) > 1, len(hosts) > 1)
		i := slices.IndexFunc(out, func(g figure.BarGroup) bool { return g.Name == name })
		if i < 0 {
			out = append(out, figure.BarGroup{Name: name})
			i = len(out) - 1
		}
		for _, dir := range r.Completed.Summary.Directions() {
			addBar(&out[i], dir, value(r.Completed.Summary.Direction(dir)))
		}
	}
	return out
}

// addBar adds a repeat's value to the bar of a direction. Zero means that it
// was not measured.
func addBar(g *figure.BarGroup, name string, v float64) {
	i := slices.IndexFunc(g.Bars, func(b figure.Bar) bool { return b.Name == name })
	if i < 0 {
		g.Bars = append(g.Bars, figure.Bar{Name: name})
		i = len(g.Bars) - 1
	}
	if v > 0 {
		g.Bars[i].Values = append(g.Bars[i].Values, v)
	}
}

// pointName tells the point of a run from the others of its bench.
func pointName(r *Run, job, host bool) string {
	name := r.Point.Key()
	if name == "" || job {
		name = join(r.Job, name)
	}
	if host {
		name = join(name, r.Host)
	}
	return name
}

// endless is beyond the end of every axis of changes.
const endless = 1e9

// shifts draws all comparisons of a bench.
func shifts(title string, s Subject, _ string) *figure.Figure {
	b := s.Bench
	f := figure.Shifts{
		Head:      figure.Head{Title: title, Subject: b.subject(), Facts: []string{"change of medians, with 95% intervals", "n = runs before/after"}},
		Threshold: b.Threshold,
	}
	for _, c := range b.Comparisons {
		low, high, ok := c.Interval()
		if !ok { // drawn from end to end
			low, high = -1, endless
		}
		f.Rows = append(f.Rows, figure.Shift{
			Name: join(c.Metric, c.Point, c.Host, fmt.Sprintf("n = %d/%d", c.NBefore, c.NAfter)), Change: c.Change, Low: low, High: high,
			Told:  c.Verdict == events.VerdictImproved || c.Verdict == events.VerdictRegressed,
			Worse: c.Verdict == events.VerdictRegressed,
		})
	}
	return f.Figure()
}
