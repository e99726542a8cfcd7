package figure

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
)

// Difference shows by how much a distribution differs from another at each
// percentile: where a mean says that something changed, this says for whom.
type Difference struct {
	Head
	// Before is what the others are held against.
	Before Distribution
	After  []Distribution
}

// Figure lays the figure out.
func (d Difference) Figure() *Figure {
	after, head := counted(d.After, d.Head)
	if d.Before.N() == 0 || len(after) == 0 {
		return emptyFigure(head, "nothing to compare")
	}
	f := &Figure{head: head, height: plotHeight}
	a := newAxes("percentile", "")
	nines, least, most := 1.0, 1.0, 1.0
	curves := strands{rank: "at p99"}
	for _, s := range after {
		// no percentile is known beyond one in n of the smaller sample
		known := min(math.Log10(float64(s.N())), math.Log10(float64(d.Before.N())), 6)
		nines = max(nines, known)
		var xy []point
		for x := 0.01; x <= known; x += known / 400 {
			share := 1 - math.Pow(10, -x)
			times := s.within(share) / d.Before.within(share)
			xy = append(xy, point{x, times})
			least, most = min(least, times), max(most, times)
		}
		curves.list = append(curves.list, strand{
			name: s.Name, note: fmt.Sprintf("n = %s against %s", Grouped(s.N()), Grouped(d.Before.N())),
			points: xy, rank: s.within(0.99) / d.Before.within(0.99),
		})
	}
	curves.add(f, a)
	a.X.Min, a.X.Max = 0, nines
	a.X.Tick.Marker = nineTicks(nines)
	if most/least > 2 {
		a.logY(ratio, least, most)
	} else {
		a.ratioY(min(least, 0.95), max(most, 1.05))
	}
	a.Add(levelLine{1, lineStyle(axisTone(), 1, nil)})
	f.paint = a.paint
	return f
}

// ratioY sets a linear y axis of ratios around 1, written as changes in
// percent.
func (a *axes) ratioY(lo, hi float64) {
	pad := (hi - lo) * 0.06
	a.Y.Min, a.Y.Max = lo-pad, hi+pad
	a.yName = "change (%)"
	var ticks namedTicks
	for _, t := range (linearTicks{unit: step{"", 0.01}, want: 6}).Ticks(a.Y.Min-1, a.Y.Max-1) {
		ticks = append(ticks, plot.Tick{Value: t.Value + 1, Label: t.Label})
	}
	a.Y.Tick.Marker = ticks
}

// within is Percentile with the place inside the bin interpolated: the edges
// of two sets' bins would make steps out of a smooth difference.
func (d Distribution) within(p float64) float64 {
	goal, sum := p*float64(d.N()), 0.0
	for _, b := range d.Bins {
		n := float64(b.Count)
		if sum += n; sum >= goal && n > 0 {
			return b.High - (b.High-b.Low)*(sum-goal)/n
		}
	}
	return math.NaN()
}
