package level

import (
	"math"
	"slices"
)

// Tails are judged by two questions. Stalls only ever raise a tail, so a session lies
// where its lower runs do: a run or two of five that stalled neither hide that the
// tail of all others doubled nor pass for it. How often runs stall is the second
// question, and is counted.
const (
	// lowerShare is how far up among the repeats the location of a tail is read: the
	// second lowest of five, the third of eight.
	lowerShare = 3.0 / 8
	// straying is how far above the session's location a run counts as stray, on
	// logarithms: half as long again.
	straying = 0.405
	// straysWeight is the count's share of the level of the tests, see [weights].
	straysWeight = 0.3
	// leastStrays is how many stray runs of one session are more than bad luck.
	leastStrays = 2
)

// Location is where the repeats of a session lie, in their unit: what the session is
// held against a level by. Values that are not positive are left out; 0 if none is
// left.
func Location(values []float64, opt Options) float64 {
	s, ok := Session{Values: values}.summarise(opt.Tail)
	if !ok {
		return 0
	}
	return math.Exp(s.location)
}

// lower returns the value up to which [lowerShare] of the values lie.
func lower(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(lowerShare*float64(len(sorted)-1))]
}

// stray counts the values that lie far above where the session does.
func stray(logs []float64, location float64) int {
	n := 0
	for _, v := range logs {
		if v > location+straying {
			n++
		}
	}
	return n
}

// strays tests whether more runs of a session were stray than those of the level let
// expect: by the chance of so many or more when their rate is known from the level's
// runs alone (beta-binomial, Jeffreys' prior). The change is that of all repeats.
func (r reference) strays(s summary) (e evidence, ok bool) {
	if s.strays < leastStrays {
		return evidence{}, false
	}
	before, of := 0, 0
	for i := range r.values {
		before, of = before+r.stray[i], of+r.runs[i]
	}
	e = step(r, []float64{s.all})
	e.p = moreStrays(s.strays, s.runs, before, of) / straysWeight
	e.strays = true
	return e, true
}

// moreStrays is the chance of k or more of n where x of m were before.
func moreStrays(k, n, x, m int) float64 {
	a, b := float64(x)+0.5, float64(m-x)+0.5
	sum := 0.0
	for i := k; i <= n; i++ {
		sum += math.Exp(logChoose(n, i) + logBeta(float64(i)+a, float64(n-i)+b) - logBeta(a, b))
	}
	return math.Min(1, sum)
}

func logBeta(a, b float64) float64 { return logGamma(a) + logGamma(b) - logGamma(a+b) }

func logChoose(n, k int) float64 {
	return logGamma(float64(n+1)) - logGamma(float64(k+1)) - logGamma(float64(n-k+1))
}

func logGamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}
