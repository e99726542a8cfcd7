package verdict

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Published critical values of the Mann-Whitney U test, two-sided 5%.
func TestRankQuantileMatchesTables(t *testing.T) {
	for _, tt := range []struct{ n, m, want int }{
		{3, 3, 0}, {4, 4, 1}, {5, 5, 3}, {8, 8, 14}, {10, 10, 24}, {5, 12, 12}, {20, 20, 128},
	} {
		if got := rankQuantile(tt.n, tt.m, 0.025); got != tt.want {
			t.Errorf("rankQuantile(%d, %d) = %d, want %d", tt.n, tt.m, got, tt.want)
		}
	}
}

func TestBoundsHoldTheTruthAsOftenAsTheyClaim(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const rounds, truth = 3000, 1.07
	hits := 0
	for range rounds {
		a, b := make([]float64, 8), make([]float64, 8)
		for i := range a {
			a[i], b[i] = math.Exp(0.05*r.NormFloat64()), truth*math.Exp(0.05*r.NormFloat64())
		}
		if s := compare(a, b); s.low <= truth-1 && truth-1 <= s.high {
			hits++
		}
	}
	if share := float64(hits) / rounds; share < 0.95 {
		t.Errorf("the interval held the true shift in %.1f%% of %d rounds, want at least 95%%", share*100, rounds)
	}
}

func TestCompareWithoutPower(t *testing.T) {
	if s := compare([]float64{1}, []float64{2}); s.p != 1 || !math.IsInf(s.high, 1) {
		t.Errorf("one against one: p %v, high %v; want 1 and no bound", s.p, s.high)
	}
	if s := compare([]float64{1, 1, 1, 1, 1}, []float64{1, 1, 1, 1, 1}); s.p < 0.99 || s.change != 0 {
		t.Errorf("identical samples: p %v, change %v", s.p, s.change)
	}
}
