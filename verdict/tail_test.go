package verdict_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fiord-bench/fiord/fio/hist"
	"github.com/fiord-bench/fiord/verdict"
)

// measured is a run of n latencies around a level.
func measured(r *rand.Rand, level float64, n int) *hist.Histogram {
	h := &hist.Histogram{}
	for range n {
		h.Add(uint64(level*math.Exp(0.3*r.NormFloat64())), 1)
	}
	return h
}

func TestATailIsThatOfAllIOsTogether(t *testing.T) {
	fast, slow := &hist.Histogram{}, &hist.Histogram{}
	fast.Add(1000, 9_900)
	slow.Add(1000, 50)
	slow.Add(1_000_000, 50) // half of a short run, 0.5% of all I/Os
	got := verdict.Tails([]*hist.Histogram{fast, slow}, 99, 99.9)
	if got[0].Value > 1100 || got[1].Value < 900_000 || got[0].Runs != 2 || got[0].IOs != 10_000 {
		t.Errorf("%+v", got)
	}
	if got[0].Low != 0 || got[0].High != 0 {
		t.Errorf("two runs got an interval: %+v", got[0])
	}
}

// The interval holds the truth about as often as it says. Runs differ by 5%,
// which intervals from I/Os alone would never cover.
func TestTheIntervalCoversWhatRunsVaryAround(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	const truth = 100_000 * 2.0095 // exp(0.3 * 2.3263): p99 at the level that runs vary around
	const trials = 60
	covered := 0
	for range trials {
		var runs []*hist.Histogram
		for range 10 {
			runs = append(runs, measured(r, 100_000*math.Exp(0.05*r.NormFloat64()), 4000))
		}
		got := verdict.Tails(runs, 99)[0]
		if !(got.Low <= got.Value && got.Value <= got.High) {
			t.Fatalf("%+v", got)
		}
		if got.Low <= truth*1.02 && truth <= got.High*1.02 {
			covered++
		}
	}
	if share := float64(covered) / trials; share < 0.82 || share > 0.995 {
		t.Errorf("%.0f%% of the intervals hold the truth", share*100)
	}
}

func TestTheSameRunsGiveTheSameInterval(t *testing.T) {
	draw := func() verdict.Tail {
		r := rand.New(rand.NewPCG(1, 2))
		var runs []*hist.Histogram
		for range 5 {
			runs = append(runs, measured(r, 80_000*math.Exp(0.1*r.NormFloat64()), 2000))
		}
		return verdict.Tails(runs, 99)[0]
	}
	if a, b := draw(), draw(); a != b || !(a.High > a.Low) {
		t.Errorf("%+v and %+v", a, b)
	}
}

func TestNoRunsHaveNoTail(t *testing.T) {
	if got := verdict.Tails(nil, 99)[0]; got != (verdict.Tail{}) {
		t.Errorf("%+v", got)
	}
}
