package inventory_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access/accesstest"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/inventory"
	"github.com/fiord-bench/fiord/services/inventory/ec2/ec2test"
)

// guarded is a server on which inventory has its own rights and no more.
func guarded(t *testing.T, cfg inventory.Config) *accesstest.Server {
	t.Helper()
	return accesstest.NewServer(t, map[string]*server.Permissions{"inventory": inventory.Needs(cfg).Permissions(), "test": nil})
}

// Everything that inventory does, with the rights that it declares: placing,
// tallying, expiring, telling of lost hosts, discovering and generating.
func TestDeclaredRightsSuffice(t *testing.T) {
	fake := &ec2test.Server{Regions: map[string][]ec2test.Instance{"a": fleetOf("web1"), "b": nil}}
	cfg := discovering(t, fake, twoRegions)
	cfg.Reconcile, cfg.LostAfter = time.Hour, 10*time.Second
	g := guarded(t, cfg)
	s := newSiteOn(t, g)
	s.worker("lost", nil, nil)
	s.replica(cfg)
	await(s, func(g events.InventoryGenerated) bool { return g.Counts.Emitted == 1 }) // asked for by itself
	bench := s.request("1", func(r *events.BenchRequested) { brief(r) })
	await(s, func(e events.RunExpired) bool { return e.Bench == bench })
	s.request("2", func(r *events.BenchRequested) { r.Targets.Pool = "nosuch" })
	await(s, func(events.BenchUnplaced) bool { return true })
	await(s, func(l events.HostLost) bool { return l.Host == "lost" })
	s.publish(events.New("fiord/test", "c", nil, events.InstanceChanged{Provider: "aws", Region: "a", Instance: "i-web1", State: "running", At: time.Now()}))
	await(s, func(events.InstancesDiscovered) bool { return true })
	s.publish(events.New("fiord/test", "d", nil, events.DiscoveryRequested{Sources: []string{"nosuch"}}))
	b := g.Bus("fiord/test")
	for deadline := time.Now().Add(patience); letters(t, b, "inventory-discover") == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no dead letter of a discovery that names no source")
		}
	}
	g.ExpectNoViolation()
}

func letters(t *testing.T, b *bus.Bus, reaction string) int {
	t.Helper()
	n := 0
	for _, err := range b.DeadLetters(t.Context(), reaction) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func TestInventoryMayNotDoWhatOthersDo(t *testing.T) {
	g := guarded(t, quick())
	b := g.Bus("fiord/inventory")
	run := events.RunRef{Bench: events.HashID("b"), Run: events.HashID("r"), Name: "n", Job: "a.fio", Host: "a"}
	for name, data := range map[string]events.Data{
		"end a run well": events.RunFailed{RunRef: run, Reason: "r", EndedAt: time.Now()},
		"cancel":         events.CancelRequested{Bench: run.Bench, Reason: "r", By: "b"},
		"ask for benches": events.BenchRequested{
			Name: "n", Jobs: []events.Job{{Name: "a.fio", Inline: "[a]"}},
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if _, err := b.Publish(ctx, events.New("fiord/inventory", name, nil, data)); err == nil {
			t.Errorf("inventory may %s", name)
		}
		cancel()
	}
}

func newSiteOn(t *testing.T, server busServer) *site {
	t.Helper()
	return watch(t, server, artifactstest.New(t))
}
