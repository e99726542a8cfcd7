package choreography_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	"github.com/fiord-bench/fiord/services/bench"
	"github.com/fiord-bench/fiord/services/inventory"
	"github.com/fiord-bench/fiord/services/notify"
	"github.com/fiord-bench/fiord/services/plot"
)

// patience is how long a test waits for what must happen, on a machine that
// has other things to do as well.
const patience = 2 * time.Minute

// world is a bus and a store, and services over them.
type world struct {
	t     *testing.T
	nats  *bustest.Server
	bus   *bus.Bus // a person's
	store *artifacts.Store
	// stores of services that have one of their own, by name.
	stores map[string]*artifacts.Store
	s3     artifacts.Config
	asked  int

	mu   sync.Mutex
	seen []bus.Seen
}

func newWorld(t *testing.T) *world {
	t.Helper()
	n := bustest.NewServer(t)
	server := artifactstest.Start(t, t.TempDir())
	w := &world{t: t, nats: n, bus: n.Bus("fiord/cli"), store: artifactstest.Open(t, server.Config()), s3: server.Config()}
	view, err := w.bus.Watch(t.Context(), bus.View{See: func(_ context.Context, s bus.Seen) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.seen = append(w.seen, s)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(view.Stop)
	return w
}

// run runs one replica of a service until stop is called or the test ends.
func (w *world) run(name string, build func(service.Deps) (service.Runner, error)) (stop func()) {
	w.t.Helper()
	log := slog.New(slog.NewTextHandler(w.t.Output(), nil)).With("service", name)
	store := w.store
	if own, ok := w.stores[name]; ok {
		store = own
	}
	s, err := build(service.Deps{
		Bus: w.nats.BusWith(bus.Options{Source: "fiord/" + name, Log: log, AckWait: 2 * time.Second}), Store: store, Log: log,
		Metrics: prometheus.NewRegistry(), Version: "test",
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("%s ended with %v", name, err)
		}
	})
	w.t.Cleanup(stop)
	return stop
}

func (w *world) inventory(change func(*inventory.Config)) (stop func()) {
	w.t.Helper()
	cfg := inventory.DefaultConfig()
	cfg.Grace, cfg.SweepEvery = 0, 50*time.Millisecond
	if change != nil {
		change(&cfg)
	}
	return w.run("inventory", func(d service.Deps) (service.Runner, error) { return inventory.New(cfg, d) })
}

func (w *world) plot() (stop func()) {
	w.t.Helper()
	cfg := plot.DefaultConfig()
	cfg.Listen, cfg.PublicURL, cfg.Grace = "127.0.0.1:0", "http://fiord.example", 200*time.Millisecond
	cfg.ConfirmAfter = 0 // the machine of a test is asked again at once
	return w.run("plot", func(d service.Deps) (service.Runner, error) { return plot.New(cfg, d) })
}

// notify tells an address of the ends of benches and bad runs.
func (w *world) notify(url string) (stop func()) {
	w.t.Helper()
	cfg := notify.Config{Targets: []notify.Target{{Name: "hook", Kind: "webhook", URL: url,
		On: []string{"bench.requested", "bench.reported", "bench.cancelled", "bench.unplaced"}}}}
	stop = w.run("notify", func(d service.Deps) (service.Runner, error) { return notify.New(cfg, d) })
	w.eventually("queue of the target", func() bool {
		_, err := w.bus.JetStream().Consumer(w.t.Context(), bus.StreamEvents, "notify-hook")
		return err == nil
	})
	return stop
}

// workerConfig is that of a host whose fio is a plain process.
func (w *world) workerConfig(host string) bench.Config {
	w.t.Helper()
	needs(w.t, "fio")
	dir := w.t.TempDir()
	cfg := bench.DefaultConfig()
	cfg.Others = 0 // other tests run beside this one
	cfg.Host, cfg.Runner = host, "process"
	cfg.StateDir, cfg.Gate = filepath.Join(dir, "state"), filepath.Join(dir, "gate")
	cfg.Directories, cfg.FactsDir = []string{filepath.Join(dir, "data")}, filepath.Join(dir, "facts.d")
	cfg.MinFree, cfg.AckWait, cfg.StopWait = 0, 2*time.Second, 50*time.Millisecond
	return cfg
}

func (w *world) worker(cfg bench.Config) (stop func()) {
	w.t.Helper()
	return w.run("bench", func(d service.Deps) (service.Runner, error) { return bench.New(cfg, d) })
}

// Jobs that measure nothing: for a moment, and for as long as they are let.
const (
	quickJob = "[quick]\nioengine=null\nrw=randread\nsize=1m\n"
	slowJob  = "[slow]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=300\nrate_iops=1000\n"
)

// request asks for a bench as a person would and returns its id.
func (w *world) request(job string, change func(*events.BenchRequested)) (bench string) {
	w.t.Helper()
	w.asked++
	data := events.BenchRequested{Name: "choreography", Jobs: []events.Job{{Name: "a.fio", Inline: job}}}
	if change != nil {
		change(&data)
	}
	e := w.emit(fmt.Sprintf("request-%d", w.asked), data)
	return events.BenchID(e)
}

func (w *world) emit(key string, data events.Data) events.Event {
	w.t.Helper()
	e, err := w.bus.Emit(w.t.Context(), key, nil, data)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

func (w *world) cancel(bench string) {
	w.t.Helper()
	w.emit("cancel "+bench, events.CancelRequested{Bench: bench, Reason: "no longer wanted", By: "tester"})
}

// all are the events seen so far for which match holds, in the stream's order.
func (w *world) all(match func(events.Event) bool) []events.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []events.Event
	for _, s := range w.seen {
		if match(s.Event) {
			list = append(list, s.Event)
		}
	}
	return list
}

// of are the events of one type about one bench.
func of[T events.Data](w *world, bench string) []T {
	var list []T
	for _, e := range w.all(func(e events.Event) bool { return benchOf(e) == bench }) {
		if data, ok := e.Data.(T); ok {
			list = append(list, data)
		}
	}
	return list
}

// await waits until there are n events of a type about a bench.
func await[T events.Data](w *world, bench string, n int) []T {
	w.t.Helper()
	var zero T
	w.eventually(fmt.Sprintf("%d %s of bench %s", n, zero.EventType(), bench), func() bool { return len(of[T](w, bench)) >= n })
	return of[T](w, bench)
}

// end waits for a bench's terminal.
func (w *world) end(bench string) events.Event {
	w.t.Helper()
	match := func(e events.Event) bool { return e.Type.Ends() == "bench" && e.Subject == bench }
	w.eventually("end of bench "+bench, func() bool { return len(w.all(match)) > 0 })
	return w.all(match)[0]
}

// ended waits for a bench's terminal, which must be of a type.
func ended[T events.Data](w *world, bench string) T {
	w.t.Helper()
	e := w.end(bench)
	data, ok := e.Data.(T)
	if !ok {
		w.t.Fatalf("bench %s ended with %s: %+v", bench, e.Type, e.Data)
	}
	return data
}

// endsOf counts the terminals of a bench and each of its runs, by id.
func (w *world) endsOf(bench string) map[string]int {
	ends := map[string]int{}
	for _, e := range w.all(func(e events.Event) bool { return e.Type.Ends() != "" && benchOf(e) == bench }) {
		ends[e.Subject]++
	}
	return ends
}

// expectOneEach wants one end of the bench and one of each of its runs.
func (w *world) expectOneEach(bench string, runs int) {
	w.t.Helper()
	ends := w.endsOf(bench)
	if len(ends) != runs+1 {
		w.t.Errorf("bench %s: %d ends of runs and bench, want %d", bench, len(ends), runs+1)
	}
	for id, n := range ends {
		if n != 1 {
			w.t.Errorf("bench %s: %s ended %d times", bench, id, n)
		}
	}
}

func benchOf(e events.Event) string {
	if e.Type == events.TypeBenchRequested {
		return events.BenchID(e)
	}
	raw, err := json.Marshal(e.Data)
	if err != nil {
		return ""
	}
	var about struct{ Bench string }
	if err := json.Unmarshal(raw, &about); err != nil {
		return ""
	}
	return about.Bench
}

func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("no %s within %s; events: %s", what, patience, w.history())
		}
	}
}

func (w *world) history() string {
	var names []string
	for _, e := range w.all(func(events.Event) bool { return true }) {
		names = append(names, e.Type.Noun()+"."+e.Type.Verb())
	}
	return strings.Join(names, " ")
}

// settled waits until no reaction has anything to do.
func (w *world) settled() {
	w.t.Helper()
	stream, err := w.bus.JetStream().Stream(w.t.Context(), bus.StreamEvents)
	if err != nil {
		w.t.Fatal(err)
	}
	quiet := 0
	w.eventually("rest", func() bool {
		open := uint64(0)
		for c := range stream.ListConsumers(w.t.Context()).Info() {
			if c.Config.Durable != "" {
				open += c.NumPending + uint64(c.NumAckPending) //nolint:gosec // not negative
			}
		}
		if quiet++; open > 0 {
			quiet = 0
		}
		return quiet > 3
	})
}

func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skipf("%v: apt-get install %s", err, p)
		}
	}
}
