package changepoint_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fiord-bench/fiord/verdict/changepoint"
)

// correlated is noise of which each value resembles the one before it.
func correlated(r *rand.Rand, spread, by float64) func() float64 {
	last := spread * r.NormFloat64()
	return func() float64 {
		last = by*last + spread*math.Sqrt(1-by*by)*r.NormFloat64()
		return last
	}
}

// Steps in the newest benches are found where they are, to two benches; series
// without a change stay quiet, also where neighbours resemble each other.
func TestTheNewestBenchesAreSeen(t *testing.T) {
	const rounds = 400
	var r *rand.Rand // of each case its own, so that their order does not matter
	white := func(spread float64) func() float64 { return func() float64 { return spread * r.NormFloat64() } }
	share := func(hit func(found []changepoint.Change) bool, series func() []float64) float64 {
		n := 0
		r = rand.New(rand.NewPCG(16, 60))
		for range rounds {
			if hit(changepoint.WithNewest(series(), 0.01, false)) {
				n++
			}
		}
		return float64(n) / rounds
	}
	for name, c := range map[string]struct {
		last, to, spread, want float64
	}{
		"10% in the last 4 of 60 at 3% noise": {4, 900, 0.03, 0.95},
		"10% in the last 8 of 60 at 3% noise": {8, 900, 0.03, 0.90},
		"30% in the last 3 of 60 at 1% noise": {3, 700, 0.01, 0.99},
	} {
		got := share(func(found []changepoint.Change) bool {
			return len(found) > 0 && math.Abs(float64(found[len(found)-1].At)-(60-c.last)) <= 2 && found[len(found)-1].After < found[len(found)-1].Before
		}, func() []float64 {
			return levels(white(c.spread), [2]float64{60 - c.last, 1000}, [2]float64{c.last, c.to})
		})
		t.Logf("%s: found in %.1f%%", name, 100*got)
		if got < c.want-3*math.Sqrt(c.want*(1-c.want)/rounds) {
			t.Errorf("%s: found in %.1f%%, want %g%%", name, 100*got, 100*c.want)
		}
	}
	any := func(found []changepoint.Change) bool { return len(found) > 0 }
	for name, c := range map[string]struct {
		noise func() func() float64
		most  float64
	}{
		"flat, 3% noise": {func() func() float64 { return white(0.03) }, 0.02},
		"AR(1) .3":       {func() func() float64 { return correlated(r, 0.03, .3) }, 0.05},
	} {
		got := share(any, func() []float64 { return levels(c.noise(), [2]float64{100, 1000}) })
		t.Logf("%s: %.1f%% show a change that is none", name, 100*got)
		if got > c.most+3*math.Sqrt(c.most*(1-c.most)/rounds) {
			t.Errorf("%s: %.1f%%, want at most %g%%", name, 100*got, 100*c.most)
		}
	}
}
