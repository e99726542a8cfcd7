package fidelity

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// LeastIOPS is the least share of a bare run's IOPS that fiord must reach.
const LeastIOPS = 0.98

// Ratios are one arm's figures over another's, pair by pair.
type Ratios []float64

// Over divides the figures of one arm by those of another, round by round. A
// round in which either has none is left out.
func Over(arm, other []float64) Ratios {
	var out Ratios
	for i := range min(len(arm), len(other)) {
		if arm[i] > 0 && other[i] > 0 {
			out = append(out, arm[i]/other[i])
		}
	}
	return out
}

// Both adds the reciprocals: which of two equal arms stands above the line is
// arbitrary, so an interval of theirs must not depend on it.
func (r Ratios) Both() Ratios {
	out := slices.Clone(r)
	for _, v := range r {
		out = append(out, 1/v)
	}
	return out
}

// Quantile interpolates between the neighbouring ratios; NaN when there are
// none.
func (r Ratios) Quantile(q float64) float64 {
	if len(r) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(r))
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}

// Median is the middle ratio.
func (r Ratios) Median() float64 { return r.Quantile(0.5) }

// Interval is a range of ratios.
type Interval struct{ Low, High float64 }

// Holds tells whether a ratio lies within the interval.
func (i Interval) Holds(v float64) bool { return i.Low <= v && v <= i.High }

// String reads "0.981 to 1.019".
func (i Interval) String() string { return fmt.Sprintf("%.3f to %.3f", i.Low, i.High) }

// Spread is where the middle 95% of single ratios lie.
func (r Ratios) Spread() Interval { return Interval{r.Quantile(0.025), r.Quantile(0.975)} }

// resamples is how often the bootstrap draws.
const resamples = 10_000

// OfMedian is the 95% interval of the median of n ratios, by bootstrap. The
// draws are the same each time, so that a session's figures can be recomputed.
func (r Ratios) OfMedian(n int) Interval {
	if len(r) == 0 || n == 0 {
		return Interval{math.NaN(), math.NaN()}
	}
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // statistics
	medians := make(Ratios, resamples)
	drawn := make(Ratios, n)
	for i := range medians {
		for k := range drawn {
			drawn[k] = r[rng.IntN(len(r))]
		}
		medians[i] = drawn.Median()
	}
	return medians.Spread()
}

// Judge says why fiord's IOPS are not those of a bare run, nil if they are: the
// median ratio must be at least LeastIOPS and lie where bare runs lie beside
// each other.
func Judge(fiord, noise Ratios) error {
	median, spread := fiord.Median(), noise.Both().Spread()
	switch {
	case len(fiord) == 0 || len(noise) == 0:
		return fmt.Errorf("%d pairs with fiord and %d without: nothing to judge by", len(fiord), len(noise))
	case median < LeastIOPS:
		return fmt.Errorf("the median ratio of IOPS is %.4f: want at least %.2f", median, LeastIOPS)
	case !spread.Holds(median):
		return fmt.Errorf("the median ratio of IOPS is %.4f, outside of what bare runs make of each other: %s", median, spread)
	}
	return nil
}
