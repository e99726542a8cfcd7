package notice

import (
	"fmt"
	"strings"
	"time"
)

// Outcome sorts the ways in which a target doesn't take a notice.
type Outcome string

// The outcomes.
const (
	// Refused: this notice, or this sender, is not wanted. No retry mends that.
	Refused Outcome = "refused"
	// Failed: something went wrong over there, perhaps because of this notice.
	Failed Outcome = "failed"
	// Busy: the target asks to come back later.
	Busy Outcome = "busy"
	// Away: the target cannot be reached, whatever the notice.
	Away Outcome = "away"
)

// SendError is why a target didn't take a notice. It never holds the target's
// address, which may be a secret.
type SendError struct {
	Outcome Outcome
	// After is when to come back, if the target said so.
	After time.Duration
	// Code is the HTTP status that the target answered, 0 if there was none.
	Code int
	Err  error
}

// Error implements error.
func (e *SendError) Error() string { return fmt.Sprintf("target %s: %v", e.Outcome, e.Err) }

// Unwrap implements the interface of [errors.Is].
func (e *SendError) Unwrap() error { return e.Err }

// Refusal is a SendError for what can never be sent.
func Refusal(format string, args ...any) error {
	return &SendError{Outcome: Refused, Err: fmt.Errorf(format, args...)}
}

// PartError says that a notice is out, but not to everybody of the target: those
// who are missing were refused for good. It is a success that has to be mended by
// the operator.
type PartError struct {
	// Missing are who did not get it, each with the reason.
	Missing []string
}

// Error implements error.
func (e *PartError) Error() string {
	return "not sent to " + strings.Join(e.Missing, "; ") + "; all others have it"
}
