package bus

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
)

// Delivery is one event in a handler's hands.
type Delivery struct {
	// Event reacted to.
	Event events.Event
	// Attempt counts deliveries from 1, this one included, less those that
	// were only put off.
	Attempt int
	// Sequence of the event in the stream. For an event that was given again
	// it is the sequence of the order to do so.
	Sequence uint64
	// Stored is when JetStream stored the event.
	Stored time.Time
	// Redriven and Replayed tell that a person gave the event to this reaction
	// again.
	Redriven, Replayed bool
	// Log has the event's id, type and attempt.
	Log *slog.Logger

	bus *Bus
	msg jetstream.Msg
	// message is the event as it was published: what msg holds, or what an order
	// in msg names, and first when that was stored. redrives counts how often a dead
	// letter was given back.
	message  *nats.Msg
	first    time.Time
	redrives int
}

// Emit publishes an event in reaction to this one, with a deterministic id and
// the same correlation. The key tells apart several events of one type.
func (d *Delivery) Emit(ctx context.Context, key string, data events.Data) (events.Event, error) {
	e, err := d.bus.Emit(ctx, key, &d.Event, data)
	if err != nil {
		return e, fmt.Errorf("emit %s: %w", e.Type, err)
	}
	return e, nil
}

// End publishes a terminal in reaction to this event, unless the run or bench
// has ended; see [Bus.End].
func (d *Delivery) End(ctx context.Context, key string, data events.Data) (Ending, error) {
	e := events.New(d.bus.opts.Source, key, &d.Event, data)
	ending, err := d.bus.End(ctx, e)
	if err != nil {
		return ending, fmt.Errorf("end with %s: %w", e.Type, err)
	}
	return ending, nil
}

// As gives the delivery's data as one type of the contract.
func As[T events.Data](d *Delivery) (T, error) {
	data, ok := d.Event.Data.(T)
	if !ok {
		var want T
		return want, Permanent(fmt.Errorf("event %s is of %s, not %s", d.Event.ID, d.Event.Type, want.EventType()))
	}
	return data, nil
}
