package bus

import (
	"errors"
	"fmt"
	"time"
)

// Permanent marks an error that no retry mends: the event goes to the
// dead-letter stream at once and OnDead's terminal is published.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

// RetryAfter asks for the event again after d, because of err. It does not
// count as an attempt; [Reaction].GiveUpAfter bounds it.
func RetryAfter(err error, d time.Duration) error {
	if err == nil {
		return nil
	}
	return &retryError{err, max(d, 0)}
}

// Unavailable says that something the handler needs is away, through no fault
// of the event. The event is kept in hand, with heartbeats, and the handler
// called again with backoff; neither counts as an attempt.
func Unavailable(err error) error {
	if err == nil {
		return nil
	}
	return &unavailableError{err}
}

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

type retryError struct {
	err   error
	after time.Duration
}

func (e *retryError) Error() string { return e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }

type unavailableError struct{ err error }

func (e *unavailableError) Error() string { return e.err.Error() }
func (e *unavailableError) Unwrap() error { return e.err }

// panicError is a panic of a handler.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("handler panicked: %v", e.value) }

// disposition is what becomes of a message.
type disposition int

const (
	settleAck disposition = iota
	settleRetry
	settleSnooze
	settleHold
	settleDead
)

func (d disposition) String() string {
	return [...]string{"ack", "retry", "snooze", "hold", "dead"}[d]
}

// decide is the handler contract: what an outcome means at the given attempt,
// counted from 1. It has no effects, and a table test states it.
func decide(err error, attempt, maxAttempts int, age, giveUpAfter time.Duration) disposition {
	if err == nil {
		return settleAck
	}
	var (
		permanent   *permanentError
		retry       *retryError
		unavailable *unavailableError
	)
	tooOld := giveUpAfter > 0 && age >= giveUpAfter
	switch {
	case errors.As(err, &permanent):
		return settleDead
	case tooOld:
		return settleDead
	case errors.As(err, &unavailable):
		return settleHold
	case errors.As(err, &retry):
		return settleSnooze
	case maxAttempts > 0 && attempt >= maxAttempts:
		return settleDead
	default:
		return settleRetry
	}
}
