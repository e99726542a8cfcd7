package gc_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/cmd/fiord/gc"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
)

const day = 24 * time.Hour

// host measured every run that has no other.
const host = "a.example"

// world is a store on a server of its own, whose objects can be made older, and
// a bus without events unless a test publishes some.
type world struct {
	t     *testing.T
	dir   string
	nats  *bustest.Server
	store *artifacts.Store
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	store := artifactstest.Open(t, artifactstest.Start(t, dir).Config())
	return &world{t: t, dir: dir, nats: bustest.NewServer(t), store: store}
}

// put stores an object that is some days old.
func (w *world) put(key, text string, age time.Duration) events.ClaimCheck {
	w.t.Helper()
	claim := artifactstest.Put(w.t, w.store, key, "application/json", text)
	w.age(key, age)
	return claim
}

// age makes an object look as if it had been written then.
func (w *world) age(key string, age time.Duration) {
	w.t.Helper()
	then := time.Now().Add(-age)
	if err := os.Chtimes(filepath.Join(w.dir, artifactstest.Bucket, filepath.FromSlash(key)), then, then); err != nil {
		w.t.Fatal(err)
	}
}

// ageAll makes every object below the prefixes as old.
func (w *world) ageAll(age time.Duration, prefixes ...string) {
	w.t.Helper()
	for _, prefix := range prefixes {
		for _, key := range w.keys(prefix) {
			w.age(key, age)
		}
	}
}

