package follow

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// word is what an event is to bring about: by which reaction, and the types of events
// that answer it.
type word struct {
	service, reaction, what string
	answers                 []events.Type
}

// owed is the next word after an event that is not about a bench.
func owed(t events.Type) (word, bool) {
	toPush := []events.Type{events.TypeBenchRequested, events.TypePushIgnored, events.TypePushRejected}
	switch t {
	case events.TypePushReceived:
		return word{"ingest", "ingest-checkout", "to check the commit out", toPush}, true
	case events.TypeScheduleFired:
		return word{"ingest", "ingest-schedule", "to check the commit out", toPush}, true
	case events.TypeDiscoveryRequested:
		return word{"inventory", "inventory-discover", "to discover instances", []events.Type{events.TypeInstancesDiscovered}}, true
	case events.TypeInstancesDiscovered:
		return word{"inventory", "inventory-generate", "to generate the inventory, unless nothing has changed", []events.Type{events.TypeInventoryGenerated}}, true
	}
	return word{}, false
}

// unanswered are the events of the chain that wait for a word.
func (c Chain) unanswered() (list []bus.Seen) {
	for _, s := range c.Events {
		w, ok := owed(s.Event.Type)
		answered := func(other bus.Seen) bool { return slices.Contains(w.answers, other.Event.Type) }
		if ok && !slices.ContainsFunc(c.Events, answered) {
			list = append(list, s)
		}
	}
	return list
}

// settle asks what became of events without an answer: a reaction gave up on one, or
// was done with it and had nothing to say, as for a push that a newer one replaced.
func (c *Chain) settle(ctx context.Context, b *bus.Bus) error {
	open := c.unanswered()
	if len(open) == 0 {
		return nil
	}
	for l, err := range b.DeadLetters(ctx, "") {
		if err != nil {
			return fmt.Errorf("read dead letters: %w", err)
		}
		of := func(s bus.Seen) bool {
			w, _ := owed(s.Event.Type)
			return s.Event.ID == l.EventID && w.reaction == l.Reaction
		}
		known := func(k bus.DeadLetter) bool { return k.Number == l.Number }
		if slices.ContainsFunc(open, of) && !slices.ContainsFunc(c.Dead, known) {
			c.Dead = append(c.Dead, l)
		}
	}
	for _, s := range open {
		w, _ := owed(s.Event.Type)
		consumer, err := b.JetStream().Consumer(ctx, bus.StreamEvents, w.reaction)
		if err != nil {
			continue // not made yet, or not to be asked: it is waited for
		}
		if consumer.CachedInfo().AckFloor.Stream >= s.Sequence {
			if c.settled == nil {
				c.settled = map[string]bool{}
			}
			c.settled[s.Event.ID] = true
		}
	}
	return nil
}

// settleEvery is how often an unanswered event is asked after. What a reaction says
// is stored before the reaction is done, so that a word that was said has been seen by
// the next time.
const settleEvery = time.Second
