package choreography_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// TestReplayOfAWholeBenchChangesNothing gives every event of a bench that has
// ended to every reaction again, after the window in which JetStream would
// swallow duplicates: what keeps things from happening twice are the services.
func TestReplayOfAWholeBenchChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topology := bus.DefaultTopology()
	topology.DuplicateWindow = 500 * time.Millisecond
	if err := w.nats.BusWith(bus.Options{Source: "fiord/test", Topology: topology}).Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	var told atomic.Int64
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		told.Add(1)
	}))
	t.Cleanup(hook.Close)
	w.notify(hook.URL)
	w.inventory(nil)
	w.plot()
	w.worker(w.workerConfig("a"))
	id := w.request(quickJob, func(r *events.BenchRequested) { r.Repeat = 2 })
	ended[events.BenchReported](w, id)
	w.settled()
	time.Sleep(2 * topology.DuplicateWindow)

	before := w.effects(told.Load())
	given := 0
	for _, reaction := range w.durables() {
		n, err := w.bus.Replay(t.Context(), reaction, 1, 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d events to %s", n, reaction)
		given += n
	}
	if given < 10 {
		t.Errorf("only %d events were replayed", given)
	}
	w.settled()
	after := w.effects(told.Load())
	for what, was := range before {
		if after[what] != was {
			t.Errorf("%s was %v, is %v", what, was, after[what])
		}
	}
	if len(after) != len(before) {
		t.Errorf("%d things before the replay, %d after", len(before), len(after))
	}
	w.expectOneEach(id, 2)
}

// effects are what replaying must leave as it is: objects by key with their
// etag, ends, starts of fio, notices, dead letters.
func (w *world) effects(notices int64) map[string]any {
	w.t.Helper()
	found := map[string]any{"notices": notices}
	for info, err := range w.store.List(w.t.Context(), "") {
		if err != nil {
			w.t.Fatal(err)
		}
		found["object "+info.Key] = info.ETag
	}
	count := func(what string, match func(events.Event) bool) { found[what] = len(w.all(match)) }
	count("ends", func(e events.Event) bool { return e.Type.Ends() != "" })
	count("starts", func(e events.Event) bool { return e.Type == events.TypeRunStarted })
	count("lists", func(e events.Event) bool { return e.Type == events.TypeRunsRequested })
	letters := 0
	for _, err := range w.bus.DeadLetters(w.t.Context(), "") {
		if err != nil {
			w.t.Fatal(err)
		}
		letters++
	}
	found["dead letters"] = letters
	return found
}

// durables are the reactions of all services that run.
func (w *world) durables() []string {
	w.t.Helper()
	stream, err := w.bus.JetStream().Stream(w.t.Context(), bus.StreamEvents)
	if err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for c := range stream.ListConsumers(w.t.Context()).Info() {
		if c.Config.Durable != "" && !strings.HasPrefix(c.Name, "bench-wanted-") {
			names = append(names, c.Name)
		}
	}
	return names
}
