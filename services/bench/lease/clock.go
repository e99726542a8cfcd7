package lease

import (
	"time"

	"golang.org/x/sys/unix"
)

// Clock is time since the host booted, sleep included. All processes of a host
// share it, those in containers too, and it cannot be set.
type Clock time.Duration

// Now reads the host's clock.
func Now() Clock {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		panic("lease: no CLOCK_BOOTTIME: " + err.Error()) // Linux has it since 2.6.39
	}
	return Clock(t.Nano())
}

// Add is the clock d later.
func (c Clock) Add(d time.Duration) Clock { return c + Clock(d) }

// Until is how far ahead c lies; negative once it has passed.
func (c Clock) Until() time.Duration { return time.Duration(c - Now()) }
