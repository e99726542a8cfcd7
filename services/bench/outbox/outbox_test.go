package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
	"github.com/fiord-bench/fiord/services/bench/spool"
)

// world is an outbox between a real spool, store and bus.
type world struct {
	*Outbox
	t    *testing.T
	nats *bustest.Server
	ref  events.RunRef

	mu   sync.Mutex
	ends []bus.Ending
	idle bool
}

func newWorld(t *testing.T) *world {
	t.Helper()
	waiting, err := spool.Open(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = waiting.Close() })
	n := bustest.NewServer(t)
	bench := events.HashID("bench")
	w := &world{t: t, nats: n, ref: events.RunRef{
		Bench: bench, Run: events.RunID(bench, 0, "", 0), Name: "test", Job: "a.fio", Host: "host-1", Attempt: 1,
	}}
	w.Outbox = &Outbox{
		Spool: waiting, Store: artifactstest.New(t), Bus: n.Bus(source), Log: slog.New(slog.DiscardHandler),
		Idle: func() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.idle },
		Ended: func(e bus.Ending, _ events.Type) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.ends = append(w.ends, e)
		},
	}
	return w
}

// commit puts a failed attempt with these files into the spool.
func (w *world) commit(files map[string]string) {
	w.t.Helper()
	a, err := w.Spool.Begin(w.ref.Run, w.ref.Attempt, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	var entry spool.Entry
	for name, text := range files {
		path := filepath.Join(a.Dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			w.t.Fatal(err)
		}
		entry.Files = append(entry.Files, spool.File{Name: name, MediaType: "text/plain", Compress: strings.HasPrefix(name, "logs/")})
	}
	cause, err := events.Marshal(events.New("fiord/test", "list", nil, events.CancelRequested{Bench: w.ref.Bench, Reason: "any event", By: "test"}))
	if err != nil {
		w.t.Fatal(err)
	}
	data := events.RunCompleted{
		RunRef: w.ref, StartedAt: time.Now().UTC(), EndedAt: time.Now().UTC(), Integrity: events.Integrity{State: events.IntegrityOK},
	}
	if entry.End, err = json.Marshal(End{Cause: cause, Type: data.EventType(), Data: data}); err != nil {
		w.t.Fatal(err)
	}
	if err := a.Commit(entry); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) waiting() int {
	w.t.Helper()
	pending, err := w.Spool.Pending()
	if err != nil {
		w.t.Fatal(err)
	}
	return len(pending)
}

func (w *world) published() []bus.Ending {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]bus.Ending(nil), w.ends...)
}

// end is the one in the stream.
func (w *world) end() events.Data {
	w.t.Helper()
	e, found, err := w.Bus.Ended(w.t.Context(), w.ref.EndFilter())
	if err != nil || !found {
		w.t.Fatalf("the run has no end: %v", err)
	}
	return e.Data
}

func TestTheEndNamesWhatWasStoredBeforeIt(t *testing.T) {
	w := newWorld(t)
	w.commit(map[string]string{"job.fio": "[a]\n", "logs/fio_bw.1.log": "1, 2, 0, 4096\n"})
	w.ShipNow(t.Context())
	done, ok := w.end().(events.RunCompleted)
	if !ok || len(done.Artifacts) != 1 || done.Artifacts[0].Name != "job.fio" || done.Logs == nil {
		t.Fatalf("%+v", w.end())
	}
	if text, err := w.Store.ReadAll(t.Context(), done.Artifacts[0].ClaimCheck, 100); err != nil || string(text) != "[a]\n" {
		t.Errorf("job.fio is %q, %v", text, err)
	}
	raw, err := w.Store.ReadAll(t.Context(), *done.Logs, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var set events.LogSet
	if err := json.Unmarshal(raw, &set); err != nil || len(set.Logs) != 1 || set.Logs[0].Name != "logs/fio_bw.1.log" || !strings.HasSuffix(set.Logs[0].Key, artifacts.SuffixZstd) {
		t.Errorf("%s, %v", raw, err)
	}
	if ends := w.published(); len(ends) != 1 || !ends[0].Won || w.waiting() != 0 {
		t.Errorf("%d ends, %d waiting", len(ends), w.waiting())
	}
}

// A worker that is killed after its end was published and before the spool forgot
// it ships again.
func TestWhatIsShippedTwiceEndsOnce(t *testing.T) {
	w := newWorld(t)
	for range 2 {
		w.commit(map[string]string{"job.fio": "[a]\n"})
		w.ShipNow(t.Context())
	}
	if ends := w.published(); len(ends) != 2 || ends[0].Sequence != ends[1].Sequence {
		t.Errorf("%+v", ends)
	}
	if n := w.waiting(); n != 0 {
		t.Errorf("%d wait", n)
	}
}

func TestFilesThatClashWithStoredOnesFailTheRun(t *testing.T) {
	w := newWorld(t)
	key := artifacts.RunKey(w.ref.Host, w.ref.Run, w.ref.Attempt, "job.fio")
	if _, err := w.Store.Put(t.Context(), key, "text/plain", strings.NewReader("of another life")); err != nil {
		t.Fatal(err)
	}
	w.commit(map[string]string{"job.fio": "[a]\n"})
	w.ShipNow(t.Context())
	if failed, ok := w.end().(events.RunFailed); !ok || !strings.Contains(failed.Reason, "cannot be stored") {
		t.Errorf("%+v", w.end())
	}
	if n := w.waiting(); n != 0 {
		t.Errorf("%d wait", n)
	}
}

func TestWithoutTheBusTheEndWaits(t *testing.T) {
	w := newWorld(t)
	w.commit(map[string]string{"job.fio": "[a]\n"})
	w.nats.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w.ShipNow(ctx)
	if n := w.waiting(); n != 1 {
		t.Fatalf("%d wait", n)
	}
	w.nats.Restart()
	for end := time.Now().Add(time.Minute); w.waiting() > 0; {
		if time.Now().After(end) {
			t.Fatal("not shipped when the bus was back")
		}
		w.ShipNow(t.Context())
	}
	if _, ok := w.end().(events.RunCompleted); !ok {
		t.Errorf("%+v", w.end())
	}
}

func TestNothingIsShippedBesideAMeasurementButTheEndOfARun(t *testing.T) {
	w := newWorld(t)
	w.commit(map[string]string{"job.fio": "[a]\n"})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { w.Run(ctx) })
	time.Sleep(time.Second) // in which it would be shipped
	if n := w.waiting(); n != 1 {
		t.Fatalf("shipped while the host was measuring: %d wait", n)
	}
	w.ShipNow(t.Context())
	if n := w.waiting(); n != 0 {
		t.Errorf("%d wait", n)
	}
}

func TestAnIdleHostShipsWhatWaits(t *testing.T) {
	w := newWorld(t)
	w.idle = true
	w.commit(map[string]string{"job.fio": "[a]\n"})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { w.Run(ctx) })
	for end := time.Now().Add(time.Minute); w.waiting() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not shipped")
		}
	}
}
