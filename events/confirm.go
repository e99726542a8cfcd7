package events

import "strings"

// Side is one of the two sides of a bench that confirms another.
type Side string

// The sides: what the baseline measured, and what the bench in doubt did.
const (
	SideBefore Side = "before"
	SideAfter  Side = "after"
)

// File is the name that a job file has on a side, so that both sides may hold
// files of one name: after/jobs/randread.fio.
func (s Side) File(name string) string { return string(s) + "/" + name }

// Cut returns a job file's side and the name it had in the bench that is
// confirmed; no side for a file that was not named by [Side.File].
func (j Job) Cut() (Side, string) {
	if name, ok := strings.CutPrefix(j.Name, string(j.Side)+"/"); ok && j.Side != "" {
		return j.Side, name
	}
	return "", j.Name
}

// Sample is one thing to measure: a job file at a point of the matrix.
type Sample struct {
	// Job is the name of one of the request's job files.
	Job string `json:"job"`
	// Point of the matrix; empty for the job file as it is.
	Point Point `json:"point,omitempty"`
}

// MaxSamples bounds the samples that a request names.
const MaxSamples = 200

// Outcome is what a confirming bench found.
type Outcome string

// The outcomes of measuring again.
const (
	// OutcomeConfirmed: the second look saw the regression as well.
	OutcomeConfirmed Outcome = "confirmed"
	// OutcomeNotConfirmed: it did not, so that there is none to be told.
	OutcomeNotConfirmed Outcome = "not_confirmed"
	// OutcomeImpossible: there was no second look, or none that can be used.
	OutcomeImpossible Outcome = "impossible"
)

// Confirmation is how a regression fared when it was measured again, before
// anybody was told.
type Confirmation struct {
	// Bench that measured again; empty if none could be asked for.
	Bench   string  `json:"bench,omitempty"`
	Outcome Outcome `json:"outcome"`
	// Reason in a sentence.
	Reason string `json:"reason"`
}

func (d Confirmation) check(c *check) {
	c.optionalID("confirmation.bench", d.Bench)
	oneOf(c, "confirmation.outcome", d.Outcome, OutcomeConfirmed, OutcomeNotConfirmed, OutcomeImpossible)
	c.text("confirmation.reason", d.Reason, MaxHeadline)
}

// Shift is a regression that lasts over several reports of a bench's name on
// one ref. It is open until figures are back or somebody accepts them, and told
// anew when something else regresses or the step is clearly greater.
type Shift struct {
	// Since is the bench that told it first.
	Since string `json:"since"`
	// Commit that Since measured; empty if no commit asked for it.
	Commit string `json:"commit,omitempty"`
	// Reports that told it so far, this one included: 1 is a new shift.
	Reports int `json:"reports"`
}

func (d Shift) check(c *check, field string) {
	c.id(field+".since", d.Since)
	if d.Commit != "" {
		c.sha(field+".commit", d.Commit)
	}
	c.atLeast(field+".reports", d.Reports, 1)
}
