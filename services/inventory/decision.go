package inventory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/inventory/place"
)

const (
	mediaJSON = "application/json"
	// maxPlacement bounds the documents that are read back: MaxRuns runs with
	// long names and points.
	maxPlacement = 256 << 20
	// writers is how many lists are stored, and announced, at once.
	writers = 8
)

// decided reads the decision about a bench, nil if there is none yet.
func (s *Service) decided(ctx context.Context, bench string) (*events.Placement, events.ClaimCheck, error) {
	claim, err := s.store.Claim(ctx, artifacts.PlacementKey(bench))
	if errors.Is(err, artifacts.ErrNotFound) {
		return nil, events.ClaimCheck{}, nil
	}
	if err != nil {
		return nil, events.ClaimCheck{}, err
	}
	p, err := s.readPlacement(ctx, claim)
	return p, claim, err
}

func (s *Service) readPlacement(ctx context.Context, claim events.ClaimCheck) (*events.Placement, error) {
	raw, err := s.store.ReadAll(ctx, claim, maxPlacement)
	if err != nil {
		return nil, err
	}
	var p events.Placement
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, fmt.Errorf("read placement %s: %w", claim.Key, err)
	}
	return &p, nil
}

// decide places the bench and writes the decision. Whoever writes first has
// decided: a replica that comes second returns the other's decision.
func (s *Service) decide(ctx context.Context, bench string, r events.BenchRequested) (*events.Placement, events.ClaimCheck, error) {
	fleet, err := s.fleet(ctx, r.Targets.Group != "")
	if err != nil {
		return nil, events.ClaimCheck{}, err
	}
	files, err := s.resolve(ctx, bench, r.Jobs)
	if err != nil {
		return nil, events.ClaimCheck{}, err
	}
	decision, err := place.Decide(place.Request{Bench: bench, Data: r, Files: files, MaxRuns: s.cfg.MaxRuns}, fleet)
	if err != nil {
		return nil, events.ClaimCheck{}, err
	}
	p, err := s.document(ctx, bench, r, decision)
	if err != nil {
		return nil, events.ClaimCheck{}, err
	}
	claim, err := s.putJSON(ctx, artifacts.PlacementKey(bench), p)
	if errors.Is(err, artifacts.ErrExists) {
		return s.decided(ctx, bench)
	}
	return p, claim, err
}

// fleet is what is known of hosts now, with the groups of the inventory if
// they are asked for. It waits for the first reading of the registry: an empty
// view isn't an empty fleet.
func (s *Service) fleet(ctx context.Context, groups bool) (place.Fleet, error) {
	select {
	case <-s.hosts.Ready():
	case <-ctx.Done():
		return place.Fleet{}, ctx.Err()
	}
	fleet := place.Fleet{Hosts: s.hosts.Hosts(), Pools: s.cfg.Pools}
	if !groups {
		return fleet, nil
	}
	latest, err := s.latest(ctx)
	if err != nil || latest == nil {
		return fleet, err
	}
	raw, err := s.store.ReadAll(ctx, latest.Members, maxMembers)
	if err != nil {
		return fleet, err
	}
	var members Members
	if err := json.Unmarshal(raw, &members); err != nil {
		return fleet, fmt.Errorf("read %s: %w", latest.Members.Key, err)
	}
	fleet.Groups = make(map[string][]place.Member, len(members.Groups))
	for name, hosts := range members.Groups {
		for _, h := range hosts {
			fleet.Groups[name] = append(fleet.Groups[name], place.Member{Name: h, Addresses: members.Addresses[h]})
		}
	}
	return fleet, nil
}

