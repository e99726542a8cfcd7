package registry_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/registry"
)

// bucket is the hosts' bucket of a real server in this process.
func bucket(t *testing.T) jetstream.KeyValue {
	t.Helper()
	_, kv := emptyBucket(t)
	return kv
}

func emptyBucket(t *testing.T) (jetstream.JetStream, jetstream.KeyValue) {
	t.Helper()
	srv, err := server.NewServer(&server.Options{JetStream: true, StoreDir: t.TempDir(), DontListen: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(5 * time.Second) {
		t.Fatal("NATS server isn't ready")
	}
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	kv, err := js.CreateOrUpdateKeyValue(t.Context(), registry.BucketConfig(1))
	if err != nil {
		t.Fatal(err)
	}
	return js, kv
}

func host(name string) registry.Host {
	return registry.Host{
		Beat: registry.Beat{
			Token: events.Token(name), Name: name, Incarnation: "a", Capacity: 1,
			Pools: []string{"default"}, Load: map[string]string{"system_overload_10min": "07"},
		},
		Details: registry.Details{Facts: map[string]string{"architecture": "x86_64"}},
	}
}

// follow runs a view and returns it with a channel that hears of each beat.
func follow(t *testing.T, kv jetstream.KeyValue, lostAfter time.Duration) (*registry.View, <-chan string) {
	t.Helper()
	beats := make(chan string, 100)
	v := registry.NewView(kv, registry.ViewConfig{LostAfter: lostAfter, OnBeat: func(token string) { beats <- token }})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = v.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	select {
	case <-v.Ready():
	case <-time.After(time.Minute):
		t.Fatal("view didn't become ready")
	}
	return v, beats
}

func heard(t *testing.T, beats <-chan string) string {
	t.Helper()
	select {
	case token := <-beats:
		return token
	case <-time.After(time.Minute):
		t.Fatal("no beat within a minute")
		return ""
	}
}

func TestAnnouncedHostIsSeenWithFactsOfBothRecords(t *testing.T) {
	kv := bucket(t)
	v, beats := follow(t, kv, 0)
	if err := registry.NewAnnouncer(kv).Announce(t.Context(), host("node-1.example")); err != nil {
		t.Fatal(err)
	}
	token := heard(t, beats)
	h, ok := v.Host(token)
	if !ok || token != "node-1_2eexample" || !h.Alive {
		t.Fatalf("Host(%q) = %+v, %v", token, h, ok)
	}
	facts := h.AllFacts()
	for k, want := range map[string]string{"host": "node-1.example", "architecture": "x86_64", "system_overload_10min": "07"} {
		if facts[k] != want {
			t.Errorf("fact %s = %q, want %q", k, facts[k], want)
		}
	}
	if all := v.Hosts(); len(all) != 1 || !all[0].InPool("default") || all[0].InPool("other") {
		t.Errorf("Hosts() = %+v", all)
	}
}

func TestDetailsAreWrittenOnlyWhenTheyChange(t *testing.T) {
	kv := bucket(t)
	a, h := registry.NewAnnouncer(kv), host("a")
	revision := func() uint64 {
		e, err := kv.Get(t.Context(), registry.DetailsKey("a"))
		if err != nil {
			t.Fatal(err)
		}
		return e.Revision()
	}
	announce := func() {
		t.Helper()
		if err := a.Announce(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	announce()
	first := revision()
	h.Load = map[string]string{"system_overload_10min": "50"}
	announce()
	if got := revision(); got != first {
		t.Errorf("details written again at %d though only the load changed", got)
	}
	h.Facts = map[string]string{"architecture": "aarch64"}
	announce()
	if got := revision(); got == first {
		t.Error("changed facts weren't written")
	}
}

func TestDetailsAreRefreshedBeforeTheyExpire(t *testing.T) {
	js, _ := emptyBucket(t)
	cfg := registry.BucketConfig(1)
	cfg.Bucket, cfg.TTL = "short", 2*time.Second // a busy machine may be late
	kv, err := js.CreateKeyValue(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	a := registry.NewAnnouncer(kv)
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err := a.Announce(t.Context(), host("a")); err != nil {
			t.Fatal(err)
		}
		if _, err := kv.Get(t.Context(), registry.DetailsKey("a")); err != nil {
			t.Fatalf("details of a host that beats are gone: %v", err)
		}
	}
}

func TestHostThatStopsBeatingIsNoLongerAlive(t *testing.T) {
	kv := bucket(t)
	v, beats := follow(t, kv, 50*time.Millisecond)
	if err := registry.NewAnnouncer(kv).Announce(t.Context(), host("a")); err != nil {
		t.Fatal(err)
	}
	heard(t, beats)
	time.Sleep(80 * time.Millisecond)
	if h, ok := v.Host("a"); !ok || h.Alive {
		t.Errorf("Host = %+v, %v; want known and not alive", h, ok)
	}
}

func TestHostThatLeavesIsForgotten(t *testing.T) {
	kv := bucket(t)
	v, beats := follow(t, kv, 0)
	a := registry.NewAnnouncer(kv)
	if err := a.Announce(t.Context(), host("a")); err != nil {
		t.Fatal(err)
	}
	heard(t, beats)
	if err := a.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); len(v.Hosts()) > 0; time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > time.Minute {
			t.Fatalf("still known after leaving: %+v", v.Hosts())
		}
	}
}

// A NATS server that restarts forgets a bucket in memory: revisions start
// again at 1, and a watch resumed behind the old sequence hears nothing.
func TestBothSidesSurviveABucketThatWasEmptied(t *testing.T) {
	js, kv := emptyBucket(t)
	v, beats := follow(t, kv, 200*time.Millisecond)
	a := registry.NewAnnouncer(kv)
	for range 10 {
		if err := a.Announce(t.Context(), host("a")); err != nil {
			t.Fatal(err)
		}
		heard(t, beats)
	}
	if err := js.DeleteKeyValue(t.Context(), registry.Bucket); err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateKeyValue(t.Context(), registry.BucketConfig(1)); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		if err := a.Announce(t.Context(), host("a")); err != nil {
			t.Fatal(err)
		}
		_, err := kv.Get(t.Context(), registry.DetailsKey("a"))
		if h, ok := v.Host("a"); ok && h.Alive && err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("the fleet didn't recover")
}

func TestRecordsThatAreNotTheHostsOwnAreIgnored(t *testing.T) {
	kv := bucket(t)
	for key, value := range map[string]string{
		registry.BeatKey("a"): `{"token":"b","name":"b","incarnation":"x","capacity":1}`,
		registry.BeatKey("c"): `{"token":"c","name":"c","incarnation":"x"}`,
		registry.BeatKey("d"): `not JSON`,
		"other.e":             `{}`,
	} {
		if _, err := kv.PutString(t.Context(), key, value); err != nil {
			t.Fatal(err)
		}
	}
	v, _ := follow(t, kv, 0)
	if got := v.Hosts(); len(got) != 0 {
		t.Errorf("Hosts() = %+v, want none", got)
	}
}

func TestAnnounceRefusesBadRecords(t *testing.T) {
	kv := bucket(t)
	a := registry.NewAnnouncer(kv)
	for name, tc := range map[string]struct {
		spoil func(*registry.Host)
		want  error
	}{
		"no name":        {func(h *registry.Host) { h.Name = "" }, registry.ErrInvalidHost},
		"foreign token":  {func(h *registry.Host) { h.Token = "b" }, registry.ErrInvalidHost},
		"no incarnation": {func(h *registry.Host) { h.Incarnation = "" }, registry.ErrInvalidHost},
		"no capacity":    {func(h *registry.Host) { h.Capacity = 0 }, registry.ErrInvalidHost},
		"huge load":      {func(h *registry.Host) { h.Load["x"] = strings.Repeat("y", 1<<20) }, registry.ErrTooLarge},
		"huge facts":     {func(h *registry.Host) { h.Facts["x"] = strings.Repeat("y", 1<<20) }, registry.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			h := host("a")
			tc.spoil(&h)
			if err := a.Announce(t.Context(), h); !errors.Is(err, tc.want) {
				t.Errorf("Announce = %v, want %v", err, tc.want)
			}
		})
	}
}
