package choreography_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/inventory"
)

// However many replicas there are, each bench is placed once, each list is
// asked for once, and each bench ends once.
func TestReplicasPlaceMeasureAndReportOnce(t *testing.T) {
	for _, replicas := range []int{2, 3} {
		t.Run(fmt.Sprint(replicas), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for range replicas {
				w.inventory(nil)
				w.plot()
			}
			w.minimalWorker(completes)
			var benches []string
			for range 15 {
				benches = append(benches, w.request(quickJob, func(r *events.BenchRequested) {
					r.Repeat, r.Targets = 2, events.Targets{Slots: 1}
				}))
			}
			for _, id := range benches {
				ended[events.BenchReported](w, id)
			}
			w.settled()
			for _, id := range benches {
				w.expectOneEach(id, 2)
				if placed, lists := len(of[events.BenchPlaced](w, id)), len(of[events.RunsRequested](w, id)); placed != 1 || lists != 1 {
					t.Errorf("bench %s was placed %d times and its list asked for %d times", id, placed, lists)
				}
			}
		})
	}
}

// Completeness is counted against the decision, not against its announcement:
// the ends of runs may all be told before plot hears of the placement. What one
// world did is told to others in every order that chance may bring.
func TestABenchIsCompleteWhateverTheOrder(t *testing.T) {
	t.Parallel()
	first := newWorld(t)
	first.inventory(nil)
	first.minimalWorker(completes)
	id := first.request(quickJob, func(r *events.BenchRequested) { r.Repeat = 3 })
	await[events.RunCompleted](first, id, 3)
	await[events.BenchPlaced](first, id, 1)
	told := first.all(func(e events.Event) bool { return e.Type != events.TypeRunsRequested && benchOf(e) == id })
	for i := range 6 {
		w := newWorld(t)
		first.copyTo(w)
		switch i {
		case 0: // as it happened
		case 1:
			slices.Reverse(told)
		default:
			rand.Shuffle(len(told), func(i, j int) { told[i], told[j] = told[j], told[i] })
		}
		w.plot()
		for _, e := range told {
			if _, err := w.bus.Publish(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		report := ended[events.BenchReported](w, id)
		if report.Counts != (events.Counts{Planned: 3, Completed: 3}) {
			t.Errorf("counts %+v; events: %s", report.Counts, w.history())
		}
		w.settled()
		w.expectOneEach(id, 3)
	}
}

// copyTo copies the objects of this world's store into another's.
func (w *world) copyTo(other *world) {
	w.t.Helper()
	for info, err := range w.store.List(w.t.Context(), "") {
		if err != nil {
			w.t.Fatal(err)
		}
		claim, err := w.store.Claim(w.t.Context(), info.Key)
		if err != nil {
			w.t.Fatal(err)
		}
		artifactstest.Put(w.t, other.store, info.Key, claim.MediaType, artifactstest.Read(w.t, w.store, claim))
	}
}

// Deadlines count from the placement, and what nobody ended by then, the sweep
// ends: the bench is reported all the same.
func TestTheSweepEndsWhatNobodyEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plot()
	asked := time.Now()
	deadline := 400 * time.Millisecond
	id := w.request(quickJob, func(r *events.BenchRequested) {
		r.Repeat, r.Targets = 3, events.Targets{Hosts: []string{"absent"}}
		r.Deadline, r.Timeout = events.Duration(deadline), events.Duration(100*time.Millisecond)
	})
	time.Sleep(2 * deadline) // an outage of inventory, which expires nothing
	w.inventory(nil)
	w.inventory(nil)
	placed := await[events.BenchPlaced](w, id, 1)[0]
	if placed.PlacedAt.Before(asked.Add(2*deadline)) || !placed.Deadline.Equal(placed.PlacedAt.Add(deadline)) {
		t.Errorf("asked at %s, placed at %s with deadline %s", asked, placed.PlacedAt, placed.Deadline)
	}
	report := ended[events.BenchReported](w, id)
	if report.Counts.Expired != 3 || report.Verdict != events.VerdictFailed {
		t.Errorf("verdict %s with %+v, want failed with 3 expired", report.Verdict, report.Counts)
	}
	for _, e := range of[events.RunExpired](w, id) {
		if !strings.Contains(e.Reason, "absent") {
			t.Errorf("reason %q does not name the host", e.Reason)
		}
	}
	w.settled()
	w.expectOneEach(id, 3)
}

// A repository's rights are held against a request that did not come through
// ingest: somebody with a NATS user published it in the repository's name.
func TestRightsAreEnforcedAgainAtPlacement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	policy := write(t, "repos.yaml", "version: 1\nrules:\n- {repositories: [lab/jobs], pools: [default], max_runs: 4, max_timeout: 30m}\n")
	w.inventory(func(c *inventory.Config) { c.ReposFile, c.Pools = policy, []string{"default", "nvme"} })
	w.plot()
	w.minimalWorker(completes)
	from := func(repo string, change func(*events.BenchRequested)) string {
		return w.request(quickJob, func(r *events.BenchRequested) {
			r.Origin = &events.Origin{
				Repo: events.Repo{Forge: "git", Name: repo, CloneURL: "https://git.example/" + repo}, Ref: "refs/heads/main", Commit: strings.Repeat("a", 40),
			}
			change(r)
		})
	}
	for name, tc := range map[string]struct {
		bench, want string
	}{
		"another pool":       {from("lab/jobs", func(r *events.BenchRequested) { r.Targets.Pool = "nvme" }), "nvme"},
		"a host":             {from("lab/jobs", func(r *events.BenchRequested) { r.Targets.Hosts = []string{"a"} }), "host"},
		"too many runs":      {from("lab/jobs", func(r *events.BenchRequested) { r.Repeat = 5 }), "5 times"},
		"too long":           {from("lab/jobs", func(r *events.BenchRequested) { r.Timeout = events.Duration(time.Hour) }), "timeout"},
		"a volume driver":    {from("lab/jobs", func(r *events.BenchRequested) { r.Volume, r.VolumeDriver = "v", "nfs" }), "nfs"},
		"unknown repository": {from("lab/other", func(*events.BenchRequested) {}), "repos.yaml"},
	} {
		u := ended[events.BenchUnplaced](w, tc.bench)
		if text := fmt.Sprint(u.Problems); !strings.Contains(text, tc.want) {
			t.Errorf("%s: problems %s do not say %q", name, text, tc.want)
		}
	}
	id := from("lab/jobs", func(r *events.BenchRequested) { r.Repeat = 4 })
	ended[events.BenchReported](w, id)
	if got := w.placement(id).Request.Timeout.Std(); got != 30*time.Minute {
		t.Errorf("a bench that names no timeout got %s, want the repository's most", got)
	}
}
