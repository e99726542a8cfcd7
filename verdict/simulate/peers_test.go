package simulate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/perf/benchmath"

	"github.com/fiord-bench/fiord/verdict/changepoint"
	"github.com/fiord-bench/fiord/verdict/level"
)

// benchstat compares two samples as golang.org/x/perf's command does by default: the
// rank test at 5%, and a difference of the medians is all that it takes.
func benchstat(before, after []float64) bool {
	thresholds := &benchmath.DefaultThresholds
	a, b := benchmath.NewSample(slices.Clone(before), thresholds), benchmath.NewSample(slices.Clone(after), thresholds)
	c := benchmath.AssumeNothing.Compare(a, b)
	return c.P < c.Alpha
}

// Before and after by benchstat, which knows two sessions, beside a session held
// against the level of twenty.
func TestBesideBenchstat(t *testing.T) {
	tab := table{name: "benchstat", head: []string{"spread between sessions", "nothing changed: benchstat", "nothing changed: fiord", "10% less: benchstat", "10% less: fiord", "10% less: fiord, within three sessions"}}
	for _, between := range []float64{0, .02, .03, .05} {
		m := machine{within: .01, between: between, repeats: 5}
		tab.rows = append(tab.rows, row{[]string{percent(between)}, []bound{anything(), atMost(.01), anything(), anything(), anything()}, func(rng *rand.Rand) []bool {
			same, less := m.sessions(rng, 23, flat), m.sessions(rng, 23, from(20, .9))
			level1, level2 := level.Follow(same, opt), level.Follow(less, opt)
			found := func(j level.Judgement) bool { return j.Answer == level.Shifted }
			return []bool{
				benchstat(same[19].Values, same[20].Values), found(level1[20]),
				benchstat(less[19].Values, less[20].Values), found(level2[20]), found(level2[20]) || found(level2[21]) || found(level2[22]),
			}
		}})
	}
	tab.check(t)
}

// divisive finds changes of a series as E-divisive does (Matteson and James, 2014):
// the split with the greatest energy distance between both sides, if permutations of
// the values seldom give a greater one, and then within the sides.
func divisive(rng *rand.Rand, values []float64, least int) []int {
	const permutations, significance = 199, 0.05
	at, distance := split(values, least)
	if at == 0 {
		return nil
	}
	greater := 1
	shuffled := slices.Clone(values)
	for range permutations {
		rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if _, d := split(shuffled, least); d >= distance {
			greater++
		}
	}
	if float64(greater)/(permutations+1) > significance {
		return nil
	}
	out := append(divisive(rng, values[:at], least), at)
	for _, i := range divisive(rng, values[at:], least) {
		out = append(out, at+i)
	}
	return out
}

// split is where the energy distance of both sides is greatest, none of which has
// fewer than least values; 0 if there is no such place.
func split(x []float64, least int) (at int, distance float64) {
	n := len(x)
	if n < 2*least {
		return 0, 0
	}
	// Sums of distances within the left side, within the right, and between.
	left, right, across := 0.0, 0.0, 0.0
	for i := range x {
		for j := range i {
			right += math.Abs(x[i] - x[j])
		}
	}
	for k := 1; k <= n-least; k++ { // x[k-1] goes over to the left
		toLeft, toRight := 0.0, 0.0
		for j, v := range x {
			if j < k-1 {
				toLeft += math.Abs(v - x[k-1])
			} else if j >= k {
				toRight += math.Abs(v - x[k-1])
			}
		}
		left, right, across = left+toLeft, right-toRight, across-toLeft+toRight
		if k < least {
			continue
		}
		a, b := float64(k), float64(n-k)
		if q := a * b / (a + b) * (2*across/(a*b) - 2*left/math.Max(1, a*(a-1)) - 2*right/math.Max(1, b*(b-1))); q > distance {
			at, distance = k, q
		}
	}
	return at, distance
}

// Steps in the newest benches and flat series, by E-divisive and by ours.
func TestBesideADivisiveDetector(t *testing.T) {
	tab := table{name: "divisive", slow: 10, head: []string{"series of 60", "E-divisive, sides of 3", "fiord"}}
	for _, c := range []struct {
		name        string
		noise, drop float64
		newest      int
		ar          float64
		bound       bound
	}{
		{"nothing changed, 3% noise", .03, 0, 0, 0, atMost(.02)},
		{"nothing changed, AR(1) .3 at 3%", .03, 0, 0, .3, atMost(.05)},
		{"10% less in the last 4, 3% noise", .03, .10, 4, 0, atLeast(.95)},
		{"30% less in the last 3, 1% noise", .01, .30, 3, 0, atLeast(.98)},
		{"10% less in the last 20, 3% noise", .03, .10, 20, 0, atLeast(.95)},
	} {
		m := machine{between: c.noise, ar: c.ar, repeats: 1}
		tab.rows = append(tab.rows, row{[]string{c.name}, []bound{anything(), c.bound}, func(rng *rand.Rand) []bool {
			sessions := m.sessions(rng, 60, from(60-c.newest, 1-c.drop))
			values := make([]float64, len(sessions))
			for i, s := range sessions {
				values[i] = s.Values[0]
			}
			near := func(at int) bool { return c.newest == 0 || math.Abs(float64(at-(60-c.newest))) <= 2 }
			theirs := divisive(rng, values, 3)
			ours := changepoint.WithNewest(values, 0.01, false)
			return []bool{
				slices.ContainsFunc(theirs, near),
				slices.ContainsFunc(ours, func(f changepoint.Change) bool { return near(f.At) }),
			}
		}})
	}
	tab.check(t)
}

// A change in the middle is found by both where it is, and splits do not depend on
// how the sums were kept.
func TestTheDivisiveDetectorFindsWhatItMust(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	values := make([]float64, 40)
	for i := range values {
		values[i] = 100 + rng.NormFloat64()
		if i >= 25 {
			values[i] += 10
		}
	}
	if got := divisive(rng, values, 3); !slices.Contains(got, 25) {
		t.Errorf("found %v, want 25", got)
	}
	at, q := split(values, 3)
	if want := energy(values, at); math.Abs(q-want) > 1e-9*want {
		t.Errorf("distance at %d is %v, want %v", at, q, want)
	}
	for k := 3; k <= 37; k++ {
		if energy(values, k) > q*(1+1e-9) {
			t.Error(fmt.Sprint("a greater distance at ", k))
		}
	}
}

// energy is the distance at one split, by its definition.
func energy(x []float64, k int) float64 {
	mean := func(a, b []float64, same bool) float64 {
		sum, n := 0.0, 0
		for i, u := range a {
			for j, v := range b {
				if same && i == j {
					continue
				}
				sum, n = sum+math.Abs(u-v), n+1
			}
		}
		return sum / float64(n)
	}
	a, b := x[:k], x[k:]
	n, m := float64(len(a)), float64(len(b))
	return n * m / (n + m) * (2*mean(a, b, false) - mean(a, a, true) - mean(b, b, true))
}
