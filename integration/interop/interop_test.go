package interop_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	jetstream "github.com/cloudevents/sdk-go/protocol/nats_jetstream/v2"
	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/internal/service/config"
	"github.com/fiord-bench/fiord/services/ingest"
)

const (
	patience    = 2 * time.Minute
	token       = "event-token-of-the-tests"
	traceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
)

var asked = events.BenchRequested{
	Name: "randread", Jobs: []events.Job{{Name: "a.fio", Inline: "[a]\nrw=randread\nsize=1m\n"}},
	Matrix: map[string][]events.Scalar{"iodepth": {"1", "8"}}, Repeat: 3,
}

// modes are how the SDK may be told to write an event.
var modes = map[string]func(context.Context) context.Context{
	"structured": binding.WithForceStructured,
	"binary":     binding.WithForceBinary,
}

// request is an event as a script makes it with the SDK.
func request(t *testing.T, id string) cloudevents.Event {
	t.Helper()
	e := cloudevents.NewEvent()
	e.SetID(id)
	e.SetSource("//lab.example/nightly")
	e.SetType(string(events.TypeBenchRequested))
	e.SetTime(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC))
	e.SetExtension("traceparent", traceParent)
	e.SetExtension("correlationid", "change-4711")
	if err := e.SetData(cloudevents.ApplicationJSON, asked); err != nil {
		t.Fatal(err)
	}
	return e
}

// watch returns the next event that is stored.
func watch(t *testing.T, b *bus.Bus) (next func() events.Event) {
	t.Helper()
	seen := make(chan events.Event, 100)
	view, err := b.Watch(t.Context(), bus.View{See: func(_ context.Context, s bus.Seen) { seen <- s.Event }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(view.Stop)
	return func() events.Event {
		t.Helper()
		select {
		case e := <-seen:
			return e
		case <-time.After(patience):
			t.Fatal("no event was seen")
			return events.Event{}
		}
	}
}

// arrived checks that an event is what request made, with the requester that the
// door it came by found out.
func arrived(t *testing.T, got events.Event, id string, requester *events.Requester) {
	t.Helper()
	asked := asked
	asked.Requester = requester
	want := events.Event{
		ID: id, Source: "//lab.example/nightly", Type: events.TypeBenchRequested, CorrelationID: "change-4711",
		Time: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), TraceParent: traceParent, Data: asked,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event (-sent +seen):\n%s", diff)
	}
}

func TestFiordTakesWhatTheSDKPublishesToJetStream(t *testing.T) {
	for mode, force := range modes {
		t.Run(mode, func(t *testing.T) {
			n := bustest.NewServer(t)
			next := watch(t, n.Bus("fiord/test"))
			sender, err := jetstream.NewSenderFromConn(n.Connect(), bus.StreamEvents, events.TypeBenchRequested.Subject(), nil)
			if err != nil {
				t.Fatal(err)
			}
			client, err := cloudevents.NewClient(sender)
			if err != nil {
				t.Fatal(err)
			}
			if err := client.Send(force(t.Context()), request(t, mode)); cloudevents.IsUndelivered(err) {
				t.Fatal(err)
			}
			arrived(t, next(), mode, nil)
		})
	}
}

func TestFiordTakesWhatTheSDKPostsToIngest(t *testing.T) {
	n := bustest.NewServer(t)
	next := watch(t, n.Bus("fiord/test"))
	url := startIngest(t, n)
	for mode, force := range modes {
		t.Run(mode, func(t *testing.T) {
			client, err := cloudevents.NewClientHTTP(cloudevents.WithTarget(url+"/events"), cloudevents.WithHeader("Authorization", "Bearer "+token))
			if err != nil {
				t.Fatal(err)
			}
			if result := client.Send(force(t.Context()), request(t, mode)); !cloudevents.IsACK(result) {
				t.Fatalf("not acknowledged: %v", result)
			}
			arrived(t, next(), mode, &events.Requester{Right: events.RightToken, Name: "token-1"})
			// The SDK tells a script that its event was refused for good.
			bad := request(t, "bad")
			bad.SetType("dev.fiord.bench.wished.v1")
			if result := client.Send(force(t.Context()), bad); !cloudevents.IsNACK(result) {
				t.Errorf("an unknown type: %v, want a refusal", result)
			}
		})
	}
}

func TestTheSDKReceivesWhatFiordPublishes(t *testing.T) {
	n := bustest.NewServer(t)
	consumer, err := jetstream.NewConsumerFromConn(n.Connect(), bus.StreamEvents, "fiord.events.>", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	client, err := cloudevents.NewClient(consumer)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	received, ended := make(chan cloudevents.Event, 10), make(chan error, 1)
	go func() { ended <- client.StartReceiver(ctx, func(e cloudevents.Event) { received <- e }) }()
	defer func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("receiver: %v", err)
		}
	}()

	b := n.Bus("fiord/cli")
	first := events.New("fiord/cli", "1", nil, asked)
	first.TraceParent = traceParent
	run := events.RunRef{Bench: events.BenchID(first), Run: events.HashID("r"), Name: "randread", Job: "a.fio", Host: "db1.example.com"}
	second := events.New("fiord/bench", "2", &first, events.RunCancelled{RunRef: run, Reason: "enough", By: "ann", EndedAt: time.Now().UTC()})
	if _, err := b.Publish(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if _, err := b.End(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	got := map[string]cloudevents.Event{} // the SDK hands them out at once, in any order
	for range 2 {
		select {
		case e := <-received:
			got[e.ID()] = e
		case <-time.After(patience):
			t.Fatalf("%d of 2 events were received", len(got))
		}
	}
	for _, want := range []events.Event{first, second} {
		same(t, got[want.ID], want)
	}
}

// same checks that the SDK understood all that fiord said.
func same(t *testing.T, got cloudevents.Event, want events.Event) {
	t.Helper()
	if err := got.Validate(); err != nil {
		t.Errorf("%s is no valid CloudEvent: %v", want.Type, err)
	}
	extensions := map[string]any{"correlationid": want.CorrelationID, "causationid": want.CausationID, "traceparent": want.TraceParent}
	for name, value := range extensions {
		if value == "" {
			delete(extensions, name)
		}
	}
	if diff := cmp.Diff(extensions, got.Extensions()); diff != "" {
		t.Errorf("extensions of %s (-want +got):\n%s", want.Type, diff)
	}
	if got.ID() != want.ID || got.Source() != want.Source || got.Subject() != want.Subject || got.Type() != string(want.Type) ||
		!got.Time().Equal(want.Time) || got.DataContentType() != cloudevents.ApplicationJSON {
		t.Errorf("got\n%s\nwant %+v", got, want)
	}
	data, err := events.DecodeData(want.Type, got.Data(), true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Data, data); diff != "" {
		t.Errorf("data of %s (-want +got):\n%s", want.Type, diff)
	}
}

// startIngest runs ingest until the test ends and returns its address.
func startIngest(t *testing.T, n *bustest.Server) (url string) {
	t.Helper()
	cfg := ingest.DefaultConfig()
	cfg.Listen, cfg.EventToken, cfg.Checkout.Dir = "127.0.0.1:0", config.NewSecret(token), t.TempDir()
	s, err := ingest.New(cfg, service.Deps{
		Bus: n.Bus("fiord/ingest"), Store: artifactstest.New(t), Metrics: prometheus.NewRegistry(),
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("ingest: %v", err)
		}
	})
	return "http://" + s.Addr()
}
