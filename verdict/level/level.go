package level

import (
	"math"
	"sync"

	"github.com/aclements/go-moremath/stats"
)

// Level is the reference of a series, in the metric's unit.
type Level struct {
	// Value is the level: the geometric mean of its sessions.
	Value float64
	// Low and High bound the level with 95% confidence.
	Low, High float64
	// Spread is the standard deviation from session to session, as a share of
	// the level: 0.02 says that this machine moves by 2% from day to day. 0
	// before two sessions are known.
	Spread float64
	// Within is the part of Spread that the repeats of a session explain by
	// themselves; the rest is between sessions. NaN where no session had
	// several repeats.
	Within float64
	// Sessions counts the sessions of the level, and First is the index of its
	// first in the series.
	Sessions, First int
}

// maxSessions bounds how many sessions a level is estimated from: what is older
// says little about the machine of today.
const maxSessions = 60

// guard is how many of the newest sessions of a level the autocorrelation does
// not look at: a level that has just begun to move must not excuse itself.
const guard = 5

// reference is a level on logarithms.
type reference struct {
	values []float64 // locations of sessions, oldest first, clipped
	errors []float64 // squared standard errors of the locations, NaN if unknown
	stray  []int     // repeats of each that were stray
	runs   []int     // repeats of each
	first  int       // index in the series of the first of all sessions
	count  int       // of all sessions, also those too old to count
}

// before returns the reference without its newest n sessions.
func (r reference) before(n int) reference {
	keep := len(r.values) - n
	return reference{values: r.values[:keep], errors: r.errors[:keep], stray: r.stray[:keep], runs: r.runs[:keep], first: r.first, count: r.count - n}
}

// add appends a session to the reference, clipped to what is there.
func (r *reference) add(s summary) {
	r.values = append(r.values, r.clip(s.location))
	r.errors = append(r.errors, s.error2)
	r.stray, r.runs = append(r.stray, s.strays), append(r.runs, s.runs)
	r.count++
	if over := len(r.values) - maxSessions; over > 0 {
		r.values, r.errors = r.values[over:], r.errors[over:]
		r.stray, r.runs = r.stray[over:], r.runs[over:]
	}
}

// clipping is how many times the half width of the prediction interval a
// session may lie from the level before it is clipped.
const clipping = 1.5

// clip bounds the influence of one session on the level.
func (r reference) clip(location float64) float64 {
	n := len(r.values)
	if n < Enough {
		return location
	}
	half := clipping * quantile(expected, n-1) * deviation(r.values) * math.Sqrt(1+1/float64(n))
	m := mean(r.values)
	return math.Max(m-half, math.Min(m+half, location))
}

// spread returns the standard deviation between sessions and the correlation of
// neighbours.
func (r reference) spread() (sd, correlated float64) {
	n := len(r.values)
	if n-guard >= Enough {
		correlated = correlation(r.values[:n-guard])
	}
	if n < full {
		correlated = math.Max(correlated, unknown)
	}
	sd = deviation(r.values) / math.Sqrt(varianceBias(n, correlated))
	return math.Max(sd, tiny), correlated
}

// tiny stands for a spread of none: series that never differ, of a rate limited
// job for instance, would divide by zero.
const tiny = 1e-6

// level describes the reference in the metric's unit.
func (r reference) level() Level {
	out := Level{Sessions: r.count, First: r.first, Within: math.NaN()}
	n := len(r.values)
	if n == 0 {
		return out
	}
	m := mean(r.values)
	out.Value, out.Low, out.High = math.Exp(m), 0, math.Inf(1)
	if n > 1 {
		sd, correlated := r.spread()
		half := quantile(twoSided, n-1) * sd * math.Sqrt(meanVariance(n, correlated))
		out.Low, out.High, out.Spread = math.Exp(m-half), math.Exp(m+half), sd
	}
	sum, known := 0.0, 0
	for _, e := range r.errors {
		if !math.IsNaN(e) {
			sum, known = sum+e, known+1
		}
	}
	if known > 0 {
		out.Within = math.Sqrt(sum / float64(known))
	}
	return out
}

// The probabilities whose quantiles are needed.
const (
	oneSided = 0.95  // each of the two tests for equality
	twoSided = 0.975 // intervals of 95%
	expected = 1 - lossLevel
)

// quantiles are those of Student's t distribution by probability and degrees of
// freedom, which no level has more of than sessions. To invert the distribution
// takes fifty times as long as to test.
var quantiles = sync.OnceValue(func() map[float64][]float64 {
	out := map[float64][]float64{}
	for _, p := range []float64{oneSided, twoSided, expected} {
		list := make([]float64, maxSessions+1)
		for freedom := 1; freedom <= maxSessions; freedom++ {
			list[freedom] = stats.InvCDF(stats.TDist{V: float64(freedom)})(p)
		}
		out[p] = list
	}
	return out
})

// quantile is that of Student's t distribution, for one of the probabilities
// above and from 1 to [maxSessions] degrees of freedom.
func quantile(p float64, freedom int) float64 { return quantiles()[p][freedom] }

// tail is the chance that Student's t lies beyond |t| on one side.
func tail(t float64, freedom int) float64 {
	return stats.TDist{V: float64(freedom)}.CDF(-math.Abs(t))
}
