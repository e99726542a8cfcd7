package inventory_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
	"github.com/fiord-bench/fiord/internal/registry"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/services/inventory"
)

// patience is how long a test waits for what must happen.
const patience = 2 * time.Minute

// site is a NATS server, a store, and what a test sees of the events.
type site struct {
	t     *testing.T
	nats  busServer
	bus   *bus.Bus // publishes as a person would
	store *artifacts.Store
	seen  chan events.Event
}

// busServer connects buses, as one more service or replica would.
type busServer interface{ Bus(source string) *bus.Bus }

func newSite(t *testing.T) *site {
	t.Helper()
	return watch(t, bustest.NewServer(t), artifactstest.New(t))
}

func watch(t *testing.T, server busServer, store *artifacts.Store) *site {
	t.Helper()
	s := &site{t: t, nats: server, bus: server.Bus("fiord/test"), store: store, seen: make(chan events.Event, 10_000)}
	sub, err := s.bus.Watch(t.Context(), bus.View{See: func(_ context.Context, seen bus.Seen) { s.seen <- seen.Event }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sub.Stop)
	return s
}

// quick is a configuration for tests: nothing is waited for without need.
func quick() inventory.Config {
	cfg := inventory.DefaultConfig()
	cfg.Grace = 0
	cfg.SweepEvery = 20 * time.Millisecond
	return cfg
}

// replica runs one inventory until the test ends or stop is called.
func (s *site) replica(cfg inventory.Config) (stop func()) {
	s.t.Helper()
	svc, err := inventory.New(cfg, service.Deps{
		Bus: s.nats.Bus("fiord/inventory"), Store: s.store, Log: slog.New(slog.NewTextHandler(s.t.Output(), nil)), Metrics: prometheus.NewRegistry(),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- svc.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("Run: %v", err)
		}
	}
	s.t.Cleanup(stop)
	return stop
}

// worker announces a host and returns it for changes.
func (s *site) worker(name string, pools []string, facts map[string]string) (announce func(change func(*registry.Host))) {
	s.t.Helper()
	kv, err := s.bus.JetStream().KeyValue(s.t.Context(), registry.Bucket)
	if err != nil {
		s.t.Fatal(err)
	}
	a := registry.NewAnnouncer(kv)
	h := registry.Host{
		Beat:    registry.Beat{Token: events.Token(name), Name: name, Incarnation: "1", Pools: pools, Capacity: 1},
		Details: registry.Details{Facts: facts},
	}
	announce = func(change func(*registry.Host)) {
		s.t.Helper()
		change(&h)
		if err := a.Announce(s.t.Context(), h); err != nil {
			s.t.Fatal(err)
		}
	}
	announce(func(*registry.Host) {})
	return announce
}

// request publishes a bench.requested and returns the bench's id.
func (s *site) request(key string, change func(*events.BenchRequested)) string {
	s.t.Helper()
	data := events.BenchRequested{Name: "randread", Jobs: []events.Job{{Name: "a.fio", Inline: "[a]\nrw=randread\n"}}}
	change(&data)
	e := events.New("fiord/test", key, nil, data)
	s.publish(e)
	return events.BenchID(e)
}

func (s *site) publish(e events.Event) {
	s.t.Helper()
	if _, err := s.bus.Publish(s.t.Context(), e); err != nil {
		s.t.Fatal(err)
	}
}

// await returns the next event of the type that the condition accepts.
func await[T events.Data](s *site, accept func(T) bool) (T, events.Event) {
	s.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case e := <-s.seen:
			if data, ok := e.Data.(T); ok && accept(data) {
				return data, e
			}
		case <-timeout:
			var zero T
			s.t.Fatalf("no %s within %s", zero.EventType(), patience)
		}
	}
}

// quiet fails if an event of the type turns up within a moment.
func quiet[T events.Data](s *site, moment time.Duration) {
	s.t.Helper()
	timeout := time.After(moment)
	for {
		select {
		case e := <-s.seen:
			if data, ok := e.Data.(T); ok {
				s.t.Fatalf("unexpected %s: %+v", e.Type, data)
			}
		case <-timeout:
			return
		}
	}
}