// keys lists what is stored below a prefix.
func (w *world) keys(prefix string) []string {
	w.t.Helper()
	var keys []string
	for info, err := range w.store.List(w.t.Context(), prefix) {
		if err != nil {
			w.t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

// collect collects what is older than ninety days.
func (w *world) collect(change ...func(*gc.Options)) gc.Report {
	w.t.Helper()
	opt := gc.Options{OlderThan: 90 * day, Grace: day, Delete: true}
	for _, c := range change {
		c(&opt)
	}
	report, err := gc.Collect(w.t.Context(), w.nats.Bus("fiord/cli"), w.store, opt)
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}

func dry(o *gc.Options)         { o.Delete = false }
func withArchive(o *gc.Options) { o.Archive = true }

// present fails unless every key is stored, absent unless none is.
func (w *world) present(keys ...string) { w.t.Helper(); w.stored(true, keys) }
func (w *world) absent(keys ...string)  { w.t.Helper(); w.stored(false, keys) }

func (w *world) stored(want bool, keys []string) {
	w.t.Helper()
	all := w.keys("")
	for _, key := range keys {
		if _, found := slices.BinarySearch(all, key); found != want {
			w.t.Errorf("%s: stored %v, want %v", key, found, want)
		}
	}
}

// story is what a bench leaves in the store.
type story struct {
	key      string
	age      time.Duration // of everything it left
	open     bool          // it has not ended
	jobs     []string      // contents of its job files
	runs     int
	against  string         // bench that its request names as baseline
	baseline string         // bench that its report was held against
	second   string         // bench that confirmed it
	verdict  events.Verdict // of its report
}

// told is a bench in the store.
type told struct {
	story
	id      string
	runIDs  []string
	jobKeys []string
	own     []string // keys of its runs, figures, reports and decision
	records []string // keys of its archive
}

// tell stores a bench as the services leave it behind.
func (w *world) tell(s story) told {
	w.t.Helper()
	b := told{story: s}
	request := events.BenchRequested{Name: "randread"}
	for _, text := range s.jobs {
		claim := w.job(text, s.age)
		b.jobKeys = append(b.jobKeys, claim.Key)
		request.Jobs = append(request.Jobs, events.Job{Name: text, Claim: &claim})
	}
	if len(s.jobs) == 0 {
		request.Jobs = []events.Job{{Name: "inline", Inline: "[j]"}}
	}
	if s.against != "" {
		request.Compare = &events.Compare{Baseline: s.against}
	}
	asked := events.New("fiord/ingest", s.key, nil, request)
	b.id = events.BenchID(asked)
	own := func(key string) { w.put(key, key, s.age); b.own = append(b.own, key) }
	for i := range s.runs {
		run := events.RunID(b.id, 0, "", i)
		b.runIDs = append(b.runIDs, run)
		own(artifacts.RunKey(host, run, 1, "result.json"))
		own(artifacts.RunKey(host, run, 1, "logs/iops.1.log.zst"))
		own(artifacts.PlotKey(run, "iops.svg"))
		b.records = append(b.records, artifacts.ArchiveKey("runs", run))
		w.put(b.records[len(b.records)-1], fmt.Sprintf(`{"bench":%q}`, b.id), s.age)
	}
	w.decide(b.id, request, s.age)
	b.own = append(b.own, artifacts.PlacementKey(b.id))
	own(artifacts.PrefixPlacements + b.id + "/lists/0.json")
	b.records = append(b.records, w.record(b.id, "requested", asked, s.age))
	if s.open {
		return b
	}
	own(artifacts.ReportKey(b.id, "report.html"))
	own(artifacts.ReportKey(b.id, "verdict.json"))
	if b.verdict == "" {
		b.verdict = events.VerdictUnchanged
	}
	b.records = append(b.records, w.record(b.id, "ended", events.New("fiord/plot", "", &asked, events.BenchReported{
		Bench: b.id, Name: "randread", Verdict: b.verdict, Headline: "As before.", Baseline: s.baseline, Confirmation: confirmedBy(s.second),
	}), s.age))
	return b
}

// job stores a job file; one that is there keeps its age, as it does for
// whoever puts it.
func (w *world) job(text string, age time.Duration) events.ClaimCheck {
	w.t.Helper()
	key := artifacts.JobKey(text)
	_, err := w.store.Stat(w.t.Context(), key)
	claim := artifactstest.Put(w.t, w.store, key, "text/x-fio", text)
	if err != nil {
		w.age(key, age)
	}
	return claim
}

func (w *world) decide(bench string, request events.BenchRequested, age time.Duration) {
	w.t.Helper()
	raw, err := json.Marshal(events.Placement{Bench: bench, Request: request})
	if err != nil {
		w.t.Fatal(err)
	}
	w.put(artifacts.PlacementKey(bench), string(raw), age)
}

// record archives an event as plot does.
func (w *world) record(bench, name string, e events.Event, age time.Duration) string {
	w.t.Helper()
	raw, err := events.Marshal(e)
	if err != nil {
		w.t.Fatal(err)
	}
	key := artifacts.ArchiveKey(bench, name)
	w.put(key, fmt.Sprintf(`{"stored":%q,"event":%s}`, time.Now().Format(time.RFC3339), raw), age)
	return key
}

// entry is one bench of a history.
type entry struct {
	Bench    string         `json:"bench"`
	Verdict  events.Verdict `json:"verdict"`
	Accepted bool           `json:"accepted,omitempty"`
}

// remember stores a history as plot does.
func (w *world) remember(name string, entries ...entry) {
	w.t.Helper()
	raw, err := json.Marshal(map[string]any{"name": name, "entries": entries})
	if err != nil {
		w.t.Fatal(err)
	}
	w.put(artifacts.ArchiveKey("history", events.HashID("history", name)), string(raw), 0)
}

// content is everything stored, as one text.
func (w *world) content() string { w.t.Helper(); return strings.Join(w.keys(""), "\n") }

// publish publishes an event of somebody's.
func (w *world) publish(data events.Data) {
	w.t.Helper()
	if _, err := w.nats.Bus("fiord/test").Publish(w.t.Context(), events.New("fiord/test", w.t.Name(), nil, data)); err != nil {
		w.t.Fatal(err)
	}
}

// confirmedBy says that a bench was measured again; nil for none.
func confirmedBy(second string) *events.Confirmation {
	if second == "" {
		return nil
	}
	return &events.Confirmation{Bench: second, Outcome: events.OutcomeConfirmed, Reason: "seen again"}
}
