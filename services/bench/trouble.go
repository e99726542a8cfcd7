package bench

import (
	"sync"
	"time"
)

// tellEvery is how often trouble that goes on is told again: an hour without
// NATS or S3 must not bury what else the log says.
const tellEvery = 5 * time.Minute

// trouble is something that fails again and again until somebody mends it. The
// zero value is none.
type trouble struct {
	mu    sync.Mutex
	since time.Time
	last  time.Time // when it was told
}

// told notes a failure and reports whether to say so: the first time, and then
// once in a while.
func (t *trouble) told() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if t.since.IsZero() {
		t.since = now
	}
	if !t.last.IsZero() && now.Sub(t.last) < tellEvery {
		return false
	}
	t.last = now
	return true
}

// over notes that it went well and returns how long it had not; 0 if it had.
func (t *trouble) over() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.since.IsZero() {
		return 0
	}
	lasted := time.Since(t.since)
	t.since, t.last = time.Time{}, time.Time{}
	return max(lasted.Round(time.Second), time.Second)
}
