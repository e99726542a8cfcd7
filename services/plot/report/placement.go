package report

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// placements keeps the documents in use: one is read for each run of its bench.
type placements struct {
	mu    sync.Mutex
	known map[string]*events.Placement
}

// keptPlacements bounds how many are remembered.
const keptPlacements = 32

// placement returns the decision where a bench runs; nil if there is none yet.
// It never changes once it is there.
func (r *Reporter) placement(ctx context.Context, bench string) (*events.Placement, error) {
	r.placements.mu.Lock()
	p := r.placements.known[bench]
	r.placements.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p = &events.Placement{}
	err := r.archive.Read(ctx, artifacts.PlacementKey(bench), p)
	if errors.Is(err, artifacts.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, bus.ForStore(fmt.Errorf("read placement of %s: %w", bench, err))
	}
	r.placements.mu.Lock()
	defer r.placements.mu.Unlock()
	if r.placements.known == nil || len(r.placements.known) >= keptPlacements {
		r.placements.known = map[string]*events.Placement{}
	}
	r.placements.known[bench] = p
	return p, nil
}

// planned lists the runs of a placement in order.
func planned(p *events.Placement) []events.RunRef {
	var out []events.RunRef
	for _, slot := range p.Slots {
		out = append(out, slot.Runs...)
	}
	return out
}

// size is how many runs a placement plans.
func size(p *events.Placement) (n int) {
	for _, slot := range p.Slots {
		n += len(slot.Runs)
	}
	return n
}
