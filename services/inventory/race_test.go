package inventory_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/services/inventory"
)

// members of a cluster give each new connection the next server.
type members struct {
	*bustest.Cluster
	mu   sync.Mutex
	next int
}

func (m *members) Bus(source string) *bus.Bus {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.next++
	return m.Cluster.Bus(m.next%3, source)
}

// Replicas on different servers of a cluster get the same request at the same
// time, as after an acknowledgement that came too late. Their clocks differ, so
// each would decide otherwise: one does, and all announce what it decided.
func TestReplicasThatRaceAnnounceOneDecision(t *testing.T) {
	t.Parallel()
	s := watch(t, &members{Cluster: bustest.NewCluster(t)}, artifactstest.New(t))
	for i := range 6 {
		s.worker(fmt.Sprint("host-", i), []string{"default"}, nil)
	}
	stop := s.replica(quick()) // leaves its durable consumer behind
	s.request("first", func(*events.BenchRequested) {})
	await(s, func(events.BenchPlaced) bool { return true })
	stop()
	for _, replicas := range []int{2, 3} {
		t.Run(fmt.Sprint(replicas, " replicas"), func(t *testing.T) {
			sub := *s
			sub.t = t
			sub.race(replicas, 8)
		})
	}
}

// race has each request be placed by all replicas at once.
func (s *site) race(replicas, requests int) {
	benches := map[string]int{} // announcements of each
	for n := range requests {
		e := events.New("fiord/test", fmt.Sprint(replicas, " ", n), nil, events.BenchRequested{
			Name: "randread", Jobs: []events.Job{{Name: "a.fio", Inline: "[a]"}}, Targets: events.Targets{Count: "2"},
		})
		ack, err := s.bus.Publish(s.t.Context(), e)
		if err != nil {
			s.t.Fatal(err)
		}
		benches[events.BenchID(e)] = 0
		for range replicas - 1 {
			given := 0
			for deadline := time.Now().Add(30 * time.Second); given == 0; { // the member that is asked may not have it yet
				var err error
				if given, err = s.bus.Replay(s.t.Context(), "inventory-place", ack.Sequence, ack.Sequence); err != nil || given > 1 || time.Now().After(deadline) {
					s.t.Fatalf("%d given again: %v", given, err)
				}
			}
		}
	}
	decided := 0.
	stops := make([]func() float64, replicas)
	for i := range stops {
		stops[i] = s.counted(quick())
	}
	defer func() {
		for _, stop := range stops {
			decided += stop()
		}
		if decided <= float64(requests) {
			s.t.Errorf("%g decisions were tried for %d requests: nobody raced", decided, requests)
		}
		s.t.Logf("%d replicas: %g decisions tried, %d taken", replicas, decided, requests)
		s.announcedOnce(benches)
	}()
	for range requests {
		await(s, func(p events.BenchPlaced) bool { _, mine := benches[p.Bench]; return mine })
	}
}

// counted runs a replica; stop ends it when its work is done and says how many
// decisions it tried.
func (s *site) counted(cfg inventory.Config) (stop func() float64) {
	s.t.Helper()
	metrics := prometheus.NewRegistry()
	svc, err := inventory.New(cfg, service.Deps{
		Bus: s.nats.Bus("fiord/inventory"), Store: s.store, Log: slog.New(slog.NewTextHandler(s.t.Output(), nil)), Metrics: metrics,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- svc.Run(ctx) }()
	return func() float64 {
		cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("Run: %v", err)
		}
		placed := 0.
		families, err := metrics.Gather()
		if err != nil {
			s.t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() != "fiord_inventory_placements_total" {
				continue
			}
			for _, m := range f.GetMetric() {
				if m.GetLabel()[0].GetValue() == "placed" {
					placed += m.GetCounter().GetValue()
				}
			}
		}
		return placed
	}
}

// announcedOnce reads the whole stream: each bench has one bench.placed and
// each slot one runs.requested, and both are what the placement says.
func (s *site) announcedOnce(benches map[string]int) {
	s.t.Helper()
	slots := map[string]int{}
	for _, e := range s.stream(events.TypeRunsRequested, events.TypeBenchPlaced) {
		switch data := e.Data.(type) {
		case events.RunsRequested:
			if _, mine := benches[data.Bench]; !mine {
				continue
			}
			claim, err := s.store.Claim(s.t.Context(), artifacts.PlacementKey(data.Bench))
			if err != nil {
				s.t.Fatal(err)
			}
			slots[fmt.Sprint(data.Bench, " ", data.Slot)]++
			if slot := document[events.Placement](s, claim).Slots[data.Slot]; slot.Host != data.Host || slot.List != data.List {
				s.t.Errorf("bench %s: slot %d was announced for %s with %s, and decided for %s with %s", data.Bench, data.Slot, data.Host, data.List.Key, slot.Host, slot.List.Key)
			}
		case events.BenchPlaced:
			if _, mine := benches[data.Bench]; !mine {
				continue
			}
			benches[data.Bench]++
			claim, err := s.store.Claim(s.t.Context(), artifacts.PlacementKey(data.Bench))
			if err != nil || claim.SHA256 != data.Placement.SHA256 {
				s.t.Errorf("bench %s: %s was announced, %s is decided (%v)", data.Bench, data.Placement.SHA256, claim.SHA256, err)
			}
		}
	}
	for bench, n := range benches {
		if n != 1 {
			s.t.Errorf("bench %s was announced %d times", bench, n)
		}
	}
	for slot, n := range slots {
		if n != 1 {
			s.t.Errorf("slot %s was requested %d times", slot, n)
		}
	}
	if want := 2 * len(benches); len(slots) != want {
		s.t.Errorf("%d slots, want %d", len(slots), want)
	}
}
