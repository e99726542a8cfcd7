package access_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/access/accesstest"
	"github.com/fiord-bench/fiord/internal/bus"
)

// world is a server with one user per party.
type world struct{ *accesstest.Server }

func newWorld(t *testing.T, users map[string]*server.Permissions) *world {
	t.Helper()
	return &world{accesstest.NewServer(t, users)}
}

// bus connects as a user who soon hears that he was refused.
func (w *world) bus(user string) *bus.Bus {
	return w.BusWith(bus.Options{Source: "fiord/" + user, PublishTimeout: 2 * time.Second})
}

func reaction(service, name string, types ...events.Type) bus.Reaction {
	return bus.Reaction{
		Service: service, Name: name, Types: types, OnDead: bus.OwesNothing,
		Handle: func(context.Context, *bus.Delivery) error { return nil },
	}
}

func hostReaction(host string) bus.Reaction {
	r := reaction("bench", "host-"+events.Token(host), events.TypeRunsRequested)
	r.Subjects = []string{events.TypeRunsRequested.Subject() + "." + events.HostRoute(host)}
	return r
}

func failed(host, pool string) events.RunFailed {
	return events.RunFailed{
		RunRef: events.RunRef{Bench: events.HashID("b"), Run: events.HashID("r", host, pool), Name: "n", Job: "j", Host: host, Pool: pool, Attempt: 1},
		Reason: "r", EndedAt: time.Now(),
	}
}

// twoHosts is a world of two bench hosts in different pools, and inventory.
func twoHosts(t *testing.T) *world {
	t.Helper()
	a, b := hostReaction("a.example"), hostReaction("b.example")
	users := map[string]*server.Permissions{"people": access.Person(access.Operator, accesstest.NKey(t, "people"), "inventory-place", "bench-host-a_2eexample")}
	for host, r := range map[string]bus.Reaction{"a.example": a, "b.example": b} {
		needs := access.Host(host, []string{"pool-of-" + host}, []bus.Reaction{r}, "bench-wanted-"+events.Token(host))
		needs.Write = []string{bus.BucketHosts}
		needs.Keys = map[string][]string{bus.BucketHosts: {events.Token(host) + ".>"}}
		users[needs.Name] = needs.Permissions()
	}
	inventory := access.Service("inventory", []bus.Reaction{reaction("inventory", "place", events.TypeBenchRequested)})
	inventory.Views, inventory.Read, inventory.Write = true, []string{bus.BucketHosts}, []string{bus.BucketTally}
	users["inventory"] = inventory.Permissions("bench-host-a_2eexample", "plot-draw")
	return newWorld(t, users)
}

