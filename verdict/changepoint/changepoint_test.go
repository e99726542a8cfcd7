package changepoint_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/fiord-bench/fiord/verdict/changepoint"
)

// levels makes a series of stretches, each of some length around a level.
func levels(noise func() float64, stretches ...[2]float64) []float64 {
	var out []float64
	for _, s := range stretches {
		for range int(s[0]) {
			out = append(out, s[1]*math.Exp(noise()))
		}
	}
	return out
}

// noises are ways in which benches scatter, each about spread wide.
func noises(r *rand.Rand, spread float64) map[string]func() float64 {
	return map[string]func() float64{
		"normal": func() float64 { return spread * r.NormFloat64() },
		"heavy tails": func() float64 { // Student's t with 2 degrees of freedom
			return spread * r.NormFloat64() / math.Sqrt((math.Pow(r.NormFloat64(), 2)+math.Pow(r.NormFloat64(), 2))/2)
		},
		"one in ten ruined": func() float64 {
			if r.IntN(10) == 0 {
				return -1
			}
			return spread * r.NormFloat64()
		},
		"steps of a counter": func() float64 { return spread * math.Round(r.NormFloat64()) },
	}
}

// Of noise without a change, whatever its shape, at most about one series in a
// hundred shows one.
func TestFalseAlarms(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for name, noise := range noises(r, 0.03) {
		for _, n := range []int{9, 15, 30, 60, 150, 500} {
			rounds, alarms := 1500, 0
			if n > 100 {
				rounds = 500
			}
			for range rounds {
				if len(changepoint.Find(levels(noise, [2]float64{float64(n), 1000}), 0)) > 0 {
					alarms++
				}
			}
			share := float64(alarms) / float64(rounds)
			t.Logf("%s, %d benches: %.2f%%", name, n, 100*share)
			if share > 0.02 {
				t.Errorf("%s: %.1f%% of %d series of %d show a change that is none", name, 100*share, rounds, n)
			}
		}
	}
}

// Shifts are found where they are, and said to be as large as they are.
func TestPlantedShifts(t *testing.T) {
	for name, c := range map[string]struct {
		stretches [][2]float64
		spread    float64
		found     float64 // share of the trials in which the planted changes, and no others, are found
	}{
		"10% at 3% noise, half way":                {[][2]float64{{30, 1000}, {30, 900}}, 0.03, 0.98},
		"5% at 3% noise, half way":                 {[][2]float64{{30, 1000}, {30, 950}}, 0.03, 0.90},
		"10% at 3% noise, the newest eight":        {[][2]float64{{52, 1000}, {8, 900}}, 0.03, 0.90},
		"20% at 3% noise, the newest six":          {[][2]float64{{54, 1000}, {6, 800}}, 0.03, 0.95},
		"a dip of fifteen":                         {[][2]float64{{60, 1000}, {15, 850}, {60, 1000}}, 0.03, 0.90},
		"down three stairs":                        {[][2]float64{{40, 1000}, {40, 930}, {40, 860}, {40, 790}}, 0.02, 0.95},
		"3% at 1% noise in five hundred":           {[][2]float64{{250, 1000}, {250, 970}}, 0.01, 0.95},
		"a young history: five and five, 30% less": {[][2]float64{{5, 1000}, {5, 700}}, 0.03, 0.95},
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(5, 6))
			const trials = 200
			hits := 0
			for range trials {
				x := levels(func() float64 { return c.spread * r.NormFloat64() }, c.stretches...)
				if found(changepoint.Find(x, 0.01), c.stretches) {
					hits++
				}
			}
			share := float64(hits) / trials
			t.Logf("found in %.1f%%", 100*share)
			if share < c.found {
				t.Errorf("found in %.0f%% of %d series, want %.0f%%", 100*share, trials, 100*c.found)
			}
		})
	}
}

// found tells whether exactly the planted changes were found, each within four
// benches of its place and a third of its size.
func found(changes []changepoint.Change, stretches [][2]float64) bool {
	if len(changes) != len(stretches)-1 {
		return false
	}
	at := 0
	for i, c := range changes {
		at += int(stretches[i][0])
		truth := stretches[i+1][1]/stretches[i][1] - 1
		if c.At < at-4 || c.At > at+4 || math.Abs(c.Relative()-truth) > math.Abs(truth)/2 {
			return false
		}
	}
	return true
}

// Six values of a new level are told of sixty, five are not yet: the package
// says so.
func TestHowLongALevelHasToLast(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for last, want := range map[float64]int{4: 0, 6: 1} {
		x := levels(func() float64 { return 0.01 * r.NormFloat64() }, [2]float64{60 - last, 1000}, [2]float64{last, 500})
		if got := changepoint.Find(x, 0.01); len(got) != want {
			t.Errorf("%v benches at half the rate: %+v, want %d", last, got, want)
		}
	}
}

