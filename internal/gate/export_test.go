package gate

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// RetryAfter sets after how long waiters try again though nothing woke them.
func (g *Gate) RetryAfter(d time.Duration) { g.retry = d }

// TurnIsTaken reports whether a measurement waits, or is about to have the gate.
func (g *Gate) TurnIsTaken(t *testing.T) bool {
	f, err := open(g.turn)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock(f)
	free, err := try(f, unix.LOCK_SH)
	if err != nil {
		t.Fatal(err)
	}
	return !free
}
