package inventory_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/natsd"
	"github.com/fiord-bench/fiord/services/inventory"
	"github.com/fiord-bench/fiord/services/inventory/ec2/ec2test"
)

// guarded is a server on which inventory has its own rights and no more, and a
// user who may do everything.
type guarded struct {
	t     *testing.T
	nsd   *natsd.Server
	pairs map[string]nkeys.KeyPair
	log   *lockedBuffer
}

func newGuarded(t *testing.T, cfg inventory.Config) *guarded {
	t.Helper()
	g := &guarded{t: t, pairs: map[string]nkeys.KeyPair{}, log: &lockedBuffer{}}
	var users []*server.NkeyUser
	for user, rights := range map[string]*server.Permissions{"inventory": inventory.Needs(cfg).Permissions(), "test": nil} {
		pair, err := nkeys.CreateUser()
		if err != nil {
			t.Fatal(err)
		}
		public, err := pair.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		g.pairs[user] = pair
		users = append(users, &server.NkeyUser{Nkey: public, Permissions: rights})
	}
	nsd, err := natsd.Start(natsd.Options{StoreDir: t.TempDir(), Port: -1, Users: users})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nsd.Close)
	g.nsd = nsd
	if err := g.Bus("fiord/test").Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	return g
}

// Bus connects as the user that the source names.
func (g *guarded) Bus(source string) *bus.Bus {
	g.t.Helper()
	user := strings.TrimPrefix(source, "fiord/")
	public, err := g.pairs[user].PublicKey()
	if err != nil {
		g.t.Fatal(err)
	}
	c := bus.Connection{Name: user, Log: slog.New(slog.NewTextHandler(g.log, nil)), Extra: []nats.Option{g.nsd.InProcess(), nats.Nkey(public, g.pairs[user].Sign)}}
	if user != "test" {
		c.InboxPrefix = access.InboxPrefix(user)
	}
	nc, err := bus.Connect(g.t.Context(), c)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(nc.Close)
	b, err := bus.New(bus.Options{Conn: nc, Source: source})
	if err != nil {
		g.t.Fatal(err)
	}
	return b
}

// lockedBuffer takes log lines of several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// Everything that inventory does, with the rights that it declares: placing,
// tallying, expiring, telling of lost hosts, discovering and generating.
func TestDeclaredRightsSuffice(t *testing.T) {
	fake := &ec2test.Server{Regions: map[string][]ec2test.Instance{"a": fleetOf("web1"), "b": nil}}
	cfg := discovering(t, fake, twoRegions)
	cfg.Reconcile, cfg.LostAfter = time.Hour, 10*time.Second
	g := newGuarded(t, cfg)
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
	if log := g.log.String(); strings.Contains(strings.ToLower(log), "permission") {
		t.Errorf("inventory lacks rights:\n%s", log)
	}
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
	g := newGuarded(t, quick())
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