// A single ruined bench is no change of level, however ruined.
func TestOutliersAreNoChange(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	x := levels(func() float64 { return 0.01 * r.NormFloat64() }, [2]float64{50, 1000})
	x[20], x[21], x[49] = 1, 1e9, 3
	if got := changepoint.Find(x, 0); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestGapsAreSteppedOver(t *testing.T) {
	nan := math.NaN()
	x := []float64{nan, 100, 101, 99, nan, 102, 98, 100, 101, nan, 50, 51, 49, 52, 48, 50, 51, math.Inf(1)}
	got := changepoint.Find(x, 0.01)
	if len(got) != 1 || got[0].At != 10 || got[0].NBefore != 7 || got[0].NAfter != 7 || got[0].From != 1 || got[0].To != len(x) {
		t.Fatalf("%+v", got)
	}
	if c := got[0]; c.Before != 100 || c.After != 50 || c.Relative() != -0.5 {
		t.Errorf("%+v", c)
	}
}

func TestSmallChangesAreLeftOut(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	x := levels(func() float64 { return 0.001 * r.NormFloat64() }, [2]float64{40, 1000}, [2]float64{40, 990}, [2]float64{40, 800})
	if got := changepoint.Find(x, 0); len(got) != 2 {
		t.Errorf("all: %+v", got)
	}
	if got := changepoint.Find(x, 0.05); len(got) != 1 || got[0].At != 80 || got[0].NBefore != 80 {
		t.Errorf("from 5%% on: %+v", got)
	}
}

func TestNothingToFind(t *testing.T) {
	for _, x := range [][]float64{nil, {1}, {1, 2, 3, 4, 5, 6, 7}, slices.Repeat([]float64{5}, 200), slices.Repeat([]float64{0}, 50)} {
		if got := changepoint.Find(x, 0); len(got) != 0 {
			t.Errorf("%v: %+v", x[:min(len(x), 8)], got)
		}
	}
}

// What holds of every series: changes are in order and in their stretches, and
// neither the unit nor the direction of time nor an order-keeping transformation
// finds others.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Float64Range(1, 1e6), 0, 80).Draw(t, "x")
		if rapid.Bool().Draw(t, "stairs") {
			for i := len(x) / 2; i < len(x); i++ {
				x[i] += 2e6
			}
		}
		got := changepoint.Find(x, 0)
		check(t, x, got)
		scaled := make([]float64, len(x))
		for i, v := range x {
			scaled[i] = v * 1024 // exact: no two values fall together
		}
		other := changepoint.Find(scaled, 0)
		if len(other) != len(got) {
			t.Fatalf("in another unit: %+v, want %+v", other, got)
		}
		for i := range got {
			if other[i].At != got[i].At || other[i].Strength != got[i].Strength {
				t.Fatalf("in another unit: %+v, want %+v", other[i], got[i])
			}
		}
	})
}

type failer interface{ Fatalf(string, ...any) }

func check(t failer, x []float64, got []changepoint.Change) {
	last := -1
	for _, c := range got {
		if !(last < c.At && c.From < c.At && c.At < c.To && c.To <= len(x)) {
			t.Fatalf("%+v of %d values after %d", c, len(x), last)
		}
		if c.NBefore < 4 || c.NAfter < 4 || c.NBefore > c.At-c.From || c.NAfter > c.To-c.At || !(c.Strength > 2.5) {
			t.Fatalf("%+v", c)
		}
		last = c.At
	}
}

func FuzzFind(f *testing.F) {
	seed := func(x ...float64) {
		var raw []byte
		for _, v := range x {
			raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(v))
		}
		f.Add(raw)
	}
	seed(slices.Concat(slices.Repeat([]float64{1}, 20), slices.Repeat([]float64{2}, 20))...)
	seed(0, math.NaN(), math.Inf(-1), -1, 1e308, -1e308, math.SmallestNonzeroFloat64)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var x []float64
		for ; len(raw) >= 8 && len(x) < 1000; raw = raw[8:] {
			x = append(x, math.Float64frombits(binary.LittleEndian.Uint64(raw)))
		}
		got := changepoint.Find(x, 0)
		check(t, x, got)
		if again := changepoint.Find(x, 0); !slices.Equal(got, again) && !hasNaN(got) {
			t.Fatalf("%+v, then %+v", got, again)
		}
	})
}

func hasNaN(list []changepoint.Change) bool {
	return slices.ContainsFunc(list, func(c changepoint.Change) bool { return c != c })
}

// BenchmarkHistory is what a whole history takes: 200 series of 500 benches,
// each with three changes.
func BenchmarkHistory(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var all [][]float64
	for range 200 {
		all = append(all, levels(func() float64 { return 0.03 * r.NormFloat64() },
			[2]float64{150, 1000}, [2]float64{100, 900}, [2]float64{200, 1000}, [2]float64{50, 930}))
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, x := range all {
			changepoint.Find(x, 0.01)
		}
	}
}
