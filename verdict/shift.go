package verdict

import (
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
)

// alpha is the level of the rank test. At five runs against five the smallest
// two-sided p is 0.008, so that a clean separation is told and little else.
const alpha = 0.01

// shift is a relative change with its 95% bounds: 0.05 is five percent more.
type shift struct {
	before, after     float64 // medians
	change, low, high float64
	p                 float64
	nBefore, nAfter   int
	trimmed           int // runs left out at either end by the test that decided; 0: none
}

// compare holds two samples of positive values against each other.
func compare(before, after []float64) shift {
	a, b := slices.Sorted(slices.Values(before)), slices.Sorted(slices.Values(after))
	s := shift{before: Median(a), after: Median(b), nBefore: len(a), nAfter: len(b), p: 1}
	s.change = s.after/s.before - 1
	s.low, s.high = bounds(a, b)
	if len(a) > 1 && len(b) > 1 {
		thresholds := &benchmath.Thresholds{CompareAlpha: alpha}
		s.p = benchmath.AssumeNothing.Compare(benchmath.NewSample(a, thresholds), benchmath.NewSample(b, thresholds)).P
	}
	return s
}

// Median returns the median of sorted values, which must not be empty.
func Median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// bounds returns the 95% interval of the relative shift. It inverts the rank
// test: of all pairwise ratios after/before, sorted, those outside the k-th
// from either end are rejected. With too few runs no interval reaches 95%, and
// the bounds are infinite.
func bounds(before, after []float64) (low, high float64) {
	ratios := make([]float64, 0, len(before)*len(after))
	for _, x := range before {
		for _, y := range after {
			ratios = append(ratios, y/x)
		}
	}
	slices.Sort(ratios)
	k := rankQuantile(len(before), len(after), 0.025)
	if k <= 0 {
		return math.Inf(-1), math.Inf(1)
	}
	return ratios[k-1] - 1, ratios[len(ratios)-k] - 1
}

// rankQuantile returns the greatest k for which the Mann-Whitney statistic U
// of samples of sizes n and m is below k with probability at most p, under the
// hypothesis that they do not differ.
func rankQuantile(n, m int, p float64) int {
	if n*m > 1600 { // the normal approximation is exact to the rank by then
		mean := float64(n*m) / 2
		sd := math.Sqrt(float64(n*m*(n+m+1)) / 12)
		return int(mean - 1.959964*sd)
	}
	ways := rankWays(n, m)
	total, sum := 0.0, 0.0
	for _, w := range ways {
		total += w
	}
	for k, w := range ways {
		sum += w
		if sum/total > p {
			return k
		}
	}
	return len(ways)
}

// rankWays counts, for each value of U, the orders of n and m values that give
// it: the coefficients of the Gaussian binomial.
func rankWays(n, m int) []float64 {
	ways := make([]float64, n*m+1)
	ways[0] = 1
	for i := 1; i <= m; i++ {
		for j := len(ways) - 1; j >= n+i; j-- { // times (1 - q^(n+i))
			ways[j] -= ways[j-n-i]
		}
		for j := i; j < len(ways); j++ { // divided by (1 - q^i)
			ways[j] += ways[j-i]
		}
	}
	return ways
}
