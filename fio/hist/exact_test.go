package hist

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// latencies draws what devices do: a body, a tail, ties, now and then a stall.
func latencies(rng *rand.Rand, n int) []uint64 {
	body, width := rng.Float64()*16+3, rng.Float64()*2
	out := make([]uint64, n)
	for i := range out {
		ns := math.Exp(body + width*rng.NormFloat64())
		switch rng.IntN(50) {
		case 0:
			ns *= 1000
		case 1:
			ns = math.Exp2(float64(rng.IntN(34))) // the edge of a bin
		}
		out[i] = uint64(min(ns, 1e11))
	}
	return out
}

// parts counts latencies as jobs, repeats and hosts do, each in a histogram of
// its own, some of them coarser, and merges them in a drawn order.
func parts(rng *rand.Rand, all []uint64) *Histogram {
	list := make([]*Histogram, 1+rng.IntN(40))
	for i := range list {
		coarseness := 0
		if rng.IntN(4) == 0 {
			coarseness = rng.IntN(MaxCoarseness + 1)
		}
		list[i], _ = NewCoarse(coarseness)
	}
	for _, ns := range all {
		list[rng.IntN(len(list))].Add(ns, 1)
	}
	rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	var merged Histogram
	for _, h := range list {
		merged.Merge(h)
	}
	return &merged
}

// However latencies were spread over jobs, repeats and hosts, a percentile of
// the merged histogram is the bin of the order statistic that it stands for,
// and off by no more than the error that is stated.
func TestMergedPercentilesHoldTheExactOrderStatistic(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 39))
	for range 300 {
		all := latencies(rng, 1+rng.IntN(3000))
		h := parts(rng, all)
		slices.Sort(all)
		if h.N() != uint64(len(all)) {
			t.Fatalf("%d of %d are left", h.N(), len(all))
		}
		stated := Error * float64(int(1)<<h.Coarseness())
		for _, p := range []float64{0.001, 1, 25, 50, 90, 99, 99.9, 99.99, 100} {
			rank := max(int(math.Ceil(p/100*float64(len(all))-1e-9)), 1)
			exact, got := float64(all[rank-1]), h.Percentile(p)
			if got.Open {
				if exact < got.Low {
					t.Fatalf("p%v: %v is below the last bin %+v", p, exact, got)
				}
				continue
			}
			if exact < got.Low || exact >= got.High {
				t.Fatalf("p%v of %d at coarseness %d: %v is outside %+v", p, len(all), h.Coarseness(), exact, got)
			}
			// Half a nanosecond is what whole numbers leave of the narrowest bins.
			if off := math.Abs(got.Value-exact) - 0.5; off > stated*max(exact, groupSize) {
				t.Fatalf("p%v at coarseness %d: %v for %v is off by %.2f%%, stated is %.2f%%", p, h.Coarseness(), got.Value, exact, 100*off/exact, 100*stated)
			}
		}
	}
}

func TestTheOrderOfMergingDoesNotMatter(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 33))
	for range 50 {
		all := latencies(rng, 500)
		a, b := parts(rng, all), parts(rng, all)
		to := max(a.coarse, b.coarse)
		a.coarsen(to)
		b.coarsen(to)
		if !slices.Equal(slices.Collect(a.All()), slices.Collect(b.All())) {
			t.Fatalf("two ways of merging differ at coarseness %d", to)
		}
	}
}

func TestLatenciesBeyondTheLastBinAreNotBounded(t *testing.T) {
	var h Histogram
	h.Add(5_000_000, 99)
	h.Add(60_000_000_000, 1) // a minute
	if p := h.Percentile(99); p.Open || p.High > 5_100_000 {
		t.Errorf("%+v", p)
	}
	if p := h.Percentile(99.9); !p.Open || p.High != Longest {
		t.Errorf("%+v", p)
	}
	if !h.Mean().Open {
		t.Error("the mean is bounded")
	}
}

// The coarsest part decides: its bins cannot be cut again.
func TestTheCoarsestPartDecidesTheError(t *testing.T) {
	fine, coarse := Histogram{}, Histogram{coarse: 3}
	fine.Add(1_000_003, 1)
	coarse.Add(999_999, 1)
	for _, order := range [][2]Histogram{{fine, coarse}, {coarse, fine}} {
		h := order[0].Clone()
		h.Merge(&order[1])
		if h.Coarseness() != 3 || h.N() != 2 {
			t.Errorf("coarseness %d, %d latencies", h.Coarseness(), h.N())
		}
	}
}