// document stores the lists of runs and describes the decision.
func (s *Service) document(ctx context.Context, bench string, r events.BenchRequested, d place.Decision) (*events.Placement, error) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	p := &events.Placement{Bench: bench, Request: r, PlacedAt: now, Deadline: now.Add(s.cfg.Deadline), Seed: place.Seed(bench), Slots: make([]events.Slot, len(d.Slots))}
	for _, e := range d.Excluded {
		p.Excluded = append(p.Excluded, events.Exclusion{Host: e.Host, Problems: e.Problems()})
	}
	if r.Deadline > 0 {
		p.Deadline = now.Add(r.Deadline.Std())
	}
	list := events.RunList{
		Bench: bench, Name: r.Name, Limits: r.Limits, Volume: r.Volume, Driver: r.VolumeDriver, Options: r.VolumeOptions,
		Timeout: r.Timeout, Deadline: p.Deadline, Where: r.Targets.Where, Measure: r.Measure, Repeat: r.Repeat, Origin: r.Origin,
	}
	if r.Targets.Synchronised && len(d.Slots) > 1 {
		// Hosts that were named all measure the same list.
		list.StartAt = now.Add(s.cfg.StartDelay)
		list.Together = len(d.Slots)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for i, slot := range d.Slots {
		group.Go(func() error {
			mine := list
			mine.Slot, mine.Runs = i, slot.Runs
			claim, err := s.putList(ctx, mine)
			p.Slots[i] = events.Slot{Slot: i, Host: slot.Host, Pool: slot.Pool, List: claim, Runs: refs(slot.Runs)}
			return err
		})
	}
	return p, group.Wait()
}

func refs(runs []events.Invocation) []events.RunRef {
	list := make([]events.RunRef, len(runs))
	for i, r := range runs {
		list[i] = r.RunRef
	}
	return list
}

// putList stores a list under a key that follows from its content: replicas
// that race write different lists, as their clocks differ, and must not meet.
func (s *Service) putList(ctx context.Context, list events.RunList) (events.ClaimCheck, error) {
	raw, err := json.Marshal(list)
	if err != nil {
		return events.ClaimCheck{}, fmt.Errorf("encode list of runs: %w", err)
	}
	sum := sha256.Sum256(raw)
	key := artifacts.PrefixPlacements + list.Bench + "/lists/" + hex.EncodeToString(sum[:]) + ".json"
	return s.store.Put(ctx, key, mediaJSON, bytes.NewReader(raw))
}

func (s *Service) putJSON(ctx context.Context, key string, document any) (events.ClaimCheck, error) {
	raw, err := json.Marshal(document)
	if err != nil {
		return events.ClaimCheck{}, fmt.Errorf("encode %s: %w", key, err)
	}
	return s.store.Put(ctx, key, mediaJSON, bytes.NewReader(raw))
}

// announce tells the workers and everybody else. It may be repeated: the ids
// follow from the request and the slot.
func (s *Service) announce(ctx context.Context, d *bus.Delivery, p *events.Placement, claim events.ClaimCheck) error {
	group, limited := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for _, slot := range p.Slots {
		group.Go(func() error {
			_, err := d.Emit(limited, fmt.Sprint("slot ", slot.Slot), events.RunsRequested{
				Bench: p.Bench, Name: p.Request.Name, Slot: slot.Slot, Host: slot.Host, Pool: slot.Pool,
				Runs: len(slot.Runs), List: slot.List, Where: p.Request.Targets.Where, Deadline: p.Deadline,
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	_, err := d.Emit(ctx, "placed", placed(p, claim))
	return err
}

// placed is the announcement of a decision as a whole.
func placed(p *events.Placement, claim events.ClaimCheck) events.BenchPlaced {
	e := events.BenchPlaced{
		Bench: p.Bench, Name: p.Request.Name, Placement: claim, Slots: len(p.Slots), Excluded: len(p.Excluded),
		PlacedAt: p.PlacedAt, Deadline: p.Deadline, Origin: p.Request.Origin, Confirms: p.Request.Confirms,
	}
	for _, slot := range p.Slots {
		e.Runs += len(slot.Runs)
		if slot.Host != "" {
			e.Hosts++
		}
	}
	return e
}
