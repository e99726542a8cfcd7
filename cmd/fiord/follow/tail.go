package follow

import (
	"context"
	"slices"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// Tail follows what was located until nobody has a word left to say, or ctx ends.
// It calls see for each event, those of the past first, and tells who is waited
// for once the past has been seen and whenever that changes.
func Tail(ctx context.Context, b *bus.Bus, at Located, see func(bus.Seen), tell func([]Waiting)) (*Chain, error) {
	// The view's calls come from goroutines of its own; nil says that the past has
	// been seen.
	seen := make(chan *bus.Seen)
	send := func(s *bus.Seen) {
		select {
		case seen <- s:
		case <-ctx.Done():
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		if _, err := b.Watch(ctx, bus.View{
			See:      func(_ context.Context, s bus.Seen) { send(&s) },
			CaughtUp: func() { send(nil) },
		}); err != nil {
			cancel(err)
		}
	}()
	var (
		chain    Chain
		waiting  []Waiting
		caughtUp bool
		quiet    bool // all was settled when it was last asked for
		asking   = time.NewTicker(settleEvery)
	)
	defer asking.Stop()
	for {
		asked := false
		select {
		case <-asking.C:
			if asked = caughtUp && len(chain.unanswered()) > 0; !asked {
				continue
			}
			if err := chain.settle(ctx, b); err != nil {
				return &chain, err
			}
		case <-ctx.Done():
			return &chain, context.Cause(ctx)
		case s := <-seen:
			caughtUp = caughtUp || s == nil
			if s != nil && at.names(*s, chain) {
				chain.add(*s)
				see(*s)
			}
		}
		if !caughtUp {
			continue
		}
		now := chain.Waiting()
		if len(now) == 0 {
			if quiet || len(chain.unanswered()) == 0 {
				return &chain, nil
			}
			quiet = asked // what was said meanwhile comes before the next look
			continue
		}
		quiet = false
		if !slices.Equal(now, waiting) {
			tell(now)
		}
		waiting = now
	}
}

// names tells whether an event belongs to what was located: to a bench, and to
// the one that confirms it.
func (l Located) names(s bus.Seen, so Chain) bool {
	if l.Bench != "" {
		d, asked := s.Event.Data.(events.BenchRequested)
		return events.BenchOf(s.Event) == l.Bench || asked && d.Confirms == l.Bench ||
			slices.ContainsFunc(so.Benches, func(b *Bench) bool { return b.ID == events.BenchOf(s.Event) })
	}
	return s.Event.CorrelationID == l.Correlation
}
