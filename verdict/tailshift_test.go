package verdict_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/hist"
	"github.com/fiord-bench/fiord/verdict"
)

// factors is a table of log-normal factors, so that millions of latencies are
// drawn quickly. All runs share it: two tables would be two distributions.
var factors = func() (out [1 << 16]float64) {
	r := rand.New(rand.NewPCG(1, 6))
	for i := range out {
		out[i] = math.Exp(0.3 * r.NormFloat64())
	}
	return out
}()

// tailed is a bench of n runs whose latencies are log-normal around a level
// that varies from run to run.
func tailed(r *rand.Rand, level, spread float64, n, ios int) verdict.Bench {
	b := verdict.Bench{Bench: "b", Counts: events.Counts{Planned: n, Completed: n}}
	for range n {
		h, run := &hist.Histogram{}, level*math.Exp(spread*r.NormFloat64())
		for range ios {
			h.Add(uint64(run*factors[r.IntN(len(factors))]), 1)
		}
		b.Runs = append(b.Runs, verdict.Run{
			Job: "r.fio", Host: "node-a", Integrity: events.IntegrityOK, Tails: map[string]*hist.Histogram{"read": h},
			Values: map[verdict.Metric]float64{"read.p99": h.Percentile(99).Value, "read.p999": h.Percentile(99.9).Value},
		})
	}
	return b
}

// The rates that the documentation promises for percentiles: without a shift
// hardly any alarm, with one of 10% most are found, and the merged interval
// takes little of that away.
func TestErrorRatesOfTails(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates some thousand benches")
	}
	const rounds, ios, spread = 100, 8000, 0.02
	for _, c := range []struct {
		figure string
		n      int
		power  float64
	}{{"p99", 5, 0.85}, {"p99", 10, 0.95}, {"p999", 5, 0.40}, {"p999", 10, 0.90}} {
		rate := func(factor float64) (told, alone float64) {
			r := rand.New(rand.NewPCG(9, uint64(c.n)))
			for range rounds {
				before, after := tailed(r, 100_000, spread, c.n, ios), tailed(r, 100_000*factor, spread, c.n, ios)
				judge := func() float64 {
					v := verdict.Judge(&before, after, verdict.Options{Figures: []string{c.figure}}).Verdict
					return map[events.Verdict]float64{events.VerdictRegressed: 1, events.VerdictImproved: 1}[v]
				}
				told += judge()
				after.Runs[0].Tails = nil
				alone += judge()
			}
			return told / rounds, alone / rounds
		}
		alarms, alarmsAlone := rate(1)
		power, powerAlone := rate(1.1)
		t.Logf("%s, %d runs a side: %.1f%% false alarms, %.1f%% of shifts by 10%% told; by the rank test alone %.1f%% and %.1f%%",
			c.figure, c.n, 100*alarms, 100*power, 100*alarmsAlone, 100*powerAlone)
		if alarms > 0.05 || power < c.power {
			t.Errorf("%s, %d runs: %.1f%% false alarms, want at most 5%%; %.0f%% told, want %.0f%%", c.figure, c.n, 100*alarms, 100*power, 100*c.power)
		}
	}
}

// The medians of runs may shift while the I/Os of both sides together went the other
// way: before, most I/Os were those of a few long and slow runs.
func TestAShiftThatTheIOsContradictIsNotReported(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	before, after := tailed(r, 100_000, 0.005, 15, 500), tailed(r, 150_000, 0.005, 20, 2000)
	judged := func(opt verdict.Options) verdict.Result { return verdict.Judge(&before, after, opt) }
	opt := verdict.Options{Figures: []string{"p99"}}
	if got := judged(opt); got.Verdict != events.VerdictRegressed {
		t.Fatalf("plain shift: %s %q", got.Verdict, got.Headline)
	}
	before.Runs = append(before.Runs, tailed(r, 300_000, 0.005, 5, 20_000).Runs...)
	got := judged(opt)
	if c := got.Comparisons[0]; got.Verdict != events.VerdictInconclusive || c.P >= 0.01 || c.Merged == nil || !(c.Merged.High < 0) {
		t.Errorf("%s %q: %+v %+v", got.Verdict, got.Headline, c, c.Merged)
	}
	for i := range after.Runs {
		after.Runs[i].Tails = nil
	}
	if got := judged(opt); got.Verdict != events.VerdictRegressed || got.Comparisons[0].Merged != nil {
		t.Errorf("without histograms the runs' own percentiles decide: %s", got.Verdict)
	}
}

// Where a run is resampled, its sums must give what merging would have.
func TestResampledPercentilesAreThoseOfMergedHistograms(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for round := range 50 {
		var runs []*hist.Histogram
		merged := &hist.Histogram{}
		for range 1 + r.IntN(6) {
			h, err := hist.NewCoarse(r.IntN(3))
			if err != nil {
				t.Fatal(err)
			}
			for range r.IntN(300) {
				h.Add(r.Uint64N(1<<r.Uint64N(40)), 1+r.Uint64N(9))
			}
			runs = append(runs, h)
			merged.Merge(h)
		}
		for i, p := range []float64{0.001, 1, 50, 99, 99.9, 100} {
			got := verdict.Tails(runs, 0.001, 1, 50, 99, 99.9, 100)[i]
			if want := merged.Percentile(p).Value; got.Value != want || got.IOs != merged.N() {
				t.Fatalf("round %d, p%v: %v of %d, want %v of %d", round, p, got.Value, got.IOs, want, merged.N())
			}
		}
	}
}

func TestTailShiftOfFewOrNoRuns(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	two := []*hist.Histogram{measured(r, 1e5, 1000), measured(r, 1e5, 1000)}
	if got := verdict.TailShift(two, two, 99); got == nil || got.Interval || got.Change != 0 || got.Before.IOs != 2000 {
		t.Errorf("%+v", got)
	}
	for _, none := range [][]*hist.Histogram{nil, {{}, {}}} {
		if got := verdict.TailShift(none, two, 99); got != nil {
			t.Errorf("%+v", got)
		}
	}
	five := slices.Repeat(two[:1], 5)
	if got := verdict.TailShift(five, five, 99.9); !got.Interval || got.Low != 0 || got.High != 0 || got.Before.Low != got.Before.Value {
		t.Errorf("alike runs: %+v", got)
	}
}

// BenchmarkTailShift compares ten runs of a million I/Os with ten.
func BenchmarkTailShift(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var sides [2][]*hist.Histogram
	for i := range sides {
		for range 10 {
			h := measured(r, 1e5, 20_000)
			for range 50 {
				h.Add(1+r.Uint64N(1<<28), 20_000)
			}
			sides[i] = append(sides[i], h)
		}
	}
	for _, p := range []float64{99, 99.9} {
		b.Run(fmt.Sprint(p), func(b *testing.B) {
			for b.Loop() {
				verdict.TailShift(sides[0], sides[1], p)
			}
		})
	}
}
