package gc

import (
	"context"
	"fmt"
	"sync"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// pins are what stays for the sake of something else. They only grow. All
// methods may be called concurrently.
type pins struct {
	mu       sync.RWMutex
	benches  map[string]struct{} // ids of baselines
	keys     map[string]struct{} // of objects, whatever they belong to
	verdicts map[string]struct{} // ids of benches that a history lists
}

func newPins() *pins {
	return &pins{benches: map[string]struct{}{}, keys: map[string]struct{}{}, verdicts: map[string]struct{}{}}
}

func (p *pins) bench(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.benches[id] = struct{}{}
}

func (p *pins) key(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys[key] = struct{}{}
}

func (p *pins) verdict(bench string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.verdicts[bench] = struct{}{}
}

// jobs pins the stored files of a request for a bench.
func (p *pins) jobs(r events.BenchRequested) {
	for _, job := range r.Jobs {
		if job.Claim != nil {
			p.key(job.Claim.Key)
		}
	}
}

func (p *pins) hasBench(id string) bool   { return p.has(p.benches, id) }
func (p *pins) hasKey(key string) bool    { return p.has(p.keys, key) }
func (p *pins) hasVerdict(id string) bool { return p.has(p.verdicts, id) }

func (p *pins) has(set map[string]struct{}, member string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	_, ok := set[member]
	return ok
}

func (p *pins) baselines() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.benches)
}

// list copies the ids of the pinned benches.
func (p *pins) list() []string {
	p.mu.RLock()
	defer p.mu.RUnlock()
	ids := make([]string, 0, len(p.benches))
	for id := range p.benches {
		ids = append(ids, id)
	}
	return ids
}

// follow pins what the events of the stream name. It returns when those so far
// have been seen, and goes on with what comes until stop is called.
func (p *pins) follow(ctx context.Context, b *bus.Bus) (stop func(), err error) {
	caughtUp := make(chan struct{})
	view, err := b.Watch(ctx, bus.View{
		Types:    []events.Type{events.TypeBenchRequested, events.TypeBaselineAccepted, events.TypeInstancesDiscovered},
		See:      func(_ context.Context, s bus.Seen) { p.see(s.Event.Data) },
		CaughtUp: func() { close(caughtUp) },
	})
	if err != nil {
		return nil, fmt.Errorf("follow events: %w", err)
	}
	select {
	case <-caughtUp:
		return view.Stop, nil
	case <-ctx.Done():
		view.Stop()
		return nil, ctx.Err()
	}
}

func (p *pins) see(data events.Data) {
	switch d := data.(type) {
	case events.BenchRequested:
		p.jobs(d)
	case events.BaselineAccepted:
		p.bench(d.Bench)
	case events.InstancesDiscovered:
		p.key(d.Snapshot.Key)
	}
}
