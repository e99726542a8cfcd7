package plot_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/plot/trend"
	"github.com/fiord-bench/fiord/verdict"
	"github.com/fiord-bench/fiord/verdict/history"
)

// decided is reports/<bench>/verdict.json as the page needs it.
type decided struct {
	Verdict events.Verdict `json:"verdict"`
	verdict.Bench
}

// remember writes a history of n benches before b's into the store: their
// verdicts with the values that value returns, and the list of them.
func remember(s *site, b bench, n int, change func(i int, e *history.Entry), runs func(i int) []verdict.Run) {
	s.t.Helper()
	h := history.History{Repo: "ada/disks", Name: "randread", Ref: "refs/heads/main"}
	for i := range n {
		e := history.Entry{Bench: events.HashID("past", fmt.Sprint(i)), Commit: fmt.Sprintf("%040x", 0xa00000+i), At: time.Date(2026, 1, 1, i, 0, 0, 0, time.UTC), Verdict: events.VerdictUnchanged}
		change(i, &e)
		h.Entries = append(h.Entries, e)
		raw, err := json.Marshal(decided{e.Verdict, verdict.Bench{Bench: e.Bench, Runs: runs(i)}})
		if err != nil {
			s.t.Fatal(err)
		}
		artifactstest.Put(s.t, s.store, artifacts.ReportKey(e.Bench, "verdict.json"), "application/json", string(raw))
	}
	raw, err := json.Marshal(h)
	if err != nil {
		s.t.Fatal(err)
	}
	artifactstest.Put(s.t, s.store, history.Key(h.Repo, h.Name, h.Ref), "application/json", string(raw))
}

// A shift that lasted is told with its commit, how much, since when, and that
// the machine was another; what a person accepted is told; and a doubtful run
// changes nothing.
func TestWhatChangedWhen(t *testing.T) {
	s := newSite(t)
	b := s.place("trend", 1)
	r := rand.New(rand.NewPCG(1, 1))
	remember(s, b, 80, func(i int, e *history.Entry) {
		if i == 50 {
			e.Verdict, e.Accepted = events.VerdictRegressed, true
		}
	}, func(i int) (out []verdict.Run) {
		level, class := 50_000.0, "kernel1"
		if i >= 50 {
			level, class = 41_000, "kernel2"
		}
		for repeat := range 3 {
			v := level * math.Exp(0.01*r.NormFloat64())
			run := verdict.Run{Run: events.HashID(fmt.Sprint(i, repeat)), Job: "r.fio", Point: "iodepth=8", Host: "node-a", HostClass: class, DeviceClass: "disk",
				Integrity: events.IntegrityOK, Values: map[verdict.Metric]float64{"read.iops": v, "read.p99": 1e9 / v, "read.bw": v * 4096}}
			steady := run
			steady.Point, steady.Values = "iodepth=16", map[verdict.Metric]float64{"read.iops": 90_000 * math.Exp(0.01*r.NormFloat64())}
			wild := run
			wild.Integrity, wild.Values = events.IntegrityInvalid, map[verdict.Metric]float64{"read.iops": float64(1 + i)}
			out = append(out, run, steady, wild)
		}
		return out
	})
	url, _ := s.start()
	s.publish(b.request, b.placed, b.completed(0, 41_000))
	await[events.BenchReported](s)
	raw := s.fetch(url+"/benches/"+b.id+"/history.json", http.StatusOK)
	var past trend.Changes
	if err := json.Unmarshal(raw, &past); err != nil {
		t.Fatal(err)
	}
	if len(past.Commits) != 1 || past.Commits[0].Commit != fmt.Sprintf("%040x", 0xa00000+50) || !past.Commits[0].Accepted ||
		past.Commits[0].PreviousCommit != fmt.Sprintf("%040x", 0xa00000+49) || past.Benches < 80 {
		t.Fatalf("%s", raw)
	}
	changes := past.Commits[0].Changes
	if len(changes) != 2 || changes[0].Metric != "read.p99" || changes[1].Metric != "read.iops" {
		t.Fatalf("want p99 and IOPS of one point, got %+v", changes)
	}
	if c := changes[1]; math.Abs(c.Change+0.18) > 0.01 || !c.Worse || !c.Lasts || !c.Environment || c.NBefore != 50 || c.Point != "iodepth=8" || c.Machine != "node-a" {
		t.Errorf("%+v", c)
	}
	s.page(url+"/benches/"+b.id+"/history", http.StatusOK, "What changed when", "▼</span> -18", "accepted as baseline", "the machine changed as well", "still so", past.Commits[0].Commit[:10])
	for _, figure := range []string{"trend", "trend-p99"} {
		if svg := string(s.fetch(url+"/benches/"+b.id+"/figures/"+figure+".svg", http.StatusOK)); !strings.Contains(svg, "level changed for the worse") || !strings.Contains(svg, "accepted as baseline") {
			t.Errorf("%s does not mark the change", figure)
		}
	}
	s.page(url+"/benches/"+events.HashID("nobody")+"/history", http.StatusNotFound)
}

// Hosts of a pool come and go: their class is followed, and those that nobody
// has fingerprints of are not mixed.
func TestAPoolIsFollowedByItsClass(t *testing.T) {
	for class, series := range map[string]int{"blue": 1, "": 7} {
		s := newSite(t)
		b := s.place("pool", 1)
		remember(s, b, 35, func(int, *history.Entry) {}, func(i int) []verdict.Run {
			run := verdict.Run{Run: events.HashID(fmt.Sprint(i)), Job: "r.fio", Host: fmt.Sprint("node-", i%7), HostClass: class, DeviceClass: class, Integrity: events.IntegrityOK,
				Values: map[verdict.Metric]float64{"read.iops": 1000 * float64(1+i/20) * (1 + float64(i%3)/1000)}}
			return []verdict.Run{run}
		})
		url, _ := s.start()
		s.publish(b.request, b.placed, b.failed(0))
		await[events.BenchReported](s)
		var past trend.Changes
		if err := json.Unmarshal(s.fetch(url+"/benches/"+b.id+"/history.json", http.StatusOK), &past); err != nil {
			t.Fatal(err)
		}
		if past.Series != series || (len(past.Commits) == 1) != (series == 1) {
			t.Errorf("class %q: %d series, want %d; %+v", class, past.Series, series, past.Commits)
		}
	}
}
