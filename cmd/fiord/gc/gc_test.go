package gc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/artifacts/embedded"
	"github.com/fiord-bench/fiord/cmd/fiord/gc"
	"github.com/fiord-bench/fiord/events"
)

func TestOldBenchesGoAndTheirRecordsStay(t *testing.T) {
	w := newWorld(t)
	old := w.tell(story{key: "old", age: 100 * day, jobs: []string{"old"}, runs: 2})
	young := w.tell(story{key: "young", age: 80 * day, jobs: []string{"young"}, runs: 2})
	open := w.tell(story{key: "open", age: 400 * day, jobs: []string{"open"}, runs: 1, open: true})
	before := w.content()
	foretold := w.collect(dry)
	if diff := cmp.Diff(before, w.content()); diff != "" {
		t.Fatalf("a dry run removed something:\n%s", diff)
	}
	var things []string
	done := w.collect(func(o *gc.Options) {
		o.Goes = func(x gc.Thing) error { things = append(things, x.Name); return nil }
	})
	w.absent(append(old.own, old.jobKeys...)...)
	w.present(old.records...)
	for _, b := range []told{young, open} {
		w.present(b.own...)
		w.present(b.jobKeys...)
		w.present(b.records...)
	}
	foretold.Deleted = true
	foretold.Before = done.Before
	if diff := cmp.Diff(foretold, done); diff != "" {
		t.Errorf("the dry run told something else:\n%s", diff)
	}
	// Two runs and their figures, a report, a placement and a job file.
	if len(things) != 7 || !strings.Contains(strings.Join(things, " "), "runs/host.a_2eexample/"+old.runIDs[0]) {
		t.Errorf("told of %q", things)
	}
	if n := len(old.own) + len(old.jobKeys); done.Total.Goes.Objects != n || done.Total.Goes.Bytes == 0 {
		t.Errorf("%+v, want %d objects", done.Total, n)
	}
	if n := len(w.keys("")); done.Total.Stays.Objects != n {
		t.Errorf("%d objects are said to stay, %d are there", done.Total.Stays.Objects, n)
	}
	if again := w.collect(); again.Total.Goes.Objects != 0 {
		t.Errorf("a second collection found %+v", again.Total)
	}
}

func TestBaselinesStay(t *testing.T) {
	w := newWorld(t)
	age := 200 * day
	first := w.tell(story{key: "first", age: age, runs: 1, jobs: []string{"j"}})
	accepted := w.tell(story{key: "accepted", age: age, runs: 1, jobs: []string{"k"}, verdict: events.VerdictRegressed})
	current := w.tell(story{key: "current", age: age, runs: 1, jobs: []string{"l"}, baseline: first.id})
	regressed := w.tell(story{key: "regressed", age: age, runs: 1, jobs: []string{"m"}, verdict: events.VerdictRegressed})
	named := w.tell(story{key: "named", age: age, runs: 1, jobs: []string{"n"}, baseline: first.id})
	used := w.tell(story{key: "used", age: age, runs: 1, jobs: []string{"o"}})
	second := w.tell(story{key: "second", age: age, runs: 1, jobs: []string{"q"}})
	w.tell(story{key: "young", age: day * 2, runs: 1, against: named.id, baseline: used.id, second: second.id})
	w.remember("randread", entry{first.id, events.VerdictBaseline, false}, entry{accepted.id, events.VerdictRegressed, true},
		entry{current.id, events.VerdictUnchanged, false}, entry{regressed.id, events.VerdictRegressed, false})
	// Somebody accepts a bench that plot has not taken note of yet.
	announced := w.tell(story{key: "told", age: age, runs: 1, jobs: []string{"p"}})
	w.publish(events.BaselineAccepted{Bench: announced.id, By: "ada", Reason: "new firmware"})

	report := w.collect(withArchive)
	if report.Baselines != 6 {
		t.Errorf("%d benches stay for others, want 6", report.Baselines)
	}
	for _, b := range []told{accepted, current, named, used, announced, second} {
		w.present(b.own...)
		w.present(b.jobKeys...)
		w.present(b.records...)
	}
	// What those were held against is no baseline, but trends are drawn of it.
	for _, b := range []told{first, regressed} {
		w.present(artifacts.ReportKey(b.id, "verdict.json"), artifacts.ArchiveKey(b.id, "ended"))
		w.absent(artifacts.ReportKey(b.id, "report.html"), artifacts.PlacementKey(b.id), artifacts.RunKey(host, b.runIDs[0], 1, "result.json"), artifacts.ArchiveKey(b.id, "requested"))
		w.absent(b.jobKeys...)
	}
}

