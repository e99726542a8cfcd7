package report

import (
	"context"
	"sync"
	"time"
)

// sharedCount lets all who ask for the same count share one. To count is to list
// what is counted: ten thousand events of one bench, each with a count of its
// own, would list a hundred million.
//
// Who asks gets a count that began afterwards: of two events that end together,
// the later one sees both.
type sharedCount struct {
	mu      sync.Mutex
	benches map[string]*counter
}

// counter counts for one bench, one count at a time.
type counter struct {
	turn chan struct{} // held while counting
	next *count        // not begun yet; nil if nothing waits for it
}

// count is one answer, there once done is closed.
type count struct {
	done chan struct{}
	n    int
	err  error
}

// countTimeout bounds one count, however many wait for it.
const countTimeout = 30 * time.Second

// of returns a bench's count, by ask, which is called with a context that does
// not end with that of the first caller.
func (c *sharedCount) of(ctx context.Context, bench string, ask func(context.Context) (int, error)) (int, error) {
	b, mine, first := c.join(bench)
	if first {
		b.turn <- struct{}{}
		c.begin(b)
		asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), countTimeout)
		mine.n, mine.err = ask(asking)
		cancel()
		<-b.turn
		close(mine.done)
		c.forget(bench)
	}
	select {
	case <-mine.done:
		return mine.n, mine.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// join returns the bench's next count, and whether the caller is to take it.
func (c *sharedCount) join(bench string) (b *counter, mine *count, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.benches == nil {
		c.benches = map[string]*counter{}
	}
	b = c.benches[bench]
	if b == nil {
		b = &counter{turn: make(chan struct{}, 1)}
		c.benches[bench] = b
	}
	if b.next == nil {
		b.next, first = &count{done: make(chan struct{})}, true
	}
	return b, b.next, first
}

// begin closes the next count to those who come from now on.
func (c *sharedCount) begin(b *counter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b.next = nil
}

// forget drops a bench that is not being counted.
func (c *sharedCount) forget(bench string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b := c.benches[bench]; b != nil && b.next == nil && len(b.turn) == 0 {
		delete(c.benches, bench)
	}
}
