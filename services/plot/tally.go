package plot

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// drawnKey is the key in the bucket fiord-tally that says that plot is done
// with a run: its end is archived and its figures, if it has any, are stored.
// It is a key per run, so that no two replicas ever write the same one, and
// has a token more than the key under which inventory counts ends.
func drawnKey(bench, run string) string { return bench + "." + run + ".drawn" }

// count reacts to everything that may complete a bench: the ends of runs
// without figures, the figures of those that completed, and the placement,
// which may come last. It archives the event, writes the tally, and settles
// the bench if nothing is missing any more.
func (s *Service) count(ctx context.Context, d *bus.Delivery) error {
	if err := s.archive.put(ctx, d.Event, d.Stored); err != nil {
		return err
	}
	bench, run := model.Of(d.Event)
	if run != "" {
		if _, err := s.kv.PutString(ctx, drawnKey(bench, run), string(d.Event.Type)); err != nil {
			return bus.Unavailable(fmt.Errorf("tally run %s: %w", run, err))
		}
	}
	return s.settle(ctx, d, bench)
}

// drawn counts the runs of a bench that plot is done with. The leader of the
// bucket answers, not the nearest replica: of two runs that end together, the
// later one must see both.
func (s *Service) drawn(ctx context.Context, bench string) (int, error) {
	n, err := s.counting.of(ctx, bench, func(ctx context.Context) (int, error) {
		info, err := s.tally.Info(ctx, jetstream.WithSubjectFilter("$KV."+bus.BucketTally+"."+drawnKey(bench, "*")))
		if err != nil {
			return 0, err
		}
		return len(info.State.Subjects), nil
	})
	if err != nil {
		return 0, bus.Unavailable(fmt.Errorf("read tally of %s: %w", bench, err))
	}
	return n, nil
}

// maxPlacement bounds a placement document.
const maxPlacement = 64 << 20

// placements keeps the documents in use: one is read for each run of its bench.
type placements struct {
	mu    sync.Mutex
	known map[string]*events.Placement
}

// keptPlacements bounds how many are remembered.
const keptPlacements = 32

// placement returns the decision where a bench runs; nil if there is none yet.
// It never changes once it is there.
func (s *Service) placement(ctx context.Context, bench string) (*events.Placement, error) {
	s.placements.mu.Lock()
	p := s.placements.known[bench]
	s.placements.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p = &events.Placement{}
	err := readJSON(ctx, s.store, artifacts.PlacementKey(bench), maxPlacement, p)
	if errors.Is(err, artifacts.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, away(fmt.Errorf("read placement of %s: %w", bench, err))
	}
	s.placements.mu.Lock()
	defer s.placements.mu.Unlock()
	if s.placements.known == nil || len(s.placements.known) >= keptPlacements {
		s.placements.known = map[string]*events.Placement{}
	}
	s.placements.known[bench] = p
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

// cancel reacts to the command to stop a bench. A placed bench ends by its
// runs, each of which somebody ends, or with its second look if it waits for
// one; one that nobody has placed, and now nobody will, is ended here.
func (s *Service) cancel(ctx context.Context, d *bus.Delivery) error {
	c, err := bus.As[events.CancelRequested](d)
	if err != nil {
		return err
	}
	if err := s.archive.put(ctx, d.Event, d.Stored); err != nil {
		return err
	}
	if _, over, err := s.bus.Ended(ctx, events.BenchEndFilter(c.Bench)); err != nil || over {
		return err
	}
	p, err := s.placement(ctx, c.Bench)
	if err != nil {
		return err
	}
	if p != nil {
		return s.cancelSecond(ctx, d, p, c)
	}
	if wait := s.cfg.Grace - sinceStored(d); wait > 0 {
		return bus.RetryAfter(errors.New("the bench may be being placed"), wait)
	}
	asked, err := s.archive.get(ctx, c.Bench, "requested")
	if errors.Is(err, artifacts.ErrNotFound) {
		if d.Event.Source == s.bus.Source() {
			return neverAsked(d, c)
		}
		return fmt.Errorf("cancel bench %s: nobody has asked for it", c.Bench)
	}
	if err != nil {
		return away(err)
	}
	request, ok := asked.Event.Data.(events.BenchRequested)
	if !ok {
		return bus.Permanent(fmt.Errorf("cancel bench %s: its archived request is of %s", c.Bench, asked.Event.Type))
	}
	_, err = d.End(ctx, "", events.BenchCancelled{Bench: c.Bench, Name: request.Name, Reason: c.Reason, By: c.By, Origin: request.Origin, Confirms: request.Confirms})
	return err
}

// cancelAnyway is owed when a cancellation cannot be dealt with: a bench that
// was asked for and that nobody has placed must not wait for ever.
func (s *Service) cancelAnyway(ctx context.Context, d *bus.Delivery, _ error) error {
	c, err := bus.As[events.CancelRequested](d)
	if err != nil {
		return nil // no command, so nobody waits
	}
	b, known := s.model.Bench(c.Bench)
	if !known || b.Name == "" {
		return nil // nobody asked for that bench
	}
	if p, err := s.placement(ctx, c.Bench); err != nil || p != nil {
		return err // a placed bench ends by its runs
	}
	_, err = d.End(ctx, "dead", events.BenchCancelled{Bench: c.Bench, Name: b.Name, Reason: c.Reason, By: c.By, Origin: b.Origin, Confirms: b.Confirms})
	return err
}

// record archives an event that has no other effect here but, at a bench's
// end, its place in the history.
func (s *Service) record(ctx context.Context, d *bus.Delivery) error {
	if err := s.archive.put(ctx, d.Event, d.Stored); err != nil {
		return err
	}
	switch data := d.Event.Data.(type) {
	case events.BenchReported:
		return away(s.remember(ctx, data, d.Event.Time))
	case events.BaselineAccepted:
		return away(s.accept(ctx, data))
	}
	return nil
}
