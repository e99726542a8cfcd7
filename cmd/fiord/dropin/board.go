package dropin

import (
	"slices"
	"sync"
)

// board is what the page says of the run under way.
type board struct {
	mu       sync.Mutex
	state    string   // what is being done; empty when nothing is
	failures []string // what went wrong
}

// set replaces the state, and adds failures.
func (b *board) set(state string, failures []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state = state
	b.failures = append(b.failures, failures...)
}

func (b *board) get() (state string, failures []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state, slices.Clone(b.failures)
}
