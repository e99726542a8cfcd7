package follow_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/cmd/fiord/follow"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
)

// consumer makes the durable of a reaction and leaves it, as a service that is stopped does.
func consumer(t *testing.T, b *bus.Bus, service, name string, types ...events.Type) {
	t.Helper()
	sub, err := b.React(t.Context(), bus.Reaction{
		Service: service, Name: name, Types: types,
		Handle: func(context.Context, *bus.Delivery) error { return nil }, OnDead: bus.OwesNothing,
	})
	if err != nil {
		t.Fatal(err)
	}
	sub.Stop()
}

func halted(t *testing.T, b *bus.Bus, bench string, over bool) []follow.Halt {
	t.Helper()
	_, chain, err := follow.Load(t.Context(), b, bench)
	if err != nil {
		t.Fatal(err)
	}
	halts, err := follow.Halted(t.Context(), b, chain, over)
	if err != nil {
		t.Fatal(err)
	}
	return halts
}

func TestAPausedOrMissingConsumerOfTheChainIsNamed(t *testing.T) {
	b := bustest.New(t)
	e, err := b.Emit(t.Context(), "k", nil, events.BenchRequested{Name: "n", Jobs: []events.Job{{Name: "j.fio", Inline: "[a]\nrw=read\n"}}})
	if err != nil {
		t.Fatal(err)
	}
	bench := events.BenchID(e)
	got := halted(t, b, bench, false)
	if len(got) != 1 || got[0].Consumer != "inventory-place" || !strings.Contains(got[0].Reason, "is not there: inventory makes it") {
		t.Errorf("missing: %+v", got)
	}
	if got := halted(t, b, bench, true); len(got) != 0 {
		t.Errorf("of a chain that is over: %+v", got)
	}
	consumer(t, b, "inventory", "place", events.TypeBenchRequested)
	// Another reaction that is paused, and which the chain has nothing for.
	consumer(t, b, "plot", "draw", events.TypeRunCompleted)
	for _, name := range []string{"inventory-place", "plot-draw"} {
		if _, err := b.JetStream().PauseConsumer(t.Context(), bus.StreamEvents, name, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	// It may have handled the request before it was stopped.
	e, err = b.Emit(t.Context(), "k2", nil, events.BenchRequested{Name: "m", Jobs: []events.Job{{Name: "j.fio", Inline: "[a]\nrw=read\n"}}})
	if err != nil {
		t.Fatal(err)
	}
	got = halted(t, b, events.BenchID(e), false)
	if len(got) != 1 || got[0].Consumer != "inventory-place" || got[0].Waiting != 1 || !strings.Contains(got[0].Reason, "is paused for") ||
		!strings.Contains(got[0].Reason, "nats consumer resume FIORD inventory-place") {
		t.Errorf("paused: %+v", got)
	}
}