// A request that the stream holds may be replayed: without the decision it
// would be decided anew, without its job files it could not be measured again.
func TestWhatTheStreamRemembersCanBeReplayed(t *testing.T) {
	w := newWorld(t)
	at40 := func(o *gc.Options) { o.OlderThan = 7 * day }
	b := w.tell(story{key: "b", age: 20 * day, runs: 1, jobs: []string{"j"}})
	w.publish(events.BenchRequested{Name: "randread", Jobs: []events.Job{{Name: "j", Claim: &events.ClaimCheck{
		Bucket: "fiord", Key: b.jobKeys[0], SHA256: strings.Repeat("0", 64), MediaType: "text/x-fio"}}}})
	w.collect(at40, withArchive)
	w.absent(artifacts.RunKey(host, b.runIDs[0], 1, "result.json"), artifacts.ReportKey(b.id, "verdict.json"))
	w.present(artifacts.PlacementKey(b.id), b.jobKeys[0])
	w.present(b.records...)
}

func TestWhatHasNoOwnerInTheArchive(t *testing.T) {
	w := newWorld(t)
	unheard := events.HashID("unheard")
	result := artifacts.RunKey(host, unheard, 1, "result.json")
	w.put(result, "{}", 300*day)
	compared := artifacts.PlotKey(events.HashID("compare", "a", "b"), "cdf.svg")
	w.put(compared, "<svg/>", 300*day)
	// A bench whose request nobody archived, decided so long ago that the
	// stream has forgotten it: it never ended.
	claim := w.job("kept", 300*day)
	bench := events.HashID("bench")
	w.decide(bench, events.BenchRequested{Name: "n", Jobs: []events.Job{{Name: "j", Claim: &claim}}}, 300*day)
	w.collect(withArchive)
	w.present(result, claim.Key, artifacts.PlacementKey(bench))
	w.absent(compared)
}

// Versions before hosts had prefixes of their own stored runs below their ids alone.
func TestRunsOfTheFormerLayoutGoLikeOthers(t *testing.T) {
	w := newWorld(t)
	b := w.tell(story{key: "b", age: 100 * day, runs: 2})
	young := w.tell(story{key: "young", age: day, runs: 1})
	former := func(b told, run int) string { return "runs/" + b.runIDs[run] + "/1/fio.json" }
	for _, key := range []string{former(b, 0), former(b, 1)} {
		w.put(key, "{}", 100*day)
	}
	w.put(former(young, 0), "{}", 100*day)
	// The same run was begun on another host, whose worker was away when it ended.
	elsewhere := artifacts.RunKey("b", b.runIDs[0], 1, "fio.json")
	w.put(elsewhere, "{}", 100*day)
	w.collect(withArchive)
	w.absent(former(b, 0), former(b, 1), elsewhere)
	w.absent(b.own...)
	w.present(former(young, 0))
}

func TestInventoriesMoveOn(t *testing.T) {
	w := newWorld(t)
	age := 100 * day
	claim := func(key string) string {
		c := w.put(key, key, age)
		return fmt.Sprintf(`{"bucket":"fiord","key":%q,"sha256":%q,"size":%d,"media_type":"application/json"}`, c.Key, c.SHA256, c.Size)
	}
	snapshot, pushed := artifacts.InventoryKey("snapshots", "new.json"), artifacts.RequestKey("r", "instances.json")
	current, gone := artifacts.InventoryKey("b", "hosts.yaml"), artifacts.InventoryKey("a", "hosts.yaml")
	w.put(artifacts.KeyLatestInventory, fmt.Sprintf(`{"inventory":"b","files":[{"name":"hosts.yaml","bucket":"fiord","key":%q,"sha256":"0"}],"snapshot":%s,"members":%s}`,
		current, claim(pushed), claim(artifacts.InventoryKey("b", "members.json"))), age)
	w.put(artifacts.InventoryKey("snapshots", "latest.json"), `{"snapshot":`+claim(snapshot)+`}`, age)
	w.put(current, "", age)
	for _, old := range []string{gone, artifacts.InventoryKey("snapshots", "old.json"), artifacts.RequestKey("q", "instances.json")} {
		w.put(old, old, age)
	}
	fresh := artifacts.InventoryKey("c", "hosts.yaml") // being written
	w.put(fresh, "", time.Minute)
	w.collect()
	w.present(current, snapshot, pushed, fresh, artifacts.KeyLatestInventory, artifacts.InventoryKey("b", "members.json"), artifacts.InventoryKey("snapshots", "latest.json"))
	w.absent(gone, artifacts.InventoryKey("snapshots", "old.json"), artifacts.RequestKey("q", "instances.json"))
}

func TestNothingWithinTheGracePeriodGoes(t *testing.T) {
	w := newWorld(t)
	b := w.tell(story{key: "b", age: 100 * day, runs: 1, jobs: []string{"j"}})
	// A worker that was away for long brings what it measured.
	late := artifacts.RunKey(host, b.runIDs[0], 2, "result.json")
	w.put(late, "{}", time.Hour)
	hasty := func(o *gc.Options) { o.OlderThan, o.Grace = time.Minute, 2*time.Hour }
	w.collect(hasty, withArchive)
	w.present(late)
	// It is found again once it is old, since the way to its bench has stayed.
	w.present(b.records[0], artifacts.ArchiveKey(b.id, "ended"))
	w.age(late, 100*day)
	w.collect(hasty, withArchive)
	w.absent(append(b.records, late)...)
}

