package follow

import (
	"context"
	"slices"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// Located is what an id turned out to name.
type Located struct {
	// Bench is set when the id is a bench or one of its runs.
	Bench string
	// Correlation is the chain that the id belongs to otherwise: of an event,
	// a push, a notice, an inventory. It is the id of the chain's first event.
	Correlation string
}

// Locate finds what an id names, by reading the stream once: a bench, a run,
// an event, or whatever an event is about. The latest event that names it
// counts. The zero Located says that nothing does.
func Locate(ctx context.Context, b *bus.Bus, id string) (Located, error) {
	var found Located
	err := read(ctx, b, func(s bus.Seen) {
		e := s.Event
		ref, isRun := events.RunOf(e)
		switch {
		case events.BenchOf(e) == id, isRun && ref.Run == id:
			found.Bench = events.BenchOf(e)
		case e.ID == id, e.Subject == id, e.CorrelationID == id:
			found.Correlation = e.CorrelationID
		}
	})
	return found, err
}

// Chain is everything that one first event brought about.
type Chain struct {
	Events []bus.Seen
	// Benches asked for in the chain, in order.
	Benches []*Bench
	// Dead are the letters of reactions that gave up on one of the events.
	Dead []bus.DeadLetter

	settled map[string]bool // events that a reaction is done with
}

// LoadChain reads a chain by its correlation.
func LoadChain(ctx context.Context, b *bus.Bus, correlation string) (Chain, error) {
	var c Chain
	err := read(ctx, b, func(s bus.Seen) {
		if s.Event.CorrelationID == correlation {
			c.add(s)
		}
	})
	if err == nil {
		err = c.settle(ctx, b)
	}
	return c, err
}

// add takes the next event of the chain.
func (c *Chain) add(s bus.Seen) {
	c.Events = append(c.Events, s)
	id := events.BenchOf(s.Event)
	if id == "" {
		return
	}
	if !slices.ContainsFunc(c.Benches, func(b *Bench) bool { return b.ID == id }) {
		c.Benches = append(c.Benches, New(id))
	}
	for _, b := range c.Benches {
		b.Apply(s.Event)
	}
}

// confirms tells whether a bench measures again for another of the chain, which
// speaks for both.
func (c Chain) confirms(bench *Bench) bool {
	return slices.ContainsFunc(c.Benches, func(b *Bench) bool { return b.Second != nil && b.Second.ID == bench.ID })
}

// First are the benches of the chain that do not confirm another of it.
func (c Chain) First() []*Bench {
	return slices.DeleteFunc(slices.Clone(c.Benches), c.confirms)
}

// Waiting says who has the next word in the chain.
func (c Chain) Waiting() []Waiting {
	var waiting []Waiting
	for _, b := range c.First() {
		waiting = append(waiting, b.Waiting()...)
	}
	for _, s := range c.unanswered() {
		gaveUp := func(l bus.DeadLetter) bool { return l.EventID == s.Event.ID }
		if w, _ := owed(s.Event.Type); !c.settled[s.Event.ID] && !slices.ContainsFunc(c.Dead, gaveUp) {
			waiting = append(waiting, Waiting{For: w.service, What: w.what, Since: s.Stored})
		}
	}
	return waiting
}

// read calls see with every event that the stream holds now.
func read(ctx context.Context, b *bus.Bus, see func(bus.Seen)) error {
	caughtUp := make(chan struct{})
	view, err := b.Watch(ctx, bus.View{
		See:      func(_ context.Context, s bus.Seen) { see(s) },
		CaughtUp: func() { close(caughtUp) },
	})
	if err != nil {
		return err
	}
	defer view.Stop()
	select {
	case <-caughtUp:
		view.Stop() // before the results are read
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
