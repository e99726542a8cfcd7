package gc

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
)

// ends remembers when benches ended; the zero time stands for one that hasn't.
type ends struct {
	mu    sync.Mutex
	known map[string]time.Time
}

// maxEnds bounds how many ends are remembered. Runs come in the order of their
// ids, so that those of one bench are far apart.
const maxEnds = 1 << 16

// ended is when the end of a bench was archived, the zero time if it was not.
// A bench that is not known to have ended never goes.
func (c *collector) ended(ctx context.Context, bench string) (time.Time, error) {
	if !events.IsID(bench) {
		return time.Time{}, nil
	}
	c.ends.mu.Lock()
	at, ok := c.ends.known[bench]
	c.ends.mu.Unlock()
	if ok {
		return at, nil
	}
	info, err := c.store.Stat(ctx, artifacts.ArchiveKey(bench, nameEnded))
	if err != nil && !errors.Is(err, artifacts.ErrNotFound) {
		return time.Time{}, err
	}
	c.ends.mu.Lock()
	defer c.ends.mu.Unlock()
	if c.ends.known == nil || len(c.ends.known) >= maxEnds {
		c.ends.known = map[string]time.Time{}
	}
	c.ends.known[bench] = info.Modified
	return info.Modified, nil
}

// over tells whether a bench may go: it ended before the limit, and nothing is
// held against it.
func (c *collector) over(ctx context.Context, bench string, limit time.Time) (bool, error) {
	at, err := c.ended(ctx, bench)
	if err != nil || at.IsZero() || !at.Before(limit) {
		return false, err
	}
	return !c.pins.hasBench(bench), nil
}

// runOver tells whether a run may go, which it does with its bench. One that
// the archive has not heard of stays: who knows what will be said of it.
func (c *collector) runOver(ctx context.Context, run string) (bool, error) {
	bench, err := c.owner(ctx, run)
	if err != nil || bench == "" {
		return false, err
	}
	return c.over(ctx, bench, c.limit)
}

// figuresOver is runOver for figures. Those of no run were drawn of several
// runs for somebody who asked, and are drawn again for the next: plot archives
// each run before it draws it.
func (c *collector) figuresOver(ctx context.Context, run string) (bool, error) {
	bench, err := c.owner(ctx, run)
	if err != nil || bench == "" {
		return err == nil, err
	}
	return c.over(ctx, bench, c.limit)
}

func (c *collector) benchOver(ctx context.Context, bench string) (bool, error) {
	return c.over(ctx, bench, c.limit)
}

// decisionOver also waits until the stream has forgotten the bench.
func (c *collector) decisionOver(ctx context.Context, bench string) (bool, error) {
	return c.over(ctx, bench, c.forgotten)
}

// pointerOver tells whether the way from a run to its bench may go: not before
// everything that is found by it.
func (c *collector) pointerOver(ctx context.Context, run string) (bool, error) {
	bench, err := c.owner(ctx, run)
	if err != nil {
		return false, err
	}
	gone, err := c.over(ctx, bench, c.forgotten)
	if err != nil || !gone {
		return false, err
	}
	c.mu.Lock()
	clings := c.lingering[run]
	c.mu.Unlock()
	if !clings {
		clings, err = c.cling(ctx, map[string]time.Time{artifacts.PrefixPlots + run + "/": c.limit})
	}
	if clings {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.clinging[bench] = true
	}
	return !clings, err
}

// linger remembers a run whose bench may go while files of it stay. They may lie below
// any host, and the way to the bench goes after them.
func (c *collector) linger(ctx context.Context, r rule, thing found, goes []object) error {
	if r.prefix != artifacts.PrefixRuns || !c.opt.Archive || len(goes) == len(thing.objects) {
		return nil
	}
	over, err := c.runOver(ctx, thing.id)
	if over {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.lingering[thing.id] = true
	}
	return err
}

// archiveOver tells whether the archived events of a bench may go: not before
// everything else of it.
func (c *collector) archiveOver(ctx context.Context, bench string) (bool, error) {
	gone, err := c.over(ctx, bench, c.forgotten)
	if err != nil || !gone {
		return false, err
	}
	c.mu.Lock()
	clings := c.clinging[bench]
	c.mu.Unlock()
	if !clings {
		clings, err = c.cling(ctx, map[string]time.Time{artifacts.PrefixReports + bench + "/": c.limit, artifacts.PrefixPlacements + bench: c.forgotten})
	}
	return !clings, err
}

// cling tells whether below one of the prefixes an object stays for a reason of
// its own: it was written after the limit of its prefix, or something names it.
func (c *collector) cling(ctx context.Context, prefixes map[string]time.Time) (bool, error) {
	for prefix, limit := range prefixes {
		for info, err := range c.store.List(ctx, prefix) {
			if err != nil {
				return false, err
			}
			if !info.Modified.Before(limit) || c.pins.hasKey(info.Key) {
				return true, nil
			}
		}
	}
	return false, nil
}

// never is the fate of what other rules need, or nobody could make again.
func never(context.Context, string) (bool, error) { return false, nil }
