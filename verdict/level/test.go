package level

import "math"

// The levels of the tests, one-sided, for a comparison that is judged alone with
// twenty sessions or more. They were set by simulation so that at most one bench
// in a hundred of an unchanged machine is called shifted, all tests together.
const (
	lossLevel = 0.006
	gainLevel = 0.0015
)

// weights share the levels out between one, two and three sessions together and
// creep. They add up to more than one, since the tests agree with each other.
var weights = map[int]float64{1: 0.7, 2: 0.3, 3: 0.6}

const (
	// driftWeight is small, since a walk looks like a line to it.
	driftWeight = 0.012
	// DriftSessions bounds how many sessions of a level the test of creep takes.
	DriftSessions = 20
	// leastDrift is how few sessions a slope is seen in.
	leastDrift = 6
)

// full is the number of sessions from which on tests of steps are at their full
// level, and a level's correlation is taken as estimated. With fewer, the levels of
// the tests fall as the power [caution] of the number, and neighbours are taken to
// resemble each other by [unknown] at least: set by simulation so that sessions of
// which each resembles the one before it by 0.7 bring about at most 3% of false
// shifts after any number of sessions.
const (
	full    = 20
	caution = 1.5
	unknown = 0.35
)

// evidence is what one test says, on logarithms.
type evidence struct {
	change   float64 // of the newest sessions against the level
	error    float64 // standard error of the change
	freedom  int     // degrees of freedom of the error
	p        float64 // one-sided, of a change of this sign or more, weighed
	sessions int     // how many of the newest sessions it speaks of
	drift    bool    // the change is along a line
	strays   bool    // more repeats than before are stray
}

// step tests the newest sessions together against the level before them.
// before must have at least two sessions.
func step(before reference, newest []float64) evidence {
	m, k := len(before.values), len(newest)
	sd, correlated := before.spread()
	e := evidence{
		change: mean(newest) - mean(before.values), freedom: m - 1, sessions: k,
		error: sd * math.Sqrt(differenceVariance(k, m, correlated)),
	}
	e.p = tail(e.change/e.error, e.freedom) / weights[k]
	return e
}

// creep tests whether sessions follow a line. ok is false if there are too few
// or too many.
func creep(values []float64) (e evidence, ok bool) {
	n := len(values)
	if n < leastDrift || n > DriftSessions {
		return evidence{}, false
	}
	middle, m := float64(n-1)/2, mean(values)
	squares, products := 0.0, 0.0
	for i, v := range values {
		x := float64(i) - middle
		squares += x * x
		products += x * (v - m)
	}
	slope := products / squares
	residuals, sum := make([]float64, n), 0.0
	for i, v := range values {
		residuals[i] = v - m - slope*(float64(i)-middle)
		sum += residuals[i] * residuals[i]
	}
	// The residuals of a line resemble each other less than the errors do: the
	// two estimated parameters cost 1/n more than [correlation] corrects.
	correlated := math.Min(maxCorrelation, correlation(residuals)+1/float64(n))
	error := math.Max(tiny, math.Sqrt(sum/float64(n-2)*(1+correlated)/(1-correlated)/squares))
	e = evidence{
		change: slope * float64(n-1), error: error * float64(n-1), freedom: n - 2,
		sessions: n, drift: true,
	}
	e.p = tail(slope/error, e.freedom) / driftWeight
	return e, true
}
