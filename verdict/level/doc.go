// Package level holds a new session of a benchmark against the history of the
// same measurement on the same kind of machine.
//
// A machine differs from day to day by more than within a session: repeats of
// one bench say how noisy a session is, never how much the next session will
// differ. The unit here is therefore the session, one bench's repeats reduced
// to a single location, and the yardstick is the spread between sessions.
//
// # The level
//
// The reference of a series is its level: the mean of the sessions' logarithms
// since the level last moved, with each session clipped to what the sessions
// before it would have let expect, so that a wild one moves the level by a
// bounded amount. A level moves in two cases only: a person accepted a session as
// the new level, or a shift to one side has lasted for [Lasting] sessions. It
// never moves to a single session, so a lucky session cannot become what the
// following ones are judged by.
//
// # The tests
//
// Each new session is tested in several ways, all on logarithms:
//
//   - the session alone, the newest two and the newest three sessions together,
//     each against the level before them, by the prediction interval of Student's
//     t distribution: a difference d of k sessions against m has the standard
//     error s·√(1/k+1/m), s being the spread between sessions;
//   - the slope of a regression line through at most [DriftSessions] sessions of
//     the level, the new one included, by its t test: creep, of which each step
//     is too small to be seen.
//
// A test reports a shift only if it rejects and the change is at least the
// threshold. Losses are tested at a higher level than gains: of the errors that
// a person can afford, most go to what a person must not miss. Sessions that
// resemble their neighbours (a positive autocorrelation of the level's older
// part, beyond its estimation bias) widen the standard errors accordingly.
//
// # Tails
//
// Of percentiles far above the median ([Options.Tail]) a session's location is read
// among its lower repeats, and repeats far above that are counted instead: more of
// them than the level's runs let expect is a fifth test.
//
// # Three answers
//
// A judgement is [Shifted], [Equal] (both one-sided tests at 5% place the change
// within the threshold) or [Undecided]. With fewer than [Enough] sessions in the
// level the answer is [TooFew]: the spread between sessions is not known yet.
// A bench of many comparisons applies [Family], Holm's step-down procedure, so
// that the chance of any false shift in the whole bench stays below 2%.
//
// The levels of the tests were set by simulation; the tests of this package
// repeat it and hold the error rates and the power that the guide on verdicts
// states.
package level
