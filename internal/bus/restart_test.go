package bus_test

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
)

// After a restart of NATS alone the live stream and the hosts' bucket were gone,
// and only the one-shot provisioning made them.
func TestServerRestartsWithoutProvisioning(t *testing.T) {
	s := bustest.NewServer(t)
	old := bus.DefaultTopology()
	old.Volatile = true // as servers were provisioned that now get the other form
	if err := s.BusWith(bus.Options{Source: "fiord/test", Topology: old}).Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Bus("fiord/test").Provision(t.Context()); err != nil {
		t.Fatalf("provision over a server that kept them in memory: %v", err)
	}
	s.Restart()
	b := s.Bus("fiord/test")
	for _, name := range []string{bus.StreamEvents, bus.StreamDead, bus.StreamLive} {
		stream, err := b.JetStream().Stream(t.Context(), name)
		if err != nil {
			t.Errorf("stream %s: %v", name, err)
			continue
		}
		if stream.CachedInfo().Config.Storage != jetstream.FileStorage {
			t.Errorf("stream %s is in memory", name)
		}
	}
	for _, name := range bus.Buckets() {
		if _, err := b.JetStream().KeyValue(t.Context(), name); err != nil {
			t.Errorf("bucket %s: %v", name, err)
		}
	}
	seen := make(chan events.Progress, 1)
	watch, err := b.WatchLive(t.Context(), "", func(p events.Progress) { seen <- p })
	if err != nil {
		t.Fatal(err)
	}
	watch.Stop()
}
