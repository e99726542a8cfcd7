package bus

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// TestDispositions states the handler contract.
func TestDispositions(t *testing.T) {
	oops := errors.New("oops")
	const limit, giveUp = 3, time.Hour
	for _, c := range []struct {
		name    string
		err     error
		attempt int
		age     time.Duration
		want    disposition
	}{
		{"success", nil, 1, 0, settleAck},
		{"success on the last attempt", nil, limit, 0, settleAck},
		{"success after too long", nil, 1, 2 * giveUp, settleAck},
		{"error", oops, 1, 0, settleRetry},
		{"error on the last attempt", oops, limit, 0, settleDead},
		{"error when too old", oops, 1, giveUp, settleDead},
		{"permanent error", Permanent(oops), 1, 0, settleDead},
		{"wrapped permanent error", fmt.Errorf("do: %w", Permanent(oops)), 1, 0, settleDead},
		{"later", RetryAfter(oops, time.Second), 1, 0, settleSnooze},
		{"later does not count", RetryAfter(oops, time.Second), limit + 5, 0, settleSnooze},
		{"later when too old", RetryAfter(oops, time.Second), 1, giveUp, settleDead},
		{"dependency away", Unavailable(oops), 1, 0, settleHold},
		{"dependency away does not count", Unavailable(oops), limit, 0, settleHold},
		{"dependency away too long", Unavailable(oops), 1, giveUp, settleDead},
		{"permanent beats unavailable", Permanent(Unavailable(oops)), 1, 0, settleDead},
		{"panic", &panicError{value: "boom"}, 1, 0, settleRetry},
		{"panic on the last attempt", &panicError{value: "boom"}, limit, 0, settleDead},
	} {
		if got := decide(c.err, c.attempt, limit, c.age, giveUp); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if got := decide(oops, 1000, -1, 1000*time.Hour, -1); got != settleRetry {
		t.Errorf("no limits: %s, want retry", got)
	}
}

func TestMarkersKeepNilAndCause(t *testing.T) {
	if Permanent(nil) != nil || RetryAfter(nil, 1) != nil || Unavailable(nil) != nil {
		t.Error("a marked nil is an error")
	}
	cause := errors.New("cause")
	for _, err := range []error{Permanent(cause), RetryAfter(cause, 1), Unavailable(cause)} {
		if !errors.Is(err, cause) || err.Error() != "cause" {
			t.Errorf("%T hides its cause", err)
		}
	}
}

func TestBackoffDoublesWithinBounds(t *testing.T) {
	w := &worker{reaction: Reaction{BackoffMin: time.Second, BackoffMax: time.Minute}}
	for failures, top := range map[int]time.Duration{0: time.Second, 1: 2 * time.Second, 4: 16 * time.Second, 10: time.Minute, 1000: time.Minute} {
		for range 100 {
			if d := w.backoff(failures); d < top/2 || d > top {
				t.Fatalf("after %d failures %v, want %v to %v", failures, d, top/2, top)
			}
		}
	}
}
