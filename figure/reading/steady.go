package reading

import (
	"math"
	"time"

	"github.com/fiord-bench/fiord/figure"
)

// Total adds series on the same grid up. Where one has no value it counts as
// zero.
func Total(list []figure.Series) figure.Series {
	if len(list) == 0 {
		return figure.Series{}
	}
	step := list[0].Step
	from, to := list[0].Start, list[0].Start
	for _, s := range list {
		from, to = min(from, s.Start), max(to, s.Start+time.Duration(len(s.Values))*step)
	}
	out := figure.Series{Start: from, Step: step}
	if step <= 0 {
		return out
	}
	out.Values = make([]float64, int((to-from)/step))
	for _, s := range list {
		at := int((s.Start - from) / step)
		for i, v := range s.Values {
			if at+i < len(out.Values) && !math.IsNaN(v) {
				out.Values[at+i] += v
			}
		}
	}
	return out
}

// Steady state, in the spirit of SNIA's test specification: over the stretch no
// interval is further from the mean than excursion, and the fitted line drifts
// by no more than drift from its begin to its end.
const (
	excursion   = 0.10
	drift       = 0.05
	steadyParts = 20 // what is looked at is averaged into so many parts
	steadyLeast = 5  // parts that a steady stretch has at least
)

// Steady finds the longest stretch up to the end of a run in which its rate was
// steady: a device settles, and then stays settled.
func Steady(s figure.Series) (from, to time.Duration, ok bool) {
	n := min(steadyParts, len(s.Values))
	if n < steadyLeast {
		return 0, 0, false
	}
	parts := make([]float64, n)
	at := func(i int) int { return i * len(s.Values) / n }
	for i := range parts {
		cells := s.Values[at(i):at(i+1)]
		for _, v := range cells {
			parts[i] += v / float64(len(cells))
		}
	}
	for first := 0; first+steadyLeast <= n; first++ {
		if isSteady(parts[first:]) {
			return s.Start + time.Duration(at(first))*s.Step, s.Start + time.Duration(len(s.Values))*s.Step, true
		}
	}
	return 0, 0, false
}

func isSteady(v []float64) bool {
	n := float64(len(v))
	var mean, slope, spread float64
	for _, y := range v {
		mean += y / n
	}
	if mean <= 0 {
		return false
	}
	for i, y := range v {
		x := float64(i) - (n-1)/2
		slope += x * y
		spread += x * x
		if math.Abs(y-mean) > excursion*mean {
			return false
		}
	}
	return math.Abs(slope/spread)*(n-1) <= drift*mean
}
