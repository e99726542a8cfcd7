package choreography_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// A reaction that gives up leaves a letter and publishes what it owes, so that
// the bench ends. When the cause is mended the letter is redriven: its reaction
// alone gets the event, does what it could not do, and ends nothing again.
func TestWhatIsGivenUpOnEndsAndCanBeRedriven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inventory(nil)
	w.plot()
	stop := w.worker(w.workerConfig("measured"))
	first := w.request(quickJob, nil)
	ended[events.BenchReported](w, first)
	stop()
	result := w.resultOf(first)
	sum := sha256.Sum256([]byte(result))

	var key string
	w.minimalWorker(func(run events.RunRef, end func(events.Data) error) error {
		data := completed(run)
		key = artifacts.RunKey(data.Host, run.Run, 1, "result.json")
		data.Artifacts = []events.Artifact{{Name: "result.json", ClaimCheck: events.ClaimCheck{
			Bucket: w.store.Bucket(), Key: key, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(result)), MediaType: "application/json",
		}}}
		return end(data)
	})
	id := w.request(quickJob, nil)
	ended[events.BenchReported](w, id)
	owed := await[events.PlotsRendered](w, id, 1)[0]
	if len(owed.Figures) != 0 || len(owed.Flags) == 0 {
		t.Errorf("owed %+v, want no figures and the reason", owed)
	}
	letters := w.letters()
	if len(letters) != 1 || letters[0].Reaction != "plot-draw" || len(letters[0].Attempts) == 0 || !strings.Contains(letters[0].Reason, "result.json") {
		t.Fatalf("letters %+v", letters)
	}

	w.settled()
	artifactstest.Put(t, w.store, key, "application/json", result)
	before := w.handled()
	if err := w.bus.Redrive(t.Context(), letters[0].Number); err != nil {
		t.Fatal(err)
	}
	w.eventually("figures after the redrive", func() bool { return w.count(artifacts.PlotKey(owed.Run, "")) > 0 })
	w.settled()
	for reaction, n := range w.handled() {
		if got, want := n-before[reaction], map[string]uint64{"plot-draw": 1}[reaction]; got != want && reaction != "plot-tally" {
			t.Errorf("%s got %d events for the redriven one, want %d", reaction, got, want)
		}
	}
	if n := len(w.letters()); n != 1 {
		t.Errorf("%d letters after the redrive, want the old one", n)
	}
	w.expectOneEach(id, 1)
}

// A bench that cannot be placed through a fault of fiord's own ends as well,
// and is told to look at the dead letters.
func TestABenchWhoseRequestIsGivenUpOnEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// The decision cannot be written: something that is no decision stands there.
	e := events.New("fiord/cli", "blocked", nil, events.BenchRequested{Name: "blocked", Jobs: []events.Job{{Name: "a.fio", Inline: quickJob}}})
	id := events.BenchID(e)
	w.put(artifacts.PlacementKey(id), "no decision")
	w.inventory(nil)
	w.plot()
	if _, err := w.bus.Publish(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	unplaced := ended[events.BenchUnplaced](w, id)
	if len(unplaced.Problems) != 1 || !strings.Contains(unplaced.Problems[0].Message, "fiord dead") {
		t.Errorf("problems %+v", unplaced.Problems)
	}
	w.eventually("dead letter of inventory-place", func() bool {
		l := w.letters()
		return len(l) == 1 && l[0].Reaction == "inventory-place" && len(l[0].Attempts) == 6
	})
	w.settled()
	w.expectOneEach(id, 0)
}

// resultOf reads the result document of a bench's one run.
func (w *world) resultOf(bench string) string {
	w.t.Helper()
	for _, a := range await[events.RunCompleted](w, bench, 1)[0].Artifacts {
		if a.Name == "result.json" {
			return artifactstest.Read(w.t, w.store, a.ClaimCheck)
		}
	}
	w.t.Fatal("the run kept no result.json")
	return ""
}

func (w *world) letters() []bus.DeadLetter {
	w.t.Helper()
	var all []bus.DeadLetter
	for l, err := range w.bus.DeadLetters(w.t.Context(), "") {
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

// count is the number of objects below a prefix.
func (w *world) count(prefix string) int {
	w.t.Helper()
	n := 0
	for _, err := range w.store.List(w.t.Context(), prefix) {
		if err != nil {
			w.t.Fatal(err)
		}
		n++
	}
	return n
}

// handled is how many events each reaction was given so far.
func (w *world) handled() map[string]uint64 {
	w.t.Helper()
	stream, err := w.bus.JetStream().Stream(w.t.Context(), bus.StreamEvents)
	if err != nil {
		w.t.Fatal(err)
	}
	given := map[string]uint64{}
	for c := range stream.ListConsumers(w.t.Context()).Info() {
		if c.Config.Durable != "" {
			given[c.Name] = c.Delivered.Consumer
		}
	}
	return given
}

// A decision that cannot be announced, here because its list is none, leaves
// its runs to the sweep: they expire, and the bench is reported.
func TestABenchWhosePlacementCannotBeAnnouncedEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := events.New("fiord/cli", "unannounced", nil, events.BenchRequested{
		Name: "unannounced", Jobs: []events.Job{{Name: "a.fio", Inline: quickJob}}, Timeout: events.Duration(100 * time.Millisecond),
	})
	id := events.BenchID(e)
	run := events.RunRef{Bench: id, Run: events.RunID(id, 0, "", 0), Name: "unannounced", Job: "a.fio", Host: "absent"}
	now := time.Now().UTC().Truncate(time.Millisecond)
	w.putJSON(artifacts.PlacementKey(id), events.Placement{
		Bench: id, Request: e.Data.(events.BenchRequested), PlacedAt: now, Deadline: now.Add(time.Second),
		Slots: []events.Slot{{Host: "absent", Runs: []events.RunRef{run}}},
	})
	w.inventory(nil)
	w.plot()
	if _, err := w.bus.Publish(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if report := ended[events.BenchReported](w, id); report.Counts != (events.Counts{Planned: 1, Expired: 1}) {
		t.Errorf("counts %+v", report.Counts)
	}
	if l := w.letters(); len(l) != 1 || l[0].Reaction != "inventory-place" {
		t.Errorf("letters %+v", l)
	}
	w.settled()
	w.expectOneEach(id, 1)
}
