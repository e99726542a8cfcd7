package figure

import (
	"math"
	"slices"
)

// maxSwarm bounds how many curves one figure holds; what is beyond is counted
// among its facts.
const maxSwarm = 200

// Points of a curve among many: thin lines need fewer.
const (
	swarmPoints  = 150
	medianPoints = 200
)

// strand is one curve of a figure that may have many.
type strand struct {
	name, note string
	points     []point // x ascending
	rank       float64 // by which the extremes are picked
}

// strands are the curves of one figure.
type strands struct {
	list []strand
	// rank says what the extremes are extreme in, such as "p99".
	rank string
	// logX tells that x is laid out by logarithms.
	logX bool
}

// add draws the curves with their legend: each in a colour of its own as long
// as there are colours, and beyond that as a swarm with its median and its two
// extremes named.
func (s strands) add(f *Figure, a *axes) {
	if len(s.list) <= maxColours {
		for i, one := range s.list {
			k := lineKey(i, one.name, one.note)
			f.keys = append(f.keys, k)
			a.Add(curve{points: thin(one.points, maxCurve), style: lineStyle(k.tone, k.width, k.dash)})
		}
		return
	}
	for _, one := range s.list {
		a.Add(curve{points: thin(one.points, swarmPoints), style: lineStyle(swarmTone(), 0.5, nil)})
	}
	f.keys = append(f.keys, swarmKeys(len(s.list), "curves")...)
	byRank := func(x, y strand) int { return compareRank(x.rank, y.rank) }
	for i, one := range []strand{slices.MaxFunc(s.list, byRank), slices.MinFunc(s.list, byRank)} {
		k := lineKey(i, []string{"greatest ", "least "}[i]+s.rank+": "+one.name, one.note)
		f.keys = append(f.keys, k)
		a.Add(curve{points: thin(one.points, maxCurve), style: lineStyle(k.tone, k.width, k.dash)})
	}
	a.Add(curve{points: s.median(), style: lineStyle(inkTone(), 1.8, nil)})
}

// swarmKeys is the legend of a swarm and its median.
func swarmKeys(n int, noun string) []key {
	return []key{
		{name: grouped(n) + " " + noun, tone: swarmTone(), width: 1},
		{name: "their median", tone: inkTone(), width: 1.8},
	}
}

// compareRank orders ranks with those that are unknown in the middle, where no
// extreme is looked for.
func compareRank(x, y float64) int {
	switch {
	case math.IsNaN(x) || math.IsNaN(y) || x == y:
		return 0
	case x < y:
		return -1
	default:
		return 1
	}
}

// median is the curve of the medians at even places of the x axis, over the
// curves that reach that far, at least half of them.
func (s strands) median() []point {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, one := range s.list {
		if n := len(one.points); n > 0 {
			lo, hi = min(lo, one.points[0].x), max(hi, one.points[n-1].x)
		}
	}
	if !(lo < hi) {
		return nil
	}
	at := make([]int, len(s.list))
	var out []point
	var values []float64
	for i := range medianPoints + 1 {
		x := s.place(lo, hi, float64(i)/medianPoints)
		values = values[:0]
		for j, one := range s.list {
			if v, ok := one.value(x, &at[j]); ok {
				values = append(values, v)
			}
		}
		if 2*len(values) >= len(s.list) {
			out = append(out, point{x, median(values)})
		}
	}
	return out
}

// place is the share of the way from lo to hi as the axis lays it out.
func (s strands) place(lo, hi, share float64) float64 {
	if s.logX && lo > 0 {
		return lo * math.Pow(hi/lo, share)
	}
	return lo + (hi-lo)*share
}

// value interpolates the curve at x. from is where the last look ended.
func (s strand) value(x float64, from *int) (float64, bool) {
	p := s.points
	if len(p) == 0 || x < p[0].x || x > p[len(p)-1].x {
		return 0, false
	}
	for *from+1 < len(p)-1 && p[*from+1].x < x {
		*from++
	}
	a := p[*from]
	if *from+1 == len(p) {
		return a.y, true
	}
	b := p[*from+1]
	if b.x <= a.x {
		return b.y, true
	}
	return a.y + (b.y-a.y)*(x-a.x)/(b.x-a.x), true
}
