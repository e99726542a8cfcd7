package changepoint

import (
	"math"

	"github.com/fiord-bench/fiord/verdict/level"
)

// WithNewest is [Find] with one more change, if the newest values have just left the
// level: ranks cannot see what has lasted for fewer than [side] values, but how much
// the values moved before says whether that is out of the ordinary. Values must be
// positive; lower says that a lower one is better, since a loss is reported sooner
// than a gain.
func WithNewest(values []float64, least float64, lower bool) []Change {
	out := Find(values, least)
	from := 0
	if n := len(out); n > 0 {
		from = out[n-1].At
	}
	var index []int // of the values since the level last changed
	var sessions []level.Session
	for i, v := range values[from:] {
		if !math.IsNaN(v) && !math.IsInf(v, 0) && v > 0 {
			index, sessions = append(index, from+i), append(sessions, level.Session{Values: []float64{v}})
		}
	}
	if len(sessions) <= level.Enough {
		return out
	}
	all := level.Follow(sessions, level.Options{Threshold: math.Max(least, leastNewest), LowerIsBetter: lower})
	newest := all[len(all)-1]
	if newest.Answer != level.Shifted || newest.Drift {
		return out
	}
	x := make([]float64, len(index))
	for i, at := range index {
		x[i] = values[at]
	}
	at := parting(x)
	if n := len(out); n > 0 {
		out[n-1].To, out[n-1].After, out[n-1].NAfter = index[at], median(x[:at]), at
	}
	return append(out, Change{At: index[at], From: from, To: len(values), Before: median(x[:at]), After: median(x[at:]), NBefore: at, NAfter: len(x) - at})
}

// leastNewest is the least change of the newest values that is worth a word: one of
// a percent is told by many values only.
const leastNewest = 0.02

// parting is where the newest few values part from the others: the split at which
// the logarithms lie closest to the means of their side.
func parting(x []float64) int {
	best, least := len(x)-1, math.Inf(1)
	for at := len(x) - 1; at > 0 && at >= len(x)-side; at-- {
		if s := scatter(x[:at]) + scatter(x[at:]); s < least {
			best, least = at, s
		}
	}
	return best
}

// scatter is the sum of squares of logarithms around their mean.
func scatter(x []float64) float64 {
	sum, squares := 0.0, 0.0
	for _, v := range x {
		l := math.Log(v)
		sum, squares = sum+l, squares+l*l
	}
	return squares - sum*sum/float64(len(x))
}
