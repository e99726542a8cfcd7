package bus_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
	"github.com/fiord-bench/fiord/internal/proof"
)

// proving is a server with the buses of some who prove what they publish, and of a
// forger, who may publish anything on the server and has no grant.
type proving struct {
	*bustest.Server
	t                       *testing.T
	authority               *bustest.Authority
	plot, inventory, worker *bus.Bus
	forger                  *bus.Bus
}

func newProving(t *testing.T) *proving {
	t.Helper()
	p := &proving{Server: bustest.NewServer(t), t: t, authority: bustest.NewAuthority(t)}
	open := func(g proof.Grant) *bus.Bus { return p.BusWith(p.authority.User(g, proof.Required)) }
	p.plot, p.inventory = open(proof.Grant{Kind: proof.Service, Name: "plot"}), open(proof.Grant{Kind: proof.Service, Name: "inventory"})
	p.worker = open(proof.Grant{Kind: proof.Host, Name: "host-1"})
	p.forger = p.Bus("fiord/bench")
	return p
}

func hostRef(run string) events.RunRef {
	r := ref(run)
	r.Host, r.Pool = "host-1", ""
	return r
}

func failedRun(run, why string) events.RunFailed {
	return events.RunFailed{RunRef: hostRef(run), Reason: why, EndedAt: time.Now().UTC()}
}

// heard counts what a reaction of plot to failed runs makes of them.
type heard struct{ handled, owed atomic.Int32 }