func TestArchiveIsGivenUpOnRequest(t *testing.T) {
	w := newWorld(t)
	old := w.tell(story{key: "old", age: 100 * day, runs: 3, jobs: []string{"j"}})
	young := w.tell(story{key: "young", age: 5 * day, runs: 1, jobs: []string{"k"}})
	want := w.collect(dry, withArchive)
	got := w.collect(withArchive)
	if want.Total != got.Total {
		t.Errorf("told %+v, did %+v", want.Total, got.Total)
	}
	w.absent(append(append(old.own, old.records...), old.jobKeys...)...)
	w.present(append(append(young.own, young.records...), young.jobKeys...)...)
}

// What was interrupted anywhere is finished by the next collection.
func TestInterruptedCollectionsAreFinished(t *testing.T) {
	w := newWorld(t)
	enough := errors.New("enough")
	for i := range 8 {
		w.tell(story{key: fmt.Sprint(i), age: 100 * day, runs: 2, jobs: []string{fmt.Sprint("j", i)}})
	}
	collections := 0
	for ; ; collections++ {
		things := 0
		_, err := gc.Collect(t.Context(), w.nats.Bus("fiord/cli"), w.store, gc.Options{OlderThan: 90 * day, Delete: true, Archive: true,
			Goes: func(gc.Thing) error {
				if things++; things > 3 {
					return enough
				}
				return nil
			}})
		if err == nil {
			break
		}
		if !errors.Is(err, enough) || collections > 100 {
			t.Fatal(err)
		}
	}
	if left := w.content(); left != "" || collections < 2 {
		t.Errorf("after %d interruptions there is left:\n%s", collections, left)
	}
}

// More objects than one page lists go while they are listed.
func TestManyPages(t *testing.T) {
	const objects = 2100 // a page has 1000
	w := newWorld(t)
	var writers errgroup.Group
	writers.SetLimit(32)
	for i := range objects {
		writers.Go(func() error {
			_, err := w.store.Put(t.Context(), artifacts.JobKey(fmt.Sprintf("%06d", i)), "text/x-fio", strings.NewReader(""))
			return err
		})
	}
	if err := writers.Wait(); err != nil {
		t.Fatal(err)
	}
	w.ageAll(100*day, artifacts.PrefixJobs)
	if report := w.collect(); report.Total.Goes.Objects != objects || w.content() != "" {
		t.Errorf("%+v, left:\n%s", report.Total, w.content())
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	for name, opt := range map[string]gc.Options{"no age": {}, "negative age": {OlderThan: -day}, "negative grace": {OlderThan: day, Grace: -1}} {
		if _, err := gc.Collect(t.Context(), w.nats.Bus("fiord/cli"), w.store, opt); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	b := w.tell(story{key: "b", age: 100 * day, runs: 1})
	young := w.tell(story{key: "young", age: day, runs: 1})
	t.Run("a record that cannot be read", func(t *testing.T) {
		key := artifacts.ArchiveKey(young.id, "requested")
		if err := w.store.Remove(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		w.put(key, `{"event":{"specversion":"1.0","type":"dev.fiord.bench.requested.v9"}}`, day)
		_, err := gc.Collect(t.Context(), w.nats.Bus("fiord/cli"), w.store, gc.Options{OlderThan: 90 * day, Delete: true})
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("error %v does not name %s", err, key)
		}
		w.present(b.own...)
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := gc.Collect(ctx, w.nats.Bus("fiord/cli"), w.store, gc.Options{OlderThan: 90 * day, Delete: true}); err == nil {
			t.Error("no error")
		}
		w.present(b.own...)
	})
}

// Only who may remove removes; others are told so and leave everything.
func TestRightsAreNeeded(t *testing.T) {
	dir := t.TempDir()
	server := artifactstest.Start(t, dir,
		embedded.User{AccessKey: "people", SecretKey: "people-secret", Rights: artifacts.Rights{Read: []string{artifacts.Everywhere}, Write: []string{artifacts.PrefixJobs}}},
		embedded.User{AccessKey: "janitor", SecretKey: "janitor-secret", Rights: artifacts.Rights{Read: []string{artifacts.Everywhere}, Delete: gc.Prefixes()}})
	w := newWorld(t)
	w.dir, w.store = dir, artifactstest.Open(t, server.Config())
	b := w.tell(story{key: "b", age: 100 * day, runs: 1, jobs: []string{"j"}})
	as := func(user string) error {
		cfg := server.Config()
		cfg.AccessKey, cfg.SecretKey = user, user+"-secret"
		_, err := gc.Collect(t.Context(), w.nats.Bus("fiord/cli"), artifactstest.Open(t, cfg), gc.Options{OlderThan: 90 * day, Delete: true, Archive: true})
		return err
	}
	if err := as("people"); !errors.Is(err, artifacts.ErrDenied) {
		t.Errorf("people: %v", err)
	}
	w.present(b.own...)
	if err := as("janitor"); err != nil {
		t.Error(err)
	}
	w.absent(append(b.own, b.records...)...)
}
