package checkout

import (
	"fmt"
	"sync"
	"time"
)

// away remembers the hosts that did not answer. One that hangs would otherwise
// hold a place of every push to it for as long as a fetch may take, and the
// pushes to all other hosts would wait behind them.
type away struct {
	mu    sync.Mutex
	hosts map[string]*absence
}

// absence is one host that did not answer, so many times in a row.
type absence struct {
	failures int
	until    time.Time
	probing  bool
}

// A host is spared for so long after the first failure, for twice as long after
// the next, and so on.
const (
	shortestRest = 2 * time.Second
	longestRest  = time.Minute
)

// enter tells whether a host may be asked: always if it answered the last time,
// otherwise by one caller at a time, after a rest. Every nil is followed by
// leave.
func (a *away) enter(host string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.hosts[host]
	switch {
	case h == nil:
		return nil
	case h.probing:
		return fmt.Errorf("%w: %s did not answer the last time and is being asked again", ErrUnavailable, host)
	case time.Now().Before(h.until):
		return fmt.Errorf("%w: %s did not answer the last time and is asked again in %v",
			ErrUnavailable, host, time.Until(h.until).Round(time.Second))
	}
	h.probing = true
	return nil
}

// leave enters how it went: answered is true whatever the host said.
func (a *away) leave(host string, answered bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if answered {
		delete(a.hosts, host)
		return
	}
	h := a.hosts[host]
	if h == nil {
		h = &absence{}
		if a.hosts == nil {
			a.hosts = map[string]*absence{}
		}
		a.hosts[host] = h
	}
	h.until = time.Now().Add(min(shortestRest<<min(h.failures, 10), longestRest))
	h.failures++
	h.probing = false
}
