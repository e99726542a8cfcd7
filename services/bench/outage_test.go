package bench

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/artifacts/embedded"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/bench/spool"
	"github.com/fiord-bench/fiord/services/bench/starts"
)

func TestARunOutlivesTheStoreAndTheBus(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	s3, err := embedded.Start(t.Context(), embedded.Options{Dir: dir, Bucket: artifactstest.Bucket, AccessKey: "test-root", SecretKey: "test-root-secret"})
	if err != nil {
		t.Fatal(err)
	}
	w.store = artifactstest.Open(t, s3.Config())
	s, _ := w.start(w.config("host-1"))
	list := w.request(bench{host: "host-1", jobs: []string{timedJob}})
	w.started(list.Runs[0])

	address := strings.TrimPrefix(s3.Endpoint(), "http://")
	if err := s3.Close(); err != nil {
		t.Fatal(err)
	}
	w.nats.Restart()
	waitFor(t, "the run in the spool", func() bool {
		holds, err := s.spool.Holds(list.Runs[0].Run)
		return err == nil && holds
	})
	if used, err := s.spool.Used(); err != nil || used == 0 {
		t.Errorf("spool holds %d bytes, %v", used, err)
	}

	back, err := embedded.Start(t.Context(), embedded.Options{
		Dir: dir, Bucket: artifactstest.Bucket, AccessKey: "test-root", SecretKey: "test-root-secret", Addr: address,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = back.Close() })
	done := ended[events.RunCompleted](t, w.end(list.Runs[0]))
	w.read(done.Artifacts, "result.json")
	w.logs(done)
	waitFor(t, "an empty spool", func() bool {
		pending, err := s.spool.Pending()
		return err == nil && len(pending) == 0
	})
}

func TestAFullSpoolHoldsTheNextRunUntilItIsShipped(t *testing.T) {
	w := newWorld(t)
	cfg := w.config("host-1")
	cfg.SpoolLimit = 4096
	ballast(t, cfg, 8192)
	s, _ := w.start(cfg)
	list := w.request(bench{host: "host-1", jobs: []string{quickJob}})
	select {
	case e := <-w.seen:
		t.Fatalf("%s with a full spool", e.Type)
	case <-time.After(2 * time.Second):
	}
	if err := s.spool.Ship(t.Context(), func(context.Context, spool.Entry) error { return nil }); err != nil {
		t.Fatal(err)
	}
	ended[events.RunCompleted](t, w.end(list.Runs[0]))
}

// ballast commits an attempt whose end nobody can read, and so nobody ships.
func ballast(t *testing.T, cfg Config, size int) {
	t.Helper()
	s, err := spool.Open(filepath.Join(cfg.StateDir, "spool"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	a, err := s.Begin("ballast", 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(a.Dir, "x"), make([]byte, size), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := a.Commit(spool.Entry{Files: []spool.File{{Name: "x"}}, End: []byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
}

func waitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %s within %s", what, patience)
		}
	}
}

func TestAStoppedWorkerLeavesTheRunToTheNext(t *testing.T) {
	w := newWorld(t)
	_, stop := w.start(w.config("host-a"))
	list := w.request(bench{pool: "default", jobs: []string{"[a]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=3\n"}})
	if first := w.started(list.Runs[0]); first.Attempt != 1 {
		t.Fatalf("%+v", first)
	}
	stop()
	w.start(w.config("host-b"))
	done := ended[events.RunCompleted](t, w.end(list.Runs[0]))
	if done.Attempt != 2 || done.Host != "host-b" {
		t.Errorf("ended by %s as attempt %d", done.Host, done.Attempt)
	}
}

func TestARunThatNeverComesToAnEndIsGivenUp(t *testing.T) {
	w := newWorld(t)
	cfg := w.config("host-1")
	cfg.Starts = 2
	list := w.request(bench{host: "host-1", jobs: []string{quickJob}})
	// Two workers counted their start and died.
	kv, err := w.bus.JetStream().KeyValue(t.Context(), bus.BucketStarts)
	if err != nil {
		t.Fatal(err)
	}
	dead := starts.Counter{KV: kv}
	for i := range 2 {
		so, err := dead.Of(t.Context(), list.Runs[0].Run)
		if err != nil || so.Against() != i {
			t.Fatalf("starts %+v, %v", so, err)
		}
		if err := dead.Add(t.Context(), list.Runs[0].Run, so); err != nil {
			t.Fatal(err)
		}
		if err := dead.Add(t.Context(), list.Runs[0].Run, so); !errors.Is(err, starts.ErrTaken) {
			t.Fatalf("one start was counted twice: %v", err)
		}
	}
	w.start(cfg)
	failed := ended[events.RunFailed](t, w.end(list.Runs[0]))
	if !strings.Contains(failed.Reason, "started 2 times") || failed.Attempt != 2 {
		t.Errorf("%+v", failed)
	}
}

func TestConstraintsAreHeldAgainstTheHostAsItIs(t *testing.T) {
	w := newWorld(t)
	cfg := w.config("host-1")
	if err := os.MkdirAll(cfg.FactsDir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cfg.FactsDir, "rack.txt"), []byte("rack=r1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	w.start(cfg)
	holds := w.request(bench{host: "host-1", jobs: []string{quickJob}, change: func(l *events.RunList) {
		l.Where = []string{"rack==r1", "cpus>=1", "memory_free>=1MiB", "system_overload_10min==/[0-9]+/"}
	}})
	ended[events.RunCompleted](t, w.end(holds.Runs[0]))
	misses := w.request(bench{host: "host-1", jobs: []string{quickJob}, change: func(l *events.RunList) {
		l.Where = []string{"rack==r2"}
	}})
	select {
	case e := <-w.seen:
		t.Fatalf("%s for %s", e.Type, misses.Runs[0].Run)
	case <-time.After(1500 * time.Millisecond):
	}
}

func TestALostListFailsItsRuns(t *testing.T) {
	w := newWorld(t)
	list := w.request(bench{host: "host-1", jobs: []string{quickJob}})
	// The list is damaged behind the bus's back: its hash no longer fits, and
	// the placement still names its runs.
	key := "placements/" + list.Bench + "/0.json"
	if err := w.store.Remove(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	placed := `{"bench":"` + list.Bench + `","slots":[{"slot":0,"host":"host-1","runs":[` + ref(t, list.Runs[0].RunRef) + `]}]}`
	if _, err := w.store.Put(t.Context(), "placements/"+list.Bench+".json", "application/json", strings.NewReader(placed)); err != nil {
		t.Fatal(err)
	}
	w.start(w.config("host-1"))
	failed := ended[events.RunFailed](t, w.end(list.Runs[0]))
	if !strings.Contains(failed.Reason, "gave up on the list") {
		t.Errorf("%+v", failed)
	}
}

func ref(t *testing.T, r events.RunRef) string {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
