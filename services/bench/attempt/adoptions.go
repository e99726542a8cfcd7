package attempt

import (
	"context"
	"sync"
)

// adoptions are runs that an earlier worker started and this one sees to their
// end. A redelivered list waits for them. The zero value has none.
type adoptions struct {
	mu   sync.Mutex
	runs map[string]chan struct{} // closed when the run has ended
}

func (a *adoptions) begin(run string) (done func()) {
	ended := make(chan struct{})
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.runs == nil {
		a.runs = map[string]chan struct{}{}
	}
	a.runs[run] = ended
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.runs, run)
		close(ended)
	}
}

func (a *adoptions) wait(ctx context.Context, run string) error {
	a.mu.Lock()
	ended := a.runs[run]
	a.mu.Unlock()
	if ended == nil {
		return nil
	}
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
