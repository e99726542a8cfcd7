// Package doctor examines a set-up that does not work: what this program can
// reach of a fiord, with what rights and clocks, and what this machine offers a
// bench host. It changes nothing anywhere.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// State of what was examined.
type State string

// The states. Skipped is what could not be examined because of another finding.
const (
	OK      State = "ok"
	Warning State = "warning"
	Problem State = "problem"
	Skipped State = "skipped"
)

// Finding is the outcome of one check.
type Finding struct {
	// Check in a word or two.
	Check string `json:"check"`
	State State  `json:"state"`
	// Text is what was found.
	Text string `json:"text"`
	// Remedy is what to do about it; "" where nothing is to be done.
	Remedy string `json:"remedy,omitempty"`
}

// patience bounds one check.
const patience = 10 * time.Second

// maxSkew is how far clocks may differ before events and uploads suffer: stores
// refuse requests beyond 15 minutes, and verdicts read times of events.
const maxSkew = 5 * time.Second

// examination reports findings as they come.
type examination struct {
	report func(Finding)
	worst  State // the gravest; OK for none
	web    *http.Client
}

func (x *examination) add(f Finding) {
	if f.State == Problem || f.State == Warning && x.worst != Problem {
		x.worst = f.State
	}
	x.report(f)
}

func (x *examination) ok(check, format string, args ...any) {
	x.add(Finding{Check: check, State: OK, Text: fmt.Sprintf(format, args...)})
}

func (x *examination) warn(check, remedy, format string, args ...any) {
	x.add(Finding{Check: check, State: Warning, Text: fmt.Sprintf(format, args...), Remedy: remedy})
}

func (x *examination) problem(check, remedy string, err error) {
	x.add(Finding{Check: check, State: Problem, Text: err.Error(), Remedy: remedy})
}

func (x *examination) skip(check, format string, args ...any) {
	x.add(Finding{Check: check, State: Skipped, Text: fmt.Sprintf(format, args...)})
}

// within runs a check that may take so long and no longer.
func within(ctx context.Context, check func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := check(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s: %w", patience, err)
	}
	return err
}
