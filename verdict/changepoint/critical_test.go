package changepoint

import (
	"math/rand/v2"
	"testing"
)

// greatest is the statistic that the table bounds.
func greatest(x []float64) float64 {
	most := 0.0
	for from, to := range seeds(len(x)) {
		if reach(to-from) > most {
			if _, z := best(x[from:to], nil); z > most {
				most = z
			}
		}
	}
	return most
}

// One series of noise in a hundred exceeds its critical value, and not many
// fewer: a table that is too careful would hide changes.
func TestTheTableHolds(t *testing.T) {
	for _, n := range []int{11, 20, 50, 128, 500} {
		r := rand.New(rand.NewPCG(11, uint64(n)))
		rounds, over := 4000, 0
		if n > 100 {
			rounds = 1500
		}
		x := make([]float64, n)
		for range rounds {
			for i := range x {
				x[i] = r.Float64()
			}
			if greatest(x) > critical(n) {
				over++
			}
		}
		share := float64(over) / float64(rounds)
		t.Logf("%d values: %.2f%%", n, 100*share)
		if share > 0.017 || share < 0.002 {
			t.Errorf("%d values: %.2f%% exceed %.2f, want about 1%%", n, 100*share, critical(n))
		}
	}
}

func TestLongerSeriesNeedMore(t *testing.T) {
	for n := 2; n < 3000; n++ {
		if critical(n) < critical(n-1) {
			t.Fatalf("%d values need %.2f, one fewer %.2f", n, critical(n), critical(n-1))
		}
	}
}

// Every place to split a series at lies well inside some short interval:
// or else a change there would depend on what happened far away.
func TestSeedsCoverEverything(t *testing.T) {
	for _, n := range []int{8, 40, 333, 500} {
		for at := side; at <= n-side; at++ {
			shortest := n
			for from, to := range seeds(n) {
				if from < 0 || to > n || to-from < 2*side {
					t.Fatalf("interval [%d, %d) of %d", from, to, n)
				}
				if at-from >= side && to-at >= side {
					shortest = min(shortest, to-from)
				}
			}
			if shortest > 4*side {
				t.Fatalf("of %d values, %d lies in no interval shorter than %d", n, at, shortest)
			}
		}
	}
}
