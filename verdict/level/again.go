package level

import "math"

// confirming is the one-sided level at which a second session confirms a shift that
// the first one showed: by then there is one question, not a family of them.
const confirming = 0.05

// Again judges a session of its own against the level that an earlier session was
// shifted from. value, spread and sessions describe that level as [Level] does;
// location is the new session's, in the same unit.
func Again(value, spread float64, sessions int, location float64, opt Options) Judgement {
	n := max(2, min(sessions, maxSessions))
	change := math.Log(location / value)
	sd := math.Max(spread, tiny)
	e := evidence{change: change, error: sd * math.Sqrt(1+1/float64(n)), freedom: n - 1, sessions: 1}
	half := quantile(twoSided, e.freedom) * e.error
	j := Judgement{
		Answer: Undecided, P: tail(change/e.error, e.freedom), Better: change > 0 != opt.LowerIsBetter, Together: 1,
		Change: math.Expm1(change), Low: math.Expm1(change - half), High: math.Expm1(change + half),
		Level: Level{Value: value, Spread: spread, Sessions: sessions},
	}
	switch {
	case math.Abs(change) >= opt.log() && j.P < confirming:
		j.Answer = Shifted
	case math.Abs(change)+quantile(oneSided, e.freedom)*e.error <= opt.log():
		j.Answer = Equal
	}
	return j
}
