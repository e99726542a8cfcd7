package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
	"github.com/fiord-bench/fiord/internal/service"
)

// world is a bus and a store, and what tests ask of a worker in it.
type world struct {
	t     testing.TB
	nats  *bustest.Server
	bus   *bus.Bus // inventory's
	store *artifacts.Store
	data  string // the folder that jobs may write
	seen  chan events.Event

	barrierPatience time.Duration // 0 for the worker's own
}

func newWorld(t testing.TB) *world {
	t.Helper()
	if _, err := exec.LookPath("fio"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("%v: apt-get install fio", err)
	}
	n := bustest.NewServer(t)
	w := &world{
		t: t, nats: n, bus: n.Bus("fiord/inventory"), store: artifactstest.New(t),
		data: filepath.Join(t.TempDir(), "data"), seen: make(chan events.Event, 1000),
	}
	w.watch()
	return w
}

// watch collects what happens to runs.
func (w *world) watch() {
	w.t.Helper()
	view, err := w.bus.Watch(w.t.Context(), bus.View{
		Types: []events.Type{
			events.TypeRunStarted, events.TypeRunCompleted, events.TypeRunFailed,
			events.TypeRunRejected, events.TypeRunCancelled, events.TypeRunExpired,
		},
		See: func(_ context.Context, s bus.Seen) { w.seen <- s.Event },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(view.Stop)
}

// config is a worker's in this world: plain processes, quick timers.
func (w *world) config(host string) Config {
	cfg := DefaultConfig()
	cfg.Host, cfg.Runner = host, "process"
	cfg.StateDir = filepath.Join(w.t.TempDir(), "state")
	cfg.Gate = filepath.Join(cfg.StateDir, "gate")
	cfg.Directories = []string{w.data}
	cfg.FactsDir = filepath.Join(cfg.StateDir, "facts.d")
	cfg.MinFree = 0
	cfg.Others = 0 // other tests run beside this one
	cfg.AckWait = 2 * time.Second
	cfg.StopWait = 100 * time.Millisecond
	return cfg
}

// start runs a worker until stop is called or the test ends.
func (w *world) start(cfg Config) (s *Service, stop func()) {
	w.t.Helper()
	return w.startWith(cfg, service.Deps{})
}

// startWith starts a worker with some of its dependencies chosen.
func (w *world) startWith(cfg Config, deps service.Deps) (s *Service, stop func()) {
	w.t.Helper()
	deps.Bus, deps.Store, deps.Log = w.nats.Bus(source), w.store, testLog(w.t)
	s, err := New(cfg, deps)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.barrierPatience > 0 {
		s.barrierPatience = w.barrierPatience
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("worker ended with %v", err)
		}
	}
	w.t.Cleanup(stop)
	return s, stop
}

func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(line []byte) (int, error) {
	defer func() { _ = recover() }() // a line after the test's end
	w.t.Log(strings.TrimSpace(string(line)))
	if strings.Contains(string(line), "a mistake in fiord") {
		w.t.Errorf("a run took a way that no run can take: %s", line)
	}
	return len(line), nil
}

// bench is a list for one host or pool as inventory would make it.
type bench struct {
	host, pool string
	jobs       []string
	change     func(*events.RunList)
}

// request stores the list and asks for it; it returns the runs.
func (w *world) request(b bench) events.RunList {
	w.t.Helper()
	id := events.HashID("bench", w.t.Name(), fmt.Sprint(time.Now().UnixNano()))
	list := events.RunList{Bench: id, Name: "test", Deadline: time.Now().Add(time.Hour)}
	for i, text := range b.jobs {
		claim, err := w.store.Put(w.t.Context(), artifacts.JobKey(hash(text)), "text/plain", strings.NewReader(text))
		if err != nil {
			w.t.Fatal(err)
		}
		list.Runs = append(list.Runs, events.Invocation{File: claim, RunRef: events.RunRef{
			Bench: id, Run: events.RunID(id, 0, "", i), Name: "test", Job: fmt.Sprintf("jobs/%d.fio", i),
			Index: i, Repeat: i, Host: b.host, Pool: b.pool,
		}})
	}
	if b.change != nil {
		b.change(&list)
	}
	w.publish(list, b)
	return list
}

func (w *world) publish(list events.RunList, b bench) {
	w.t.Helper()
	raw, err := json.Marshal(list)
	if err != nil {
		w.t.Fatal(err)
	}
	claim, err := w.store.Put(w.t.Context(), fmt.Sprintf("placements/%s/%d.json", list.Bench, list.Slot), "application/json", bytes.NewReader(raw))
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = w.bus.Emit(w.t.Context(), fmt.Sprint(list.Bench, list.Slot), nil, events.RunsRequested{
		Bench: list.Bench, Name: list.Name, Host: b.host, Pool: b.pool, Slot: list.Slot, Runs: len(list.Runs), List: claim,
		Where: list.Where, Deadline: list.Deadline,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func hash(text string) string {
	return events.HashID(text) // any name will do here
}

const patience = 2 * time.Minute

// until returns the events seen up to the first that matches.
func (w *world) until(what string, match func(events.Event) bool) []events.Event {
	w.t.Helper()
	var all []events.Event
	timeout := time.After(patience)
	for {
		select {
		case e := <-w.seen:
			all = append(all, e)
			if match(e) {
				return all
			}
		case <-timeout:
			w.t.Fatalf("no %s within %s; saw %s", what, patience, names(all))
		}
	}
}

func names(all []events.Event) string {
	var out []string
	for _, e := range all {
		out = append(out, e.Type.Noun()+"."+e.Type.Verb()+" "+e.Subject)
	}
	return strings.Join(out, ", ")
}

// end waits for the end of one run.
func (w *world) end(inv events.Invocation) events.Event {
	w.t.Helper()
	all := w.until("end of run "+inv.Run, func(e events.Event) bool { return e.Type.Ends() == "run" && e.Subject == inv.Run })
	return all[len(all)-1]
}

// started waits for the start of one run.
func (w *world) started(inv events.Invocation) events.RunStarted {
	w.t.Helper()
	all := w.until("start of run "+inv.Run, func(e events.Event) bool { return e.Type == events.TypeRunStarted && e.Subject == inv.Run })
	return all[len(all)-1].Data.(events.RunStarted)
}

// ended asserts the type of an end.
func ended[T events.Data](t testing.TB, e events.Event) T {
	t.Helper()
	d, ok := e.Data.(T)
	if !ok {
		t.Fatalf("run ended with %s: %+v", e.Type, e.Data)
	}
	return d
}

// read returns an artifact's content.
func (w *world) read(all []events.Artifact, name string) string {
	w.t.Helper()
	for _, a := range all {
		if a.Name == name {
			b, err := w.store.ReadAll(w.t.Context(), a.ClaimCheck, 64<<20)
			if err != nil {
				w.t.Fatal(err)
			}
			return string(b)
		}
	}
	w.t.Fatalf("no artifact %s among %v", name, all)
	return ""
}

const (
	quickJob = "[quick]\nrw=randwrite\nbs=4k\nsize=1m\n"
	slowJob  = "[slow]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=30\nrate_iops=1000\n"
	timedJob = "[timed]\nioengine=null\nrw=randread\nsize=1g\ntime_based\nruntime=2\n"
)
