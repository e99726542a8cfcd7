package catalogue

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/figure/reading"
)

func comparableBins(s Subject, _ string) bool  { return len(s.distributions()) > 1 }
func comparableRates(s Subject, _ string) bool { return len(s.totals()) > 1 }

// label distinguishes a run from those that it is compared with.
func label(i int, r *Run) string {
	name := fmt.Sprintf("%d: %s", i+1, r.Job)
	if key := r.Point.Key(); key != "" {
		name += " " + key
	}
	if r.Repeat > 0 {
		name += fmt.Sprintf(" repeat %d", r.Repeat+1)
	}
	return name
}

func comparedPercentiles(title string, s Subject, _ string) *figure.Figure {
	return figure.Percentiles{Head: s.head(title), Quantity: figure.Latency, Sets: s.distributions()}.Figure()
}

func comparedCumulative(title string, s Subject, _ string) *figure.Figure {
	return figure.CDF{Head: s.head(title), Quantity: figure.Latency, Sets: s.distributions()}.Figure()
}

// comparedDifference holds the distributions of all runs against the first's, in
// the first direction that it has.
func comparedDifference(title string, s Subject, _ string) *figure.Figure {
	head := s.head(title)
	first := s.Runs[0].distributions()
	if len(first) == 0 {
		return figure.Difference{Head: head}.Figure()
	}
	head.Facts = append(head.Facts, first[0].Name+"s")
	f := figure.Difference{Head: head, Before: first[0]}
	for i, r := range s.Runs[1:] {
		own := r.distributions()
		if j := slices.IndexFunc(own, func(d figure.Distribution) bool { return d.Name == first[0].Name }); j >= 0 {
			own[j].Name = label(i+1, r)
			f.After = append(f.After, own[j])
		}
	}
	return f.Figure()
}

func comparedSummary(title string, s Subject, _ string) *figure.Figure {
	f := figure.Bars{Head: s.head(title), Quantity: figure.IOPS}
	for i, r := range s.Runs {
		g := figure.BarGroup{Name: label(i, r)}
		for _, dir := range r.Completed.Summary.Directions() {
			addBar(&g, dir, r.Completed.Summary.Direction(dir).IOPS)
		}
		f.Groups = append(f.Groups, g)
	}
	return f.Figure()
}

func comparedRates(title string, s Subject, _ string) *figure.Figure {
	return figure.Time{Head: s.head(title, "all directions together"), Quantity: figure.IOPS, Series: s.totals()}.Figure()
}

// totals are the rates over time of the runs that have any, all directions
// together.
func (s Subject) totals() []figure.Series {
	var out []figure.Series
	for i, r := range s.Runs {
		var list []figure.Series
		for _, dir := range r.logs().Names() {
			if line, ok := r.logs().IOPS[dir]; ok {
				list = append(list, line)
			}
		}
		if len(list) == 0 {
			continue
		}
		total := reading.Total(list)
		total.Name = label(i, r)
		out = append(out, total)
	}
	return out
}

// distributions lists those of all runs and directions.
func (s Subject) distributions() []figure.Distribution {
	var out []figure.Distribution
	for i, r := range s.Runs {
		own := r.distributions()
		for _, d := range own {
			direction := d.Name
			d.Name = label(i, r)
			if len(own) > 1 || strings.HasSuffix(direction, completionOnly) {
				d.Name += " " + direction
			}
			out = append(out, d)
		}
	}
	return out
}
