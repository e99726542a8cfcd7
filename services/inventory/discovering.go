package inventory

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/service/logging"
	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// keyLatestSnapshot points at the newest snapshot. Full discoveries and changes
// of single instances are brought together there by compare-and-set.
var keyLatestSnapshot = artifacts.InventoryKey("snapshots", "latest.json")

// pointer is the content of keyLatestSnapshot.
type pointer struct {
	At       time.Time         `json:"at"`
	Snapshot events.ClaimCheck `json:"snapshot"`
}

// discover asks the sources and announces what they have.
func (s *Service) discover(ctx context.Context, d *bus.Delivery) error {
	request, err := bus.As[events.DiscoveryRequested](d)
	if err != nil {
		return err
	}
	if err := s.mayDiscover(request); err != nil {
		return bus.Permanent(err)
	}
	if s.discovery == nil || len(s.discovery.Sources) == 0 {
		return bus.Permanent(fmt.Errorf("discovery requested, and no sources are configured: set inventory.discovery"))
	}
	snapshot, err := s.discovery.Discover(ctx, request.Sources, s.workers)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return bus.Permanent(err)
	}
	for _, st := range snapshot.Sources {
		if st.Error != "" {
			d.Log.Warn("source failed", "source", st.String(), "skipped", st.Skipped, logging.KeyError, st.Error)
		}
	}
	whole := len(request.Sources) == 0
	claim, err := s.advance(ctx, func(current *instance.Snapshot) (*instance.Snapshot, error) {
		merged := *snapshot
		if !whole && current != nil {
			merged.Adopt(current, request.Sources)
		}
		return &merged, nil
	})
	if err != nil {
		return bus.ForStore(err)
	}
	_, err = d.Emit(ctx, "discovered", discovered(claim.snapshot, claim.ClaimCheck))
	return err
}

// stored is a snapshot and where it is kept.
type stored struct {
	events.ClaimCheck
	snapshot *instance.Snapshot
}

// advance makes a new snapshot out of the current one (nil if there is none),
// and moves the pointer, unless somebody was faster: then it starts over.
func (s *Service) advance(ctx context.Context, next func(current *instance.Snapshot) (*instance.Snapshot, error)) (stored, error) {
	var out stored
	err := s.store.Update(ctx, keyLatestSnapshot, mediaJSON, func(raw []byte) ([]byte, error) {
		current, err := s.pointedAt(ctx, raw)
		if err != nil {
			return nil, err
		}
		made, err := next(current)
		if err != nil {
			return nil, err
		}
		if current != nil && !made.At.After(current.At) {
			// Clocks of replicas differ; the order is that of the pointer.
			made.At = current.At.Add(time.Millisecond)
		}
		made.Sort()
		claim, err := s.keepSnapshot(ctx, made)
		if err != nil {
			return nil, err
		}
		out = stored{claim, made}
		return json.Marshal(pointer{made.At, claim})
	})
	return out, err
}

// pointedAt reads the snapshot that a pointer's content names, nil if it names
// none.
func (s *Service) pointedAt(ctx context.Context, raw []byte) (*instance.Snapshot, error) {
	if raw == nil {
		return nil, nil
	}
	var p pointer
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, fmt.Errorf("read %s: %w", keyLatestSnapshot, err)
	}
	return s.readSnapshot(ctx, p.Snapshot)
}

func (s *Service) readSnapshot(ctx context.Context, claim events.ClaimCheck) (*instance.Snapshot, error) {
	r, err := s.store.Open(ctx, claim)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return instance.Read(r)
}

// keepSnapshot stores a snapshot by way of a file, since it may be large.
func (s *Service) keepSnapshot(ctx context.Context, snapshot *instance.Snapshot) (events.ClaimCheck, error) {
	f, err := newSpool()
	if err != nil {
		return events.ClaimCheck{}, err
	}
	defer f.remove()
	if err := snapshot.Write(f); err != nil {
		return events.ClaimCheck{}, err
	}
	return s.putFile(ctx, artifacts.InventoryKey("snapshots", f.sum()+".json"), mediaJSON, f)
}

func (s *Service) putFile(ctx context.Context, key, media string, f *spool) (events.ClaimCheck, error) {
	if _, err := f.file.Seek(0, io.SeekStart); err != nil {
		return events.ClaimCheck{}, fmt.Errorf("store %s: %w", key, err)
	}
	return s.store.Put(ctx, key, media, f.file)
}

// maxSources is what instances.discovered takes.
const maxSources = 200

// discovered announces a snapshot.
func discovered(snapshot *instance.Snapshot, claim events.ClaimCheck) events.InstancesDiscovered {
	e := events.InstancesDiscovered{Snapshot: claim, Instances: len(snapshot.Instances), Complete: snapshot.Complete(), At: snapshot.At}
	for _, st := range snapshot.Sources[:min(len(snapshot.Sources), maxSources)] {
		e.Sources = append(e.Sources, events.SourceStatus{
			Source: st.Source, Account: st.Account, Region: st.Region, Instances: st.Instances, Error: shorten(st.Error),
		})
	}
	return e
}

// workers lists the hosts of the registry as instances.
func (s *Service) workers() []instance.Instance {
	select {
	case <-s.hosts.Ready():
	case <-time.After(s.cfg.Grace):
	}
	var list []instance.Instance
	for _, h := range s.hosts.Hosts() {
		i := instance.Instance{ID: h.Token, Name: h.Name, Provider: instance.Fiord, State: instance.StateRunning}
		i.Addresses = addressesOf(h.Addresses)
		list = append(list, i)
	}
	return list
}

// reconcile asks for a full discovery now and then, which heals what missed
// events have left wrong. The window's number makes replicas ask once.
func (s *Service) reconcile(ctx context.Context) {
	if s.discovery == nil || s.cfg.Reconcile == 0 {
		return
	}
	tick := time.NewTicker(min(s.cfg.Reconcile, time.Minute))
	defer tick.Stop()
	for window := int64(0); ; {
		if now := time.Now().UnixNano() / int64(s.cfg.Reconcile); now != window {
			window = now
			request := events.DiscoveryRequested{By: s.bus.Source(), Requester: &events.Requester{Right: events.RightSchedule, Name: s.bus.Source()}}
			if _, err := s.bus.Emit(ctx, fmt.Sprint("reconcile ", s.cfg.Reconcile, " ", window), nil, request); err != nil && ctx.Err() == nil {
				s.log.Warn("ask for discovery", logging.Error(err))
				window = 0 // again at the next tick
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
