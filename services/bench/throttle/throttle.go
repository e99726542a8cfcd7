// Package throttle limits how often a failure that goes on is logged: an hour
// without NATS or S3 must not bury what else the log says.
package throttle

import (
	"sync"
	"time"
)

// Every is how often a failure that goes on is logged again.
const Every = 5 * time.Minute

// Failure is one operation that is repeated until it succeeds. The zero value
// has not failed.
type Failure struct {
	mu     sync.Mutex
	since  time.Time // the first failure in a row
	logged time.Time
}

// ShouldLog records a failure and reports whether to log it: the first in a row,
// then one every five minutes.
func (f *Failure) ShouldLog() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if f.since.IsZero() {
		f.since = now
	}
	if !f.logged.IsZero() && now.Sub(f.logged) < Every {
		return false
	}
	f.logged = now
	return true
}

// Recovered records a success and returns how long the failures before it
// lasted, at least a second; 0 if there were none.
func (f *Failure) Recovered() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.since.IsZero() {
		return 0
	}
	lasted := time.Since(f.since)
	f.since, f.logged = time.Time{}, time.Time{}
	return max(lasted.Round(time.Second), time.Second)
}
