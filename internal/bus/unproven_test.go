package bus_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/proof"
)

// reactions has three reactions of two services meet failed runs, and counts what comes of it.
func (p *proving) reactions(handled *atomic.Int32) {
	p.t.Helper()
	for durable, b := range map[string]*bus.Bus{"draw": p.plot, "report": p.plot, "tally": p.inventory} {
		service := "plot"
		if b == p.inventory {
			service = "inventory"
		}
		sub, err := b.React(p.t.Context(), bus.Reaction{
			Service: service, Name: durable, Types: []events.Type{events.TypeRunFailed},
			Handle: func(context.Context, *bus.Delivery) error { handled.Add(1); return nil },
			OnDead: func(context.Context, *bus.Delivery, error) error { handled.Add(1000); return nil },
		})
		if err != nil {
			p.t.Fatal(err)
		}
		p.t.Cleanup(sub.Stop)
	}
}

// forge publishes an unsigned event with so many bytes of blanks behind it.
func (p *proving) forge(run string, blanks int) {
	p.t.Helper()
	e := events.New("fiord/bench", "k", nil, failedRun(run, "forged"))
	body, err := events.Marshal(e)
	if err != nil {
		p.t.Fatal(err)
	}
	body = append(body, strings.Repeat(" ", blanks)...)
	if _, err := p.forger.JetStream().Publish(p.t.Context(), e.NATSSubject(), body); err != nil {
		p.t.Fatal(err)
	}
}

func TestAnUnprovenEventMakesOneDeadLetter(t *testing.T) {
	p := newProving(t)
	var handled atomic.Int32
	p.reactions(&handled)
	if _, err := p.forger.Emit(t.Context(), "k", nil, failedRun("forged", "never happened")); err != nil {
		t.Fatal(err)
	}
	if _, err := p.worker.Emit(t.Context(), "k", nil, failedRun("true", "did happen")); err != nil {
		t.Fatal(err)
	}
	// What is true comes behind what is forged, and all three reactions see both in order.
	eventually(t, "three handle what is true", func() bool { return handled.Load() == 3 })
	eventually(t, "a letter", p.buried(1))
	for l, err := range p.plot.DeadLetters(t.Context(), "") {
		if err != nil || !l.Unproven || l.Sequence != 1 {
			t.Errorf("letter %+v, %v", l, err)
		}
	}
}

func TestAForgerFillsNeitherLettersNorLog(t *testing.T) {
	p := newProving(t)
	var handled atomic.Int32
	p.reactions(&handled)
	const forged = 300
	for i := range forged {
		p.forge(fmt.Sprint("r", i), i%2*40<<10)
	}
	if _, err := p.worker.Emit(t.Context(), "k", nil, failedRun("true", "did happen")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "three handle what is true", func() bool { return handled.Load() == 3 })
	settled(t, p)
	n, size := 0, 0
	for l, err := range p.plot.DeadLetters(t.Context(), "") {
		if err != nil || !l.Unproven {
			t.Fatalf("letter %+v, %v", l, err)
		}
		n++
		size += len(l.Body)
	}
	// Two processes, a hundred each.
	if n == 0 || n > 200 {
		t.Errorf("%d letters of %d forged events", n, forged)
	}
	if size > n*(4<<10) {
		t.Errorf("letters repeat %d bytes of bodies", size)
	}
}

// settled waits until no reaction has an event in hand.
func settled(t *testing.T, p *proving) {
	t.Helper()
	eventually(t, "all is settled", func() bool {
		for _, durable := range []string{"plot-draw", "plot-report", "inventory-tally"} {
			c, err := p.plot.JetStream().Consumer(t.Context(), bus.StreamEvents, durable)
			if err != nil {
				t.Fatal(err)
			}
			if info := c.CachedInfo(); info.NumPending > 0 || info.NumAckPending > 0 {
				return false
			}
		}
		return true
	})
}

// A letter without its body is read from the event stream; it proves as little there.
func TestARedrivenForgeryBringsAboutNothing(t *testing.T) {
	p := newProving(t)
	var handled atomic.Int32
	p.reactions(&handled)
	p.forge("short", 0)
	p.forge("long", 40<<10)
	eventually(t, "two letters", p.buried(2))
	var numbers []uint64
	for l, err := range p.plot.DeadLetters(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, l.Number)
	}
	operator := p.BusWith(p.authority.User(proof.Grant{Kind: proof.Person, Name: "op", Role: "operator"}, proof.Required))
	for _, n := range numbers {
		if err := operator.Redrive(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "two letters more", p.buried(4))
	if n := handled.Load(); n != 0 {
		t.Errorf("handled or owed: %d", n)
	}
}

// A guest who may write dead letters of its own takes the ids of a service's in advance.
func TestATakenIDLosesNoLetter(t *testing.T) {
	p := newProving(t)
	sub, err := p.plot.React(t.Context(), bus.Reaction{
		Service: "plot", Name: "draw", Types: []events.Type{events.TypeRunFailed},
		Handle: func(context.Context, *bus.Delivery) error { return bus.Permanent(fmt.Errorf("cannot be drawn")) },
		OnDead: func(context.Context, *bus.Delivery, error) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Stop()
	for sequence := range 5 {
		id := events.HashID("dead", "plot-draw", fmt.Sprint(sequence))
		if _, err := p.forger.JetStream().Publish(t.Context(), bus.DeadSubject("bench-runs-host-9"), []byte(`{"reaction":"bench-runs-host-9"}`),
			jetstream.WithMsgID(id)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.worker.Emit(t.Context(), "k", nil, failedRun("one", "true")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the letter", func() bool {
		for l, err := range p.plot.DeadLetters(t.Context(), "plot-draw") {
			return err == nil && l.Reason == "cannot be drawn" && time.Since(l.At) < time.Hour
		}
		return false
	})
}
