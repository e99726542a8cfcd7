package notify

import (
	"sync"
	"time"
)

// The breaker opens after so many failures in a row, for so long.
const (
	breakAfter = 5
	breakFor   = 30 * time.Second
)

// breaker spares a target that is away, and the sockets and time that asking it
// again and again would take. While it is open, one try each breakFor finds out
// whether the target is back.
type breaker struct {
	mu       sync.Mutex
	failures int
	until    time.Time // closed when zero
	probing  bool
}

// allow tells whether the target may be asked now; if not, how long to wait.
func (b *breaker) allow() (ok bool, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until.IsZero() {
		return true, 0
	}
	if wait = time.Until(b.until); wait > 0 {
		return false, wait
	}
	if b.probing {
		return false, time.Second
	}
	b.probing = true
	return true, 0
}

// report enters what the target did: away counts, any answer closes.
func (b *breaker) report(away bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
	if !away {
		b.failures, b.until = 0, time.Time{}
		return
	}
	if b.failures++; b.failures >= breakAfter {
		b.until = time.Now().Add(breakFor)
	}
}

// open tells whether the target is being spared.
func (b *breaker) open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.until.IsZero()
}
