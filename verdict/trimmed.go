package verdict

import (
	"math"
	"slices"

	"github.com/aclements/go-moremath/stats"
)

// Yuen's test.
const (
	// trimmedShare of the runs of a side is left out at either end: one of five,
	// three of ten.
	trimmedShare = 0.3
	// trimmedRuns is how many runs a side must have.
	trimmedRuns = 5
	// trimmedAlpha is the two-sided level at which it rejects what the rank test of
	// all runs left open. It adds to that test's errors, so it is small; a tail that
	// doubled is far beyond it.
	trimmedAlpha = 0.002
)

// trimmed is one side of Yuen's test: logarithms without the highest and the lowest
// runs.
type trimmed struct {
	mean, error2 float64 // and the squared standard error of it
	freedom      float64
	left         int // runs left out at either end
}

// trim prepares sorted positive values.
func trim(sorted []float64) trimmed {
	n := len(sorted)
	g := int(trimmedShare * float64(n))
	kept := make([]float64, n)
	for i := range sorted {
		kept[i] = math.Log(sorted[min(max(i, g), n-1-g)]) // winsorized
	}
	all, inner := 0.0, 0.0
	for i, v := range kept {
		all += v / float64(n)
		if i >= g && i < n-g {
			inner += v / float64(n-2*g)
		}
	}
	squares := 0.0
	for _, v := range kept {
		squares += (v - all) * (v - all)
	}
	h := float64(n - 2*g)
	return trimmed{mean: inner, error2: squares / (h * (h - 1)), freedom: h - 1, left: g}
}

// compareTrimmed holds two samples against each other by Yuen's test on logarithms:
// Welch's t test of the means without the highest and lowest runs of either side,
// the errors from winsorized variances. A stray run of five hides nothing from it,
// as one does from the rank test of all. ok is false with too few runs.
func compareTrimmed(before, after []float64) (s shift, ok bool) {
	if len(before) < trimmedRuns || len(after) < trimmedRuns {
		return shift{}, false
	}
	a, b := trim(slices.Sorted(slices.Values(before))), trim(slices.Sorted(slices.Values(after)))
	error2 := a.error2 + b.error2
	difference := b.mean - a.mean
	s = shift{change: math.Expm1(difference), p: 1, trimmed: max(a.left, b.left)}
	s.low, s.high = s.change, s.change
	if error2 == 0 { // of a rate limited job, for instance
		if difference != 0 {
			s.p = 0
		}
		return s, true
	}
	freedom := error2 * error2 / (a.error2*a.error2/a.freedom + b.error2*b.error2/b.freedom)
	t := stats.TDist{V: freedom}
	s.p = 2 * t.CDF(-math.Abs(difference)/math.Sqrt(error2))
	half := stats.InvCDF(t)(0.975) * math.Sqrt(error2)
	s.low, s.high = math.Expm1(difference-half), math.Expm1(difference+half)
	return s, true
}

// compareRuns holds two samples against each other by the rank test of all runs, and
// where that leaves open what differs by Yuen's test, by that.
func compareRuns(before, after []float64) shift {
	s := compare(before, after)
	if s.p < alpha {
		return s
	}
	t, ok := compareTrimmed(before, after)
	if ok && t.p < trimmedAlpha && t.change > 0 == (s.change > 0) {
		s.p, s.low, s.high, s.trimmed = t.p, t.low, t.high, t.trimmed
	}
	return s
}
