package inventory

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/inventory/ec2"
	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// refresh looks an instance up that has changed, and announces the snapshot
// with it. Changes that come close together are looked up together: starting a
// hundred machines makes three hundred events.
func (s *Service) refresh(ctx context.Context, d *bus.Delivery) error {
	change, err := bus.As[events.InstanceChanged](d)
	if err != nil {
		return err
	}
	if s.discovery == nil || change.Provider != instance.AWS || len(s.discovery.EC2()) == 0 {
		d.Log.Info("no source for a changed instance", "provider", change.Provider, "instance", change.Instance)
		return nil
	}
	return s.changes.join(ctx, change, d)
}

// gatherer collects changes for a moment and has them handled together.
type gatherer struct {
	wait   time.Duration
	handle func(ctx context.Context, changes []events.InstanceChanged, d *bus.Delivery) error

	mu   sync.Mutex
	open *gathering
}

// gathering is one collection.
type gathering struct {
	changes []events.InstanceChanged
	done    chan struct{}
	err     error
}

// join adds a change, and returns when it has been handled. The first of a
// gathering waits for the others and handles all.
func (g *gatherer) join(ctx context.Context, change events.InstanceChanged, d *bus.Delivery) error {
	g.mu.Lock()
	mine := g.open
	first := mine == nil
	if first {
		mine = &gathering{done: make(chan struct{})}
		g.open = mine
	}
	mine.changes = append(mine.changes, change)
	g.mu.Unlock()
	if !first {
		select {
		case <-mine.done:
			return mine.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	select {
	case <-time.After(g.wait):
	case <-ctx.Done():
	}
	g.mu.Lock()
	g.open = nil
	g.mu.Unlock()
	mine.err = g.handle(ctx, mine.changes, d)
	close(mine.done)
	return mine.err
}

// apply looks the changed instances up and puts them into the snapshot.
func (s *Service) apply(ctx context.Context, changes []events.InstanceChanged, d *bus.Delivery) error {
	fresh, err := s.lookUp(ctx, changes)
	if err != nil {
		return bus.Unavailable(err)
	}
	claim, err := s.advance(ctx, func(current *instance.Snapshot) (*instance.Snapshot, error) {
		next := &instance.Snapshot{At: time.Now().UTC().Truncate(time.Millisecond)}
		if current != nil {
			next.Sources = current.Sources
			next.Instances = slices.Clone(current.Instances)
		}
		next.Replace(changedIDs(changes), fresh)
		return next, nil
	})
	if err != nil {
		return bus.ForStore(err)
	}
	if len(claim.snapshot.Sources) == 0 {
		// Nothing has been discovered yet: the first full discovery will have it.
		return nil
	}
	_, err = d.Emit(ctx, "refreshed", discovered(claim.snapshot, claim.ClaimCheck))
	return err
}

func changedIDs(changes []events.InstanceChanged) map[string]bool {
	ids := map[string]bool{}
	for _, c := range changes {
		ids[c.Region+"/"+c.Instance] = true
	}
	return ids
}

// lookUp asks each account and region once for its changed instances.
func (s *Service) lookUp(ctx context.Context, changes []events.InstanceChanged) ([]instance.Instance, error) {
	type place struct{ account, region string }
	wanted, expected := map[place][]string{}, map[place][]string{}
	for _, c := range changes {
		p := place{c.Account, c.Region}
		if !slices.Contains(wanted[p], c.Instance) {
			wanted[p] = append(wanted[p], c.Instance)
		}
		if c.State == instance.StatePending || c.State == instance.StateRunning {
			expected[p] = append(expected[p], c.Instance)
		}
	}
	var found []instance.Instance
	for p, ids := range wanted {
		for batch := range slices.Chunk(ids, ec2.MaxValues) {
			for _, src := range s.discovery.EC2() {
				list, err := src.Lookup(ctx, p.account, p.region, batch, expected[p])
				if err != nil {
					return nil, fmt.Errorf("refresh instances: %w", err)
				}
				found = append(found, list...)
			}
		}
	}
	return found, nil
}