// stream reads all events of the types that are there.
func (s *site) stream(types ...events.Type) []events.Event {
	s.t.Helper()
	var all []events.Event
	caughtUp := make(chan struct{})
	sub, err := s.bus.Watch(s.t.Context(), bus.View{
		Types:    types,
		See:      func(_ context.Context, seen bus.Seen) { all = append(all, seen.Event) },
		CaughtUp: func() { close(caughtUp) },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	<-caughtUp
	sub.Stop()
	return all
}

func document[T any](s *site, claim events.ClaimCheck) T {
	s.t.Helper()
	var doc T
	if err := json.Unmarshal([]byte(artifactstest.Read(s.t, s.store, claim)), &doc); err != nil {
		s.t.Fatal(err)
	}
	return doc
}

func TestBenchForAPoolIsPlacedAndAnnounced(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.replica(quick())
	bench := s.request("1", func(r *events.BenchRequested) {
		r.Repeat = 2
		r.Matrix = map[string][]events.Scalar{"iodepth": {"1", "8"}}
		r.Timeout = events.Duration(time.Minute)
		r.Targets.Where = []string{"architecture==x86_64"}
	})
	runs, _ := await(s, func(r events.RunsRequested) bool { return r.Bench == bench })
	if runs.Pool != "default" || runs.Host != "" || runs.Runs != 4 || runs.Where[0] != "architecture==x86_64" {
		t.Errorf("runs.requested = %+v", runs)
	}
	list := document[events.RunList](s, runs.List)
	if len(list.Runs) != 4 || list.Timeout.Std() != time.Minute || list.Runs[0].Pool != "default" {
		t.Errorf("list = %+v", list)
	}
	if got := artifactstest.Read(t, s.store, list.Runs[0].File); got != "[a]\nrw=randread\n" {
		t.Errorf("job file = %q", got)
	}
	placed, e := await(s, func(p events.BenchPlaced) bool { return p.Bench == bench })
	if placed.Slots != 1 || placed.Hosts != 0 || placed.Runs != 4 || e.CausationID == "" {
		t.Errorf("bench.placed = %+v caused by %q", placed, e.CausationID)
	}
	if want := placed.PlacedAt.Add(24 * time.Hour); !placed.Deadline.Equal(want) {
		t.Errorf("deadline %v, want %v", placed.Deadline, want)
	}
	doc := document[events.Placement](s, placed.Placement)
	if doc.Bench != bench || len(doc.Slots) != 1 || len(doc.Slots[0].Runs) != 4 || doc.Slots[0].List != runs.List {
		t.Errorf("placement = %+v", doc)
	}
}

func TestBenchForHostsGoesToEachOfThem(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.worker("a.example", nil, map[string]string{"architecture": "x86_64"})
	s.replica(quick())
	bench := s.request("1", func(r *events.BenchRequested) {
		r.Targets = events.Targets{Hosts: []string{"a.example", "absent"}, Synchronised: true}
	})
	seen := map[string]events.RunList{}
	for range 2 {
		r, e := await(s, func(r events.RunsRequested) bool { return r.Bench == bench })
		if !strings.HasSuffix(e.NATSSubject(), ".host."+events.Token(r.Host)) {
			t.Errorf("subject %s of host %s", e.NATSSubject(), r.Host)
		}
		seen[r.Host] = document[events.RunList](s, r.List)
	}
	a, b := seen["a.example"], seen["absent"]
	if len(seen) != 2 || a.StartAt.IsZero() || !a.StartAt.Equal(b.StartAt) || a.Runs[0].Run == b.Runs[0].Run {
		t.Errorf("lists = %+v", seen)
	}
}

func TestHostsThatAreLeftOutAreToldWithTheirReasons(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.worker("a", []string{"default"}, map[string]string{"architecture": "x86_64"})
	s.worker("b", []string{"default"}, map[string]string{"architecture": "aarch64"})
	s.worker("c", []string{"default"}, nil)(func(h *registry.Host) { h.Draining = true })
	s.replica(quick())
	bench := s.request("1", func(r *events.BenchRequested) {
		r.Targets = events.Targets{Count: "all", Where: []string{"architecture==x86_64"}}
	})
	p, _ := await(s, func(p events.BenchPlaced) bool { return p.Bench == bench })
	got := document[events.Placement](s, p.Placement).Excluded
	want := []events.Exclusion{
		{Host: "c", Problems: []events.Problem{{Rule: "absent", Message: "c: draining, takes nothing new"}}},
		{Host: "b", Problems: []events.Problem{{Rule: "miss", Option: "architecture==x86_64", Message: `b: architecture is "aarch64", wanted architecture==x86_64`}}},
	}
	if diff := cmp.Diff(want, got); diff != "" || p.Excluded != 2 || p.Hosts != 1 {
		t.Errorf("%d hosts, %d excluded; placement (-want +got):\n%s", p.Hosts, p.Excluded, diff)
	}
}

func TestNobodyToMeasureEndsTheBenchUnplaced(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.worker("a", []string{"default"}, map[string]string{"architecture": "x86_64"})
	s.replica(quick())
	for name, tc := range map[string]struct {
		change  func(*events.BenchRequested)
		message string
	}{
		"no such fact":     {func(r *events.BenchRequested) { r.Targets.Where = []string{"architecture==sparc"} }, `a: architecture is "x86_64"`},
		"bad constraint":   {func(r *events.BenchRequested) { r.Targets.Where = []string{"architecture"} }, "column 13"},
		"unknown pool":     {func(r *events.BenchRequested) { r.Targets.Pool = "fast" }, "no worker serves"},
		"unknown group":    {func(r *events.BenchRequested) { r.Targets.Group = "nvme" }, "no inventory"},
		"missing job file": {func(r *events.BenchRequested) { r.Jobs[0] = missing(s) }, "not found"},
		"stranger's bucket": {func(r *events.BenchRequested) {
			r.Jobs[0] = missing(s)
			r.Jobs[0].Claim.Bucket = "other"
		}, "bucket"},
		"of what is none": {func(r *events.BenchRequested) {
			r.Jobs[0] = missing(s)
			r.Jobs[0].Claim.Key = "archive/x/ended.json"
		}, "want a key below one of jobs/, requests/, placements/"},
	} {
		t.Run(name, func(t *testing.T) {
			bench := s.request(name, tc.change)
			u, _ := await(s, func(u events.BenchUnplaced) bool { return u.Bench == bench })
			if !slices.ContainsFunc(u.Problems, func(p events.Problem) bool { return strings.Contains(p.Message, tc.message) }) {
				t.Errorf("problems %+v don't say %q", u.Problems, tc.message)
			}
		})
	}
}

// missing is a job file that was never stored.
func missing(s *site) events.Job {
	return events.Job{Name: "b.fio", Claim: &events.ClaimCheck{
		Bucket: s.store.Bucket(), Key: "jobs/none.fio", SHA256: strings.Repeat("0", 64), Size: 3, MediaType: "text/x-fio",
	}}
}

func TestWorkersThatAreStillStartingAreWaitedFor(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	cfg := quick()
	cfg.Grace = patience
	s.replica(cfg)
	bench := s.request("1", func(r *events.BenchRequested) { r.Targets.Pool = "fast" })
	time.Sleep(100 * time.Millisecond)
	s.worker("a", []string{"fast"}, nil)
	await(s, func(p events.BenchPlaced) bool { return p.Bench == bench })
}

func TestThreeReplicasDecideOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range 20 {
		s.worker(fmt.Sprint("host-", i), []string{"default"}, nil)
	}
	for range 3 {
		s.replica(quick())
	}
	const benches = 20
	for i := range benches {
		s.request(fmt.Sprint(i), func(r *events.BenchRequested) { r.Targets = events.Targets{Count: "3"} })
	}
	placed, slots := map[string]int{}, map[string]int{}
	for len(placed) < benches {
		p, _ := await(s, func(events.BenchPlaced) bool { return true })
		placed[p.Bench]++
	}
	decisions := 0
	// All events are in the stream before the last bench.placed.
	for _, e := range s.stream(events.TypeRunsRequested, events.TypeBenchPlaced) {
		switch data := e.Data.(type) {
		case events.RunsRequested:
			slots[fmt.Sprint(data.Bench, data.Slot)]++
		case events.BenchPlaced:
			decisions++
		}
	}
	if decisions != benches || len(slots) != 3*benches {
		t.Errorf("%d decisions and %d slots, want %d and %d", decisions, len(slots), benches, 3*benches)
	}
	for slot, n := range slots {
		if n != 1 {
			t.Errorf("slot %s was requested %d times", slot, n)
		}
	}
}

// A replica that died between deciding and announcing left a decision that
// nobody heard of; whoever gets the event next announces that very decision.
func TestDecisionOfADeadReplicaIsAnnounced(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	data := events.BenchRequested{Name: "randread", Jobs: []events.Job{{Name: "a.fio", Inline: "[a]"}}}
	e := events.New("fiord/test", "1", nil, data)
	bench := events.BenchID(e)
	list := artifactstest.Put(t, s.store, artifacts.PrefixPlacements+bench+"/lists/x.json", "application/json", "{}")
	run := events.RunRef{Bench: bench, Run: events.HashID("r"), Name: "randread", Job: "a.fio", Host: "chosen-before"}
	raw, err := json.Marshal(events.Placement{
		Bench: bench, Request: data, PlacedAt: time.Now(), Deadline: time.Now().Add(time.Hour),
		Slots: []events.Slot{{Host: "chosen-before", List: list, Runs: []events.RunRef{run}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	artifactstest.Put(t, s.store, artifacts.PlacementKey(bench), "application/json", string(raw))
	s.replica(quick())
	s.publish(e)
	if r, _ := await(s, func(r events.RunsRequested) bool { return r.Bench == bench }); r.Host != "chosen-before" {
		t.Errorf("host %q, want the one of the decision", r.Host)
	}
	await(s, func(p events.BenchPlaced) bool { return p.Bench == bench })
}

func TestBenchCancelledInTheQueueIsNotPlaced(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	e := events.New("fiord/test", "1", nil, events.BenchRequested{Name: "randread", Jobs: []events.Job{{Name: "a.fio", Inline: "[a]"}}})
	bench := events.BenchID(e)
	s.publish(events.New("fiord/test", "c", nil, events.CancelRequested{Bench: bench, Reason: "superseded", By: "fiord/ingest"}))
	s.publish(e)
	s.replica(quick())
	other := s.request("2", func(*events.BenchRequested) {})
	for {
		p, _ := await(s, func(events.BenchPlaced) bool { return true })
		if p.Bench == bench {
			t.Fatal("the cancelled bench was placed")
		}
		if p.Bench == other {
			break
		}
	}
	if _, err := s.store.Stat(t.Context(), artifacts.PlacementKey(bench)); !errors.Is(err, artifacts.ErrNotFound) {
		t.Errorf("placement of the cancelled bench: %v, want none", err)
	}
}