func (p *proving) react(h *heard) {
	p.t.Helper()
	sub, err := p.plot.React(p.t.Context(), bus.Reaction{
		Service: "plot", Name: "draw", Types: []events.Type{events.TypeRunFailed},
		Handle: func(context.Context, *bus.Delivery) error { h.handled.Add(1); return nil },
		OnDead: func(context.Context, *bus.Delivery, error) error { h.owed.Add(1); return nil },
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(sub.Stop)
}

// buried tells whether there are that many dead letters.
func (p *proving) buried(n uint64) func() bool {
	return func() bool {
		dead, err := p.plot.JetStream().Stream(p.t.Context(), bus.StreamDead)
		if err != nil {
			p.t.Fatal(err)
		}
		return dead.CachedInfo().State.Msgs == n
	}
}

func (p *proving) letters() (reasons []string) {
	p.t.Helper()
	for l, err := range p.plot.DeadLetters(p.t.Context(), "") {
		if err != nil {
			p.t.Fatal(err)
		}
		reasons = append(reasons, l.Reason)
	}
	return reasons
}

// What proves nothing is dead-lettered with its reason; it brings about nothing,
// and not the terminal that the reaction would owe.
func TestWhatProvesNothingBringsAboutNothing(t *testing.T) {
	p := newProving(t)
	var h heard
	p.react(&h)
	var seen atomic.Int32
	view, err := p.plot.Watch(t.Context(), bus.View{See: func(context.Context, bus.Seen) { seen.Add(1) }})
	if err != nil {
		t.Fatal(err)
	}
	defer view.Stop()
	if _, err := p.forger.Emit(t.Context(), "k", nil, failedRun("one", "forged")); err != nil {
		t.Fatal(err)
	}
	// A host's own subject with an event of another kind: once believed by whoever
	// went by the event's type.
	placed := events.HostLost{Host: "host-2", LastSeen: time.Now()}
	body, err := events.Marshal(events.New("fiord/bench", "k", nil, placed))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.forger.JetStream().Publish(t.Context(), events.New("fiord/bench", "k", nil, failedRun("two", "")).NATSSubject(), body); err != nil {
		t.Fatal(err)
	}
	// As inventory, by the worker's key.
	if _, err := p.worker.Emit(t.Context(), "k", nil, placed); err != nil {
		t.Fatal(err)
	}
	if _, err := p.worker.Emit(t.Context(), "k", nil, failedRun("three", "true")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the event that is true", func() bool { return h.handled.Load() == 1 && seen.Load() == 1 })
	eventually(t, "two dead letters", p.buried(2))
	if h.handled.Load() != 1 || h.owed.Load() != 0 || seen.Load() != 1 {
		t.Errorf("%d handled, %d owed, %d seen", h.handled.Load(), h.owed.Load(), seen.Load())
	}
	for _, reason := range p.letters() {
		if !strings.Contains(reason, "does not prove who made it: it is not signed") {
			t.Errorf("reason %q", reason)
		}
	}
}

// Without proofs, an event is held against the subject all the same.
func TestAnEventBelongsOnItsSubject(t *testing.T) {
	s := bustest.NewServer(t)
	b := s.Bus("fiord/test")
	handled := make(chan events.Event, 4)
	sub, err := b.React(t.Context(), bus.Reaction{
		Service: "plot", Name: "draw", Types: []events.Type{events.TypeRunFailed}, OnDead: bus.OwesNothing,
		Handle: func(_ context.Context, d *bus.Delivery) error { handled <- d.Event; return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Stop()
	other := events.New("fiord/test", "k", nil, failedRun("two", "r"))
	body, err := events.Marshal(events.New("fiord/test", "k", nil, failedRun("one", "r")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.JetStream().Publish(t.Context(), other.NATSSubject(), body); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Publish(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if got := <-handled; got.ID != other.ID {
		t.Errorf("event %s was handled", got.ID)
	}
}

// An end that proves nothing is no end: the true one is stored behind it and found,
// also when another forged one follows.
func TestAForgedEndEndsNothing(t *testing.T) {
	p := newProving(t)
	forged := events.New("fiord/bench", "forged", nil, failedRun("one", "forged"))
	if _, err := p.forger.Publish(t.Context(), forged); err != nil {
		t.Fatal(err)
	}
	if _, ended, err := p.inventory.Ended(t.Context(), hostRef("one").EndFilter()); ended || err != nil {
		t.Errorf("the forged end ended it: %v, %v", ended, err)
	}
	mine := events.New("fiord/bench", "true", nil, failedRun("one", "true"))
	ending, err := p.worker.End(t.Context(), mine)
	if err != nil || !ending.Won {
		t.Fatalf("the true end: %+v, %v", ending, err)
	}
	if _, err := p.forger.Publish(t.Context(), events.New("fiord/bench", "again", nil, failedRun("one", "forged"))); err != nil {
		t.Fatal(err)
	}
	found, ended, err := p.inventory.Ended(t.Context(), hostRef("one").EndFilter())
	if err != nil || !ended || found.ID != mine.ID {
		t.Errorf("ended by %s: %v, %v; want %s", found.ID, ended, err, mine.ID)
	}
	second, err := p.worker.End(t.Context(), events.New("fiord/bench", "second", nil, failedRun("one", "second")))
	if err != nil || second.Won || second.Event.ID != mine.ID {
		t.Errorf("a second end: %+v, %v; want the first", second, err)
	}
}

// Ids follow from what an event is about. Whoever publishes something under the id
// of another's event once had that dropped as a duplicate, unseen.
func TestATakenIDLosesNoEvent(t *testing.T) {
	p := newProving(t)
	e := events.New(p.worker.Source(), "k", nil, failedRun("one", "true"))
	if _, err := p.forger.JetStream().PublishMsg(t.Context(), &nats.Msg{
		Subject: events.TypeHostLost.Subject(), Data: []byte("{}"), Header: nats.Header{nats.MsgIdHdr: {e.MessageID()}},
	}); err != nil {
		t.Fatal(err)
	}
	var h heard
	p.react(&h)
	if receipt, err := p.worker.Publish(t.Context(), e); err != nil || receipt.Duplicate {
		t.Fatalf("%+v, %v", receipt, err)
	}
	eventually(t, "the event", func() bool { return h.handled.Load() == 1 })
	if receipt, err := p.worker.Publish(t.Context(), e); err != nil {
		t.Errorf("again: %+v, %v", receipt, err)
	}
}

// What a key was granted is void for events that are stored after it was taken back.
func TestWhoWasShutOutProvesNothing(t *testing.T) {
	p := newProving(t)
	var h heard
	p.react(&h)
	if err := p.plot.FollowTakenBack(t.Context()); err != nil {
		t.Fatal(err)
	}
	o := p.authority.User(proof.Grant{Kind: proof.Host, Name: "host-1"}, proof.Required)
	out := p.BusWith(o)
	if _, err := out.Emit(t.Context(), "k", nil, failedRun("before", "true")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the event of before", func() bool { return h.handled.Load() == 1 })
	entry, err := p.authority.Void(o.Signer.Grant().Key, time.Now().Add(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // grants are exact to the second
	if err := p.Bus("fiord/operator").TakeBack(t.Context(), o.Signer.Grant().Key, entry); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2500 * time.Millisecond)
	if _, err := out.Emit(t.Context(), "k2", nil, failedRun("after", "true")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a dead letter", p.buried(1))
	if reason := p.letters()[0]; !strings.Contains(reason, "the grant was taken back") || h.handled.Load() != 1 {
		t.Errorf("%d handled, reason %q", h.handled.Load(), reason)
	}
}

// Events of before an installation signed are in the stream for a month, and must
// not get lost.
func TestEventsOfBeforeNeedNoSignature(t *testing.T) {
	s := bustest.NewServer(t)
	if _, err := s.Bus("fiord/bench").Emit(t.Context(), "k", nil, failedRun("old", "of before")); err != nil {
		t.Fatal(err)
	}
	a := bustest.NewAuthority(t)
	o := a.User(proof.Grant{Kind: proof.Service, Name: "plot"}, proof.Required)
	var err error
	if o.Verifier, err = proof.NewVerifier(proof.Issued{Grant: o.Signer.Grant(), Authority: a.Public()}, proof.Required, time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	p := &proving{Server: s, t: t, authority: a, plot: s.BusWith(o)}
	var h heard
	p.react(&h)
	eventually(t, "the event of before", func() bool { return h.handled.Load() == 1 })
}
