package follow

import "github.com/fiord-bench/fiord/events"

// Outcome of a bench, as an exit code of the command. The numbers are part of
// the command's contract with scripts.
type Outcome int

// The outcomes.
const (
	AllWell      Outcome = 0
	RunsFailed   Outcome = 1 // a run failed or was rejected
	BadInput     Outcome = 2
	Regressed    Outcome = 3
	Inconclusive Outcome = 4 // or invalid: the numbers cannot be trusted
	NotMeasured  Outcome = 5 // unplaced or expired
	Stopped      Outcome = 6 // cancelled
)

// Outcome of a bench that has ended.
func (b *Bench) Outcome() Outcome {
	switch end := b.End.(type) {
	case events.BenchCancelled:
		return Stopped
	case events.BenchUnplaced:
		return NotMeasured
	case events.BenchReported:
		return reported(end)
	}
	return RunsFailed
}

// reported weighs a verdict against runs that did not complete: what was
// measured may be fine while a part was not measured at all.
func reported(end events.BenchReported) Outcome {
	switch end.Verdict {
	case events.VerdictRegressed:
		return Regressed
	case events.VerdictInconclusive, events.VerdictInvalid:
		return Inconclusive
	}
	switch n := end.Counts; {
	case n.Failed+n.Rejected > 0:
		return RunsFailed
	case n.Expired > 0:
		return NotMeasured
	case n.Cancelled > 0:
		return Stopped
	case end.Verdict == events.VerdictFailed:
		return RunsFailed
	}
	return AllWell
}
