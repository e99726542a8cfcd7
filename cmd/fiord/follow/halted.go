package follow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// Halt says why nothing comes of events that were accepted: the consumer of their reaction is
// paused, or not there.
type Halt struct {
	Consumer string `json:"consumer"`
	// Reason in a sentence, with what to do.
	Reason string `json:"reason"`
	// Waiting is how many events of the chain wait for it; 0 if that is not known.
	Waiting int `json:"waiting,omitempty"`
}

// Halted looks at the consumers that a chain of events waits for: at each that is paused while an
// event of the chain waits in it, and for those that must be there and are not. Over is set
// when the chain has come to its end, and needs none any more.
func Halted(ctx context.Context, b *bus.Bus, chain []bus.Seen, over bool) ([]Halt, error) {
	stream, err := b.JetStream().Stream(ctx, bus.StreamEvents)
	if err != nil {
		return nil, fmt.Errorf("look at consumers: %w", err)
	}
	known := map[string]bool{}
	var halts []Halt
	list := stream.ListConsumers(ctx)
	for info := range list.Info() {
		known[info.Name] = true
		if n := waitsIn(info, chain); info.Paused && n > 0 {
			halts = append(halts, Halt{Consumer: info.Name, Waiting: n, Reason: fmt.Sprintf(
				"consumer %s is paused for %s more: nats consumer resume %s %s", info.Name,
				info.PauseRemaining.Round(time.Second), bus.StreamEvents, info.Name)})
		}
	}
	if err := list.Err(); err != nil && !errors.Is(err, jetstream.ErrEndOfData) {
		return nil, fmt.Errorf("look at consumers: %w", err)
	}
	for _, name := range needed(chain) {
		if !over && !known[name] {
			service, _, _ := strings.Cut(name, "-")
			halts = append(halts, Halt{Consumer: name, Reason: fmt.Sprintf(
				"consumer %s is not there: %s makes it when it starts", name, service)})
		}
	}
	slices.SortFunc(halts, func(a, b Halt) int { return strings.Compare(a.Consumer, b.Consumer) })
	return halts, nil
}

// waitsIn counts the events of a chain that a consumer has not acknowledged.
func waitsIn(c *jetstream.ConsumerInfo, chain []bus.Seen) int {
	filters := c.Config.FilterSubjects
	if c.Config.FilterSubject != "" {
		filters = append(filters, c.Config.FilterSubject)
	}
	n := 0
	for _, s := range chain {
		subject := s.Event.NATSSubject()
		if s.Sequence > c.AckFloor.Stream && slices.ContainsFunc(filters, func(f string) bool { return bus.Matches(f, subject) }) {
			n++
		}
	}
	return n
}

// needed are the durables that must be there for the last word of a chain to be answered: those
// of services, and of the host or pool that a list of runs went to.
func needed(chain []bus.Seen) []string {
	var names []string
	for _, s := range chain {
		switch d := s.Event.Data.(type) {
		case events.BenchRequested:
			names = append(names, "inventory-place")
		case events.BenchPlaced:
			names = append(names, "plot-draw", "plot-tally")
		case events.RunsRequested:
			if d.Host != "" {
				names = append(names, "bench-host-"+events.Token(d.Host))
			} else {
				names = append(names, "bench-pool-"+events.Token(d.Pool))
			}
		default:
			if w, is := owed(s.Event.Type); is {
				names = append(names, w.reaction)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
