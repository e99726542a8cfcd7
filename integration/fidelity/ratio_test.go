package fidelity

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestARoundWithoutAFigureIsLeftOut(t *testing.T) {
	got := Over([]float64{10, 0, 30, 40}, []float64{5, 5, 0})
	if len(got) != 1 || got[0] != 2 {
		t.Errorf("ratios %v, want [2]", got)
	}
}

func TestQuantilesLieBetweenTheirNeighbours(t *testing.T) {
	r := Ratios{4, 1, 3, 2}
	for q, want := range map[float64]float64{0: 1, 0.5: 2.5, 1: 4, 0.25: 1.75} {
		if got := r.Quantile(q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if !math.IsNaN(Ratios{}.Median()) {
		t.Error("no ratios have a median")
	}
}

// noisy are n ratios around a centre.
func noisy(rng *rand.Rand, centre, noise float64, n int) Ratios {
	out := make(Ratios, n)
	for i := range out {
		out[i] = centre * math.Exp(noise*rng.NormFloat64())
	}
	return out
}

func TestTheIntervalOfAMedianIsNarrowerThanTheSpread(t *testing.T) {
	r := noisy(rand.New(rand.NewPCG(5, 6)), 1, 0.05, 40)
	spread, median := r.Spread(), r.OfMedian(20)
	if !(spread.Low < median.Low && median.Low < r.Median() && r.Median() < median.High && median.High < spread.High) {
		t.Errorf("median %v within %v within %v", r.Median(), median, spread)
	}
	if again := r.OfMedian(20); again != median {
		t.Errorf("the same ratios give %v and %v", median, again)
	}
}

func TestWhichBareRunIsAboveTheLineDoesNotMatter(t *testing.T) {
	r := Ratios{0.9, 1.1, 1.3}
	turned := make(Ratios, len(r))
	for i, v := range r {
		turned[i] = 1 / v
	}
	a, b := r.Both().Spread(), turned.Both().Spread()
	if math.Abs(a.Low-b.Low) > 1e-12 || math.Abs(a.High-b.High) > 1e-12 {
		t.Errorf("%v and %v", a, b)
	}
}

func TestFiordIsJudgedBesideTheNoise(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	quiet, loud := noisy(rng, 1, 0.005, 20), noisy(rng, 1, 0.1, 20)
	for name, tt := range map[string]struct {
		fiord, noise Ratios
		ok           bool
	}{
		"as bare":                                {noisy(rng, 1, 0.005, 20), quiet, true},
		"3% slower":                              {noisy(rng, 0.97, 0.005, 20), quiet, false},
		"3% slower on a noisy machine":           {noisy(rng, 0.97, 0.001, 20), loud, false},
		"5% faster, which cannot be":             {noisy(rng, 1.05, 0.005, 20), quiet, false},
		"5% faster where noise explains it":      {noisy(rng, 1.05, 0.005, 20), loud, true},
		"nothing measured":                       {nil, quiet, false},
		"nothing to tell the machine's noise by": {quiet, nil, false},
	} {
		if err := Judge(tt.fiord, tt.noise); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
