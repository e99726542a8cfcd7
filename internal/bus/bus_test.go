package bus_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
)

func lost(host string) events.HostLost {
	return events.HostLost{Host: host, LastSeen: time.Unix(1_700_000_000, 0).UTC()}
}

func reaction(handle bus.Handler) bus.Reaction {
	return bus.Reaction{
		Service: "test", Name: "lost", Types: []events.Type{events.TypeHostLost},
		Handle: handle, OnDead: bus.OwesNothing,
		BackoffMin: time.Millisecond, BackoffMax: 5 * time.Millisecond,
	}
}

func react(t *testing.T, b *bus.Bus, r bus.Reaction) {
	t.Helper()
	s, err := b.React(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
}

func emit(t *testing.T, b *bus.Bus, key string, data events.Data) events.Event {
	t.Helper()
	e, err := b.Emit(t.Context(), key, nil, data)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// eventually polls until ok, and fails with what was awaited.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("gave up waiting for %s", what)
}

func TestPublishTwiceStoresOnce(t *testing.T) {
	b := bustest.New(t)
	e := events.New("fiord/test", "a", nil, lost("h1"))
	first, err := b.Publish(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.Publish(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	if first.Duplicate || !second.Duplicate || first.Sequence != second.Sequence {
		t.Errorf("first %+v, second %+v: want one stored event", first, second)
	}
}

func TestPublishRefusesInvalidEvent(t *testing.T) {
	_, err := bustest.New(t).Emit(t.Context(), "a", nil, events.HostLost{})
	var invalid *events.Invalid
	if !errors.As(err, &invalid) || invalid.Fields[0].Field != "host" {
		t.Errorf("error is %v, want one that names the field host", err)
	}
}

func TestHandlerGetsEventWithCauseAndEmits(t *testing.T) {
	b := bustest.New(t)
	var got atomic.Pointer[events.Event]
	react(t, b, reaction(func(ctx context.Context, d *bus.Delivery) error {
		e, err := d.Emit(ctx, "k", events.DiscoveryRequested{By: "test"})
		got.Store(&e)
		return err
	}))
	cause := emit(t, b, "a", lost("h1"))
	eventually(t, "a reaction", func() bool { return got.Load() != nil })
	if e := got.Load(); e.CausationID != cause.ID || e.CorrelationID != cause.ID {
		t.Errorf("causation %s, correlation %s; want both %s", e.CausationID, e.CorrelationID, cause.ID)
	}
}

func TestReplicasShareWork(t *testing.T) {
	s := bustest.NewServer(t)
	const n = 200
	var seen sync.Map
	var calls atomic.Int64
	for range 3 {
		r := reaction(func(_ context.Context, d *bus.Delivery) error {
			calls.Add(1)
			seen.Store(d.Event.ID, true)
			return nil
		})
		r.Concurrency = 4
		react(t, s.Bus("fiord/test"), r)
	}
	b := s.Bus("fiord/test")
	for i := range n {
		emit(t, b, fmt.Sprint(i), lost("h"))
	}
	eventually(t, "all events", func() bool {
		count := 0
		seen.Range(func(any, any) bool { count++; return true })
		return count == n
	})
	if calls.Load() != n {
		t.Errorf("%d calls for %d events: some were handled twice", calls.Load(), n)
	}
}

func TestConcurrencyIsBoundedWithoutPrefetch(t *testing.T) {
	b := bustest.New(t)
	var now, most atomic.Int64
	release := make(chan struct{})
	r := reaction(func(context.Context, *bus.Delivery) error {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		<-release
		now.Add(-1)
		return nil
	})
	r.Concurrency = 2
	for i := range 10 {
		emit(t, b, fmt.Sprint(i), lost("h"))
	}
	react(t, b, r)
	eventually(t, "two handlers", func() bool { return now.Load() == 2 })
	time.Sleep(50 * time.Millisecond)
	c, err := b.JetStream().Consumer(t.Context(), bus.StreamEvents, r.Durable())
	if err != nil {
		t.Fatal(err)
	}
	info, err := c.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.NumAckPending != 2 || info.NumPending != 8 {
		t.Errorf("%d in hand and %d waiting, want 2 and 8: events were fetched for which nobody was free", info.NumAckPending, info.NumPending)
	}
	close(release)
	eventually(t, "the rest", func() bool {
		info, err := c.Info(t.Context())
		return err == nil && info.NumAckPending == 0 && info.NumPending == 0
	})
	if most.Load() > 2 {
		t.Errorf("%d handlers at once, want at most 2", most.Load())
	}
}

func TestLongHandlerKeepsItsEvent(t *testing.T) {
	b := bustest.New(t)
	var calls atomic.Int64
	done := make(chan struct{})
	r := reaction(func(context.Context, *bus.Delivery) error {
		if calls.Add(1) == 1 {
			time.Sleep(6 * time.Second)
			close(done)
		}
		return nil
	})
	r.AckWait, r.Concurrency = 2*time.Second, 2 // a busy machine may be late with a heartbeat
	react(t, b, r)
	emit(t, b, "a", lost("h"))
	<-done
	time.Sleep(100 * time.Millisecond)
	if n := calls.Load(); n != 1 {
		t.Errorf("handled %d times: heartbeats did not hold the event", n)
	}
}

func TestStopLetsHandlerFinishThenReturns(t *testing.T) {
	b := bustest.New(t)
	started, finished := make(chan struct{}), atomic.Bool{}
	s, err := b.React(t.Context(), reaction(func(context.Context, *bus.Delivery) error {
		close(started)
		time.Sleep(200 * time.Millisecond)
		finished.Store(true)
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	emit(t, b, "a", lost("h"))
	<-started
	s.Stop()
	if !finished.Load() {
		t.Error("Stop returned before the handler had finished")
	}
}

func TestReactionGoesOnAfterServerRestart(t *testing.T) {
	s := bustest.NewServer(t)
	b := s.Bus("fiord/test")
	var calls atomic.Int64
	react(t, b, reaction(func(context.Context, *bus.Delivery) error { calls.Add(1); return nil }))
	emit(t, b, "a", lost("h"))
	eventually(t, "the first event", func() bool { return calls.Load() == 1 })
	s.Restart()
	eventually(t, "a publish after the restart", func() bool {
		_, err := b.Emit(t.Context(), "b", nil, lost("h"))
		return err == nil
	})
	eventually(t, "the event after the restart", func() bool { return calls.Load() == 2 })
}

// A pull that waited when the server went away used to wait for heartbeats, for ten
// seconds, before it was asked again.
func TestReactionAndViewsAreBackSoonAfterServerRestart(t *testing.T) {
	s := bustest.NewServer(t)
	b := s.Bus("fiord/test")
	got := make(chan string, 30)
	tell := func(who string) func(context.Context, bus.Seen) {
		return func(_ context.Context, s bus.Seen) { got <- who + s.Event.Data.(events.HostLost).Host }
	}
	react(t, b, bus.Reaction{Service: "test", Name: "soon", Types: []events.Type{events.TypeHostLost}, OnDead: bus.OwesNothing,
		Handle: func(_ context.Context, d *bus.Delivery) error {
			got <- "reaction " + d.Event.Data.(events.HostLost).Host
			return nil
		}})
	for _, v := range []bus.View{{See: tell("view ")}, {Name: "soon-view", See: tell("named view ")}} {
		v.Types, v.OnlyNew = []events.Type{events.TypeHostLost}, true
		sub, err := b.Watch(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(sub.Stop)
	}
	for round := range 2 {
		host := fmt.Sprint("h", round)
		eventually(t, "a publish", func() bool {
			_, err := b.Emit(t.Context(), host, nil, lost(host))
			return err == nil
		})
		start := time.Now()
		waiting := map[string]bool{"reaction " + host: true, "view " + host: true, "named view " + host: true}
		for len(waiting) > 0 {
			select {
			case who := <-got:
				t.Logf("%s after %v", who, time.Since(start))
				delete(waiting, who)
			case <-time.After(time.Minute):
				t.Fatalf("round %d: not back: %v", round, waiting)
			}
		}
		if round == 0 {
			s.Restart()
		}
	}
}

func TestReactionGoesOnAfterItsConsumerWasDeleted(t *testing.T) {
	b := bustest.New(t)
	var calls atomic.Int64
	r := reaction(func(context.Context, *bus.Delivery) error { calls.Add(1); return nil })
	r.OnlyNew = true
	react(t, b, r)
	emit(t, b, "a", lost("h"))
	eventually(t, "the first event", func() bool { return calls.Load() == 1 })
	if err := b.JetStream().DeleteConsumer(t.Context(), bus.StreamEvents, r.Durable()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the consumer made again", func() bool {
		_, err := b.JetStream().Consumer(t.Context(), bus.StreamEvents, r.Durable())
		return err == nil
	})
	emit(t, b, "b", lost("h"))
	eventually(t, "the second event", func() bool { return calls.Load() == 2 })
}

func TestReactionRefusesBadDeclaration(t *testing.T) {
	b := bustest.New(t)
	for name, spoil := range map[string]func(*bus.Reaction){
		"no OnDead":         func(r *bus.Reaction) { r.OnDead = nil },
		"no Types":          func(r *bus.Reaction) { r.Types = nil },
		"unknown type":      func(r *bus.Reaction) { r.Types = []events.Type{"dev.fiord.x.y.v1"} },
		"foreign subject":   func(r *bus.Reaction) { r.Subjects = []string{"fiord.events.run.started.v1.host.a"} },
		"name with a space": func(r *bus.Reaction) { r.Name = "a b" },
	} {
		r := reaction(func(context.Context, *bus.Delivery) error { return nil })
		spoil(&r)
		if _, err := b.React(t.Context(), r); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestBinaryModeIsRead(t *testing.T) {
	b := bustest.New(t)
	got := make(chan events.Event, 1)
	react(t, b, reaction(func(_ context.Context, d *bus.Delivery) error { got <- d.Event; return nil }))
	msg := &nats.Msg{
		Subject: events.TypeHostLost.Subject(),
		Data:    []byte(`{"host":"h1","last_seen":"2026-01-02T03:04:05Z"}`),
		Header: nats.Header{
			"ce-specversion": {"1.0"}, "ce-id": {"a%20b"}, "CE-Source": {"script"},
			"ce-type": {string(events.TypeHostLost)}, "ce-datacontenttype": {"application/json"},
		},
	}
	if _, err := b.JetStream().PublishMsg(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
	select {
	case e := <-got:
		if e.ID != "a b" || e.Source != "script" || e.Data.(events.HostLost).Host != "h1" {
			t.Errorf("read %+v", e)
		}
	case <-time.After(time.Minute):
		t.Fatal("the event did not arrive")
	}
}
