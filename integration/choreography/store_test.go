package choreography_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/cmd/fiord/script"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// mischief is what befalls a service's calls of the store while it lasts; false lets
// the call through.
type mischief struct {
	name string
	do   func(w http.ResponseWriter, r *http.Request) (answered bool)
	// harmless mischief only takes time.
	harmless bool
}

func answer(w http.ResponseWriter, status int, code string) bool {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>said by a test</Message></Error>", code)
	return true
}

func mischiefs() []mischief {
	return []mischief{
		{"refuses", func(w http.ResponseWriter, _ *http.Request) bool {
			return answer(w, http.StatusForbidden, "AccessDenied")
		}, false},
		{"has another time", func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
			return answer(w, http.StatusForbidden, "RequestTimeTooSkewed")
		}, false},
		{"has no bucket yet", func(w http.ResponseWriter, _ *http.Request) bool {
			return answer(w, http.StatusNotFound, "NoSuchBucket")
		}, false},
		{"breaks connections", func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }, false},
		{"is overloaded", func(w http.ResponseWriter, _ *http.Request) bool {
			return answer(w, http.StatusServiceUnavailable, "SlowDown")
		}, false},
		{"is slow", func(http.ResponseWriter, *http.Request) bool { time.Sleep(300 * time.Millisecond); return false }, true},
	}
}

// mischievous opens the store by way of somebody who can do mischief.
func (w *world) mischievous(m mischief) (store *artifacts.Store, on *atomic.Bool, calls *atomic.Int64) {
	w.t.Helper()
	target, err := url.Parse(w.s3.Endpoint)
	if err != nil {
		w.t.Fatal(err)
	}
	on, calls = &atomic.Bool{}, &atomic.Int64{}
	// The host is signed: the server must see the one that the client knows.
	through := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host }}
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if on.Load() {
			calls.Add(1)
			if m.do(rw, r) {
				return
			}
		}
		through.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(srv.Close)
	cfg := w.s3
	cfg.Endpoint, cfg.Attempts, cfg.Backoff = srv.URL, 2, 10*time.Millisecond
	if store, err = artifacts.New(cfg); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(store.Close)
	return store, on, calls
}

// A store's error means the same to every service: what may mend is waited for, be it
// a refusal, and the bench ends as if nothing had been. Services once disagreed, and
// one ended the bench for good.
func TestWhateverAStoreSaysToAServiceNothingIsLost(t *testing.T) {
	for _, name := range []string{"inventory", "bench", "plot"} {
		for _, m := range mischiefs() {
			t.Run(name+"/"+m.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				store, on, calls := w.mischievous(m)
				w.stores = map[string]*artifacts.Store{name: store}
				w.inventory(nil)
				w.plot()
				w.worker(w.workerConfig("here"))
				on.Store(true)
				id := w.request(quickJob, nil)
				w.eventually("calls of "+name, func() bool { return calls.Load() > 2 })
				time.Sleep(time.Second) // mischief goes on
				if ends := w.endsOf(id); !m.harmless && ends[id] > 0 {
					t.Errorf("the bench ended meanwhile: %+v", w.end(id))
				}
				on.Store(false)
				ended[events.BenchReported](w, id)
				w.expectOneEach(id, 1)
				w.noneDead()
				if runs := of[events.RunCompleted](w, id); len(runs) != 1 {
					t.Errorf("%d runs completed", len(runs))
				}
				if plots := of[events.PlotsRendered](w, id); len(plots) != 1 || len(plots[0].Figures) == 0 {
					t.Errorf("drawn: %+v", plots)
				}
			})
		}
	}
}

func (w *world) noneDead() {
	w.t.Helper()
	for l, err := range w.bus.DeadLetters(w.t.Context(), "") {
		w.t.Errorf("dead letter of %s: %s %v", l.Reaction, l.Reason, err)
	}
}

// A push was accepted: while its job files cannot be stored it waits, and its
// benches are asked for once they can.
func TestWhateverAStoreSaysToIngestAPushIsRead(t *testing.T) {
	for _, m := range mischiefs() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			store, on, calls := w.mischievous(m)
			w.stores = map[string]*artifacts.Store{"ingest": store}
			repo := newRepository(t)
			w.ingest(repo.wrapper)
			on.Store(true)
			commit := repo.commit("measure")
			w.pushed(repo, strings.Repeat("0", 40), commit)
			w.eventually("calls of ingest", func() bool { return calls.Load() > 0 })
			time.Sleep(time.Second) // mischief goes on
			if outcomes := w.all(ofPush); !m.harmless && len(outcomes) > 0 {
				t.Errorf("meanwhile the push came to %s: %+v", outcomes[0].Type, outcomes[0].Data)
			}
			on.Store(false)
			id := w.benchOf(commit)
			w.settled()
			if outcomes := w.all(ofPush); len(outcomes) != 1 || events.BenchID(outcomes[0]) != id {
				t.Errorf("the push came to %d events: %+v", len(outcomes), outcomes)
			}
			w.noneDead()
		})
	}
}

// ofPush are the events that a push can come to.
func ofPush(e events.Event) bool {
	return e.Type == events.TypeBenchRequested || e.Type == events.TypePushRejected || e.Type == events.TypePushIgnored
}

// A script's files are fetched for it: it runs once, when they are there.
func TestWhateverAStoreSaysToAScriptItRunsOnce(t *testing.T) {
	for _, m := range mischiefs() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			store, on, calls := w.mischievous(m)
			trace := filepath.Join(t.TempDir(), "trace")
			c := script.Command{
				Args:  []string{"/bin/sh", "-c", `cat "$0" >> "$1"`, "{list}", trace},
				Store: store, RetryAfter: time.Second, Stdout: t.Output(), Stderr: t.Output(),
			}
			running, err := w.nats.Bus("fiord/cli").React(t.Context(), bus.Reaction{
				Service: "on", Name: "test", Types: []events.Type{events.TypeRunsRequested}, Handle: c.Handle, OnDead: bus.OwesNothing, MaxAttempts: 2, ConfirmAck: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer running.Stop()
			claim := artifactstest.Put(t, w.store, "lists/a", "text/plain", "once\n")
			on.Store(true)
			w.emit("for the script", events.RunsRequested{
				Bench: events.HashID("bench"), Name: "n", Host: "here", Runs: 1, List: claim, Deadline: time.Now().Add(time.Hour),
			})
			w.eventually("calls for the script", func() bool { return calls.Load() > 2 || m.harmless && calls.Load() > 0 })
			time.Sleep(time.Second) // mischief goes on
			if text, err := os.ReadFile(trace); !m.harmless && err == nil {
				t.Errorf("the script ran meanwhile, on %q", text)
			}
			on.Store(false)
			var text []byte
			w.eventually("script", func() bool { text, err = os.ReadFile(trace); return err == nil && len(text) > 0 })
			w.settled()
			if text, err = os.ReadFile(trace); err != nil || string(text) != "once\n" {
				t.Errorf("the script ran on %q, %v", text, err)
			}
			w.noneDead()
		})
	}
}