func TestAWorkerDoesItsWork(t *testing.T) {
	w := twoHosts(t)
	b := w.bus("bench-a_2eexample")
	got := make(chan *bus.Delivery, 1)
	r := hostReaction("a.example")
	r.Handle = func(_ context.Context, d *bus.Delivery) error { got <- d; return nil }
	sub, err := b.React(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Stop()
	request := events.RunsRequested{
		Bench: events.HashID("b"), Name: "n", Host: "a.example", Runs: 1, Deadline: time.Now(),
		List: events.ClaimCheck{Bucket: "b", Key: "k", SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", MediaType: "m"},
	}
	if _, err := w.bus("inventory").Emit(t.Context(), "k", nil, request); err != nil {
		t.Fatalf("inventory requests runs: %v", err)
	}
	select {
	case d := <-got:
		if _, err := d.End(t.Context(), "k", failed("a.example", "")); err != nil {
			t.Errorf("end its own run: %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the request did not arrive")
	}
	if _, err := b.End(t.Context(), events.New(b.Source(), "p", nil, failed("a.example", "pool-of-a.example"))); err != nil {
		t.Errorf("end a run of its pool: %v", err)
	}
	if err := b.Live(events.Progress{Bench: "b", Run: "r", Host: "a.example"}); err != nil {
		t.Errorf("show progress: %v", err)
	}
	view, err := b.Watch(t.Context(), bus.View{
		Name: "bench-wanted-a_2eexample", Types: []events.Type{events.TypeCancelRequested}, See: func(context.Context, bus.Seen) {},
	})
	if err != nil {
		t.Fatalf("watch cancellations: %v", err)
	}
	view.Stop()
	kv, err := b.JetStream().KeyValue(t.Context(), bus.BucketHosts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Put(t.Context(), "a_2eexample.beat", nil); err != nil {
		t.Errorf("beat: %v", err)
	}
	if _, err := kv.Get(t.Context(), "a_2eexample.beat"); err != nil {
		t.Errorf("read its beat: %v", err)
	}
}

func TestAWorkerMayNothingElse(t *testing.T) {
	w := twoHosts(t)
	b := w.bus("bench-a_2eexample")
	kv, err := b.JetStream().KeyValue(t.Context(), bus.BucketHosts)
	if err != nil {
		t.Fatal(err)
	}
	end := func(ctx context.Context, d events.RunFailed) error {
		_, err := b.End(ctx, events.New(b.Source(), "k", nil, d))
		return err
	}
	emit := func(ctx context.Context, d events.Data) error { _, err := b.Emit(ctx, "k", nil, d); return err }
	refused(t, "end another host's run", func(ctx context.Context) error { return end(ctx, failed("b.example", "")) })
	refused(t, "end a run of another pool", func(ctx context.Context) error { return end(ctx, failed("a.example", "pool-of-b.example")) })
	refused(t, "place", func(ctx context.Context) error {
		claim := events.ClaimCheck{Bucket: "b", Key: "k", SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", MediaType: "m"}
		return emit(ctx, events.RunsRequested{Bench: events.HashID("b"), Name: "n", Host: "a.example", Runs: 1, List: claim, Deadline: time.Now()})
	})
	refused(t, "say that a host is lost", func(ctx context.Context) error { return emit(ctx, events.HostLost{Host: "h", LastSeen: time.Now()}) })
	refused(t, "start a run in another's name", func(ctx context.Context) error {
		return emit(ctx, events.RunStarted{RunRef: failed("b.example", "").RunRef})
	})
	refused(t, "beat for another host", func(ctx context.Context) error { _, err := kv.Put(ctx, "b_2eexample.beat", nil); return err })
	refused(t, "remove all other hosts' records by a header on its own", func(ctx context.Context) error {
		_, err := b.JetStream().PublishMsg(ctx, &nats.Msg{Subject: "$KV." + bus.BucketHosts + ".a_2eexample.beat", Header: nats.Header{"Nats-Rollup": {"all"}}})
		return err
	})
	refused(t, "take another host's work", func(ctx context.Context) error {
		_, err := b.JetStream().CreateOrUpdateConsumer(ctx, bus.StreamEvents, hostReaction("b.example").ConsumerConfig())
		return err
	})
	refused(t, "make a consumer of any name", func(ctx context.Context) error {
		_, err := b.JetStream().CreateConsumer(ctx, bus.StreamEvents, jetstream.ConsumerConfig{FilterSubject: "fiord.events.>"})
		return err
	})
	refused(t, "delete the stream", func(ctx context.Context) error { return b.JetStream().DeleteStream(ctx, bus.StreamEvents) })
	refused(t, "redrive", func(ctx context.Context) error {
		_, err := b.JetStream().Publish(ctx, "fiord.redrive.inventory-place", []byte("{}"))
		return err
	})
	if _, err := b.Conn().SubscribeSync("fiord.events.>"); err == nil {
		if err := b.Conn().Flush(); err != nil {
			t.Fatal(err)
		}
		if !errors.Is(b.Conn().LastError(), nats.ErrPermissionViolation) {
			t.Errorf("subscribing to every event was not refused: %v", b.Conn().LastError())
		}
	}
}

func TestNobodyElsePlaces(t *testing.T) {
	w := twoHosts(t)
	people := w.bus("people")
	refused(t, "place as a person", func(ctx context.Context) error {
		claim := events.ClaimCheck{Bucket: "b", Key: "k", SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", MediaType: "m"}
		_, err := people.Emit(ctx, "k", nil, events.RunsRequested{Bench: events.HashID("b"), Name: "n", Host: "h", Runs: 1, List: claim, Deadline: time.Now()})
		return err
	})
	refused(t, "purge as a person", func(ctx context.Context) error {
		s, err := people.JetStream().Stream(ctx, bus.StreamEvents)
		if err != nil {
			t.Fatal(err)
		}
		return s.Purge(ctx)
	})
	if _, err := people.Emit(t.Context(), "k", nil, events.CancelRequested{Bench: events.HashID("b"), Reason: "r", By: "me"}); err != nil {
		t.Errorf("a person cancels: %v", err)
	}
}

func TestPeopleSilenceAndServicesOnlyLook(t *testing.T) {
	notify := access.Service("notify", nil)
	notify.Read = []string{bus.BucketSilences}
	w := newWorld(t, map[string]*server.Permissions{"people": access.Person(access.Operator, accesstest.NKey(t, "people"), "inventory-place", "bench-host-a_2eexample"), "notify": notify.Permissions()})
	kv := func(user, bucket string) jetstream.KeyValue {
		kv, err := w.bus(user).JetStream().KeyValue(t.Context(), bucket)
		if err != nil {
			t.Fatal(err)
		}
		return kv
	}
	if _, err := kv("people", bus.BucketSilences).Create(t.Context(), "id", []byte("{}")); err != nil {
		t.Errorf("a person silences: %v", err)
	}
	watch, err := kv("notify", bus.BucketSilences).WatchAll(t.Context())
	if err != nil {
		t.Fatalf("notify watches silences: %v", err)
	}
	if e := <-watch.Updates(); e == nil || e.Key() != "id" {
		t.Errorf("notify sees %v", e)
	}
	refused(t, "silence as a service", func(ctx context.Context) error {
		_, err := kv("notify", bus.BucketSilences).Put(ctx, "id", nil)
		return err
	})
	refused(t, "change what was told as a person", func(ctx context.Context) error {
		_, err := kv("people", bus.BucketNotices).Put(ctx, "id", nil)
		return err
	})
}

func TestAServiceWithViewsKeepsOffOthersDurables(t *testing.T) {
	w := twoHosts(t)
	b := w.bus("inventory")
	view, err := b.Watch(t.Context(), bus.View{Types: []events.Type{events.TypeRunStarted}, See: func(context.Context, bus.Seen) {}})
	if err != nil {
		t.Fatalf("watch: %v", err)
	}
	view.Stop()
	refused(t, "change another service's durable", func(ctx context.Context) error {
		r := reaction("plot", "draw", events.TypeRunCompleted)
		_, err := b.JetStream().CreateOrUpdateConsumer(ctx, bus.StreamEvents, r.ConsumerConfig())
		return err
	})
}

// refused wants the server to refuse; a refused request is not answered, so
// waiting for the answer may end in a timeout.
func refused(t *testing.T, what string, try func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	if err := try(ctx); err == nil {
		t.Errorf("could %s", what)
	}
}
