package inventory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/service/logging"
	"github.com/fiord-bench/fiord/services/inventory/place"
)

// retryAbsent is the pause before a bench is placed again whose workers may
// only not have announced themselves yet.
const retryAbsent = time.Second

// place decides who measures a bench, once, and announces the decision.
func (s *Service) place(ctx context.Context, d *bus.Delivery) error {
	request, err := bus.As[events.BenchRequested](d)
	if err != nil {
		return err
	}
	bench := events.BenchID(d.Event)
	log := d.Log.With(logging.KeyBenchID, bench)
	select {
	case <-s.ledger.ready:
	case <-ctx.Done():
		return ctx.Err()
	}
	over, err := s.isOver(ctx, bench)
	if err != nil {
		return err
	}
	if over {
		log.Info("bench has ended, not placed")
		s.metrics.placements.WithLabelValues(outcomeDropped).Inc()
		return nil
	}
	decision, claim, err := s.decided(ctx, bench)
	if err != nil {
		return bus.ForStore(err)
	}
	if decision != nil && s.ledger.announced(bench) && !d.Redriven {
		return nil // bench.placed is the last word of an announcement
	}
	outcome := outcomeRepeated
	if decision == nil {
		if c, cancelled := s.ledger.cancelled(bench); cancelled {
			// Nobody was asked to run anything, so there is nothing to stop.
			log.Info("bench was cancelled before it was placed", "by", c.By)
			s.metrics.placements.WithLabelValues(outcomeDropped).Inc()
			return nil
		}
		if err := s.allowed(ctx, &request); err != nil {
			var refused *place.Unplaced
			if errors.As(err, &refused) {
				return s.unplaced(ctx, d, bench, request, refused)
			}
			return bus.ForStore(err)
		}
		decision, claim, err = s.decide(ctx, bench, request)
		var unplaced *place.Unplaced
		if errors.As(err, &unplaced) {
			return s.unplaced(ctx, d, bench, request, unplaced)
		}
		if err != nil {
			return bus.ForStore(err)
		}
		outcome = outcomePlaced
	}
	if err := s.announce(ctx, d, decision, claim); err != nil {
		return err
	}
	s.metrics.placements.WithLabelValues(outcome).Inc()
	log.Info("bench placed", "slots", len(decision.Slots), "deadline", decision.Deadline)
	return nil
}

// isOver says whether the bench has its terminal. A bench that was cancelled
// while it was queued has one, and an event that is replayed finds its own.
func (s *Service) isOver(ctx context.Context, bench string) (bool, error) {
	_, over, err := s.bus.Ended(ctx, events.BenchEndFilter(bench))
	if err != nil {
		return false, bus.Unavailable(err)
	}
	return over, nil
}

// unplaced ends a bench that nobody can measure. Workers that may still be
// starting are waited for first.
func (s *Service) unplaced(ctx context.Context, d *bus.Delivery, bench string, r events.BenchRequested, u *place.Unplaced) error {
	if u.Absent && time.Since(d.Stored) < s.cfg.Grace {
		return bus.RetryAfter(u, retryAbsent)
	}
	s.metrics.placements.WithLabelValues(outcomeUnplaced).Inc()
	d.Log.Warn("bench unplaced", logging.KeyBenchID, bench, logging.Error(u))
	_, err := d.End(ctx, "unplaced", events.BenchUnplaced{Bench: bench, Name: r.Name, Problems: u.Problems, Origin: r.Origin, Confirms: r.Confirms})
	return err
}

// unplaceable is owed when placing a bench failed for good, through no fault
// of the request's.
func (s *Service) unplaceable(ctx context.Context, d *bus.Delivery, cause error) error {
	request, err := bus.As[events.BenchRequested](d)
	if err != nil {
		return err
	}
	bench := events.BenchID(d.Event)
	if decision, claim, err := s.decided(ctx, bench); err == nil && decision != nil {
		// Runs may have been announced, and end by themselves. Those that were not
		// expire, once the sweep knows of the placement.
		_, err := d.Emit(ctx, "placed", placed(decision, claim))
		return err
	}
	_, err = d.End(ctx, "unplaced", events.BenchUnplaced{
		Bench: bench, Name: request.Name, Origin: request.Origin, Confirms: request.Confirms,
		Problems: []events.Problem{{Rule: "internal", Message: shorten(fmt.Sprintf("placing failed: %v; fiord dead show tells more", cause))}},
	})
	return err
}

// shorten holds a message to what a problem may carry.
func shorten(s string) string {
	if len(s) > 1000 {
		return s[:1000] + "…"
	}
	return s
}
