package level_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fiord-bench/fiord/verdict/level"
)

// histories is how many histories each simulated figure comes from. The default
// takes seconds; the figures of the guide come from 2000 and more.
var histories = flag.Int("level.histories", 200, "simulated histories behind each figure")

// machine draws the sessions of a machine: five repeats each, whose logarithms
// have a standard deviation of within, around a session's own level, which moves
// by between and resembles the one before by ar.
type machine struct {
	within, between, ar float64
	repeats             int
}

// sessions draws n sessions, each shifted by a factor.
func (m machine) sessions(rng *rand.Rand, n int, shift func(i int) float64) []level.Session {
	out := make([]level.Session, n)
	day := rng.NormFloat64()
	for i := range out {
		if i > 0 {
			day = m.ar*day + math.Sqrt(1-m.ar*m.ar)*rng.NormFloat64()
		}
		for range m.repeats {
			v := math.Exp(day*m.between+rng.NormFloat64()*m.within) * shift(i)
			out[i].Values = append(out[i].Values, 50_000*v)
		}
	}
	return out
}

func flat(int) float64 { return 1 }

// from is a shift by a factor from session at on.
func from(at int, factor float64) func(int) float64 {
	return func(i int) float64 {
		if i >= at {
			return factor
		}
		return 1
	}
}

// opt are the options of a rate at the default threshold.
var opt = level.Options{Threshold: 0.05}

// share is the part of simulated histories for which something holds.
func share(seed uint64, what func(rng *rand.Rand) bool) float64 {
	n := 0
	for h := range *histories {
		if what(rand.New(rand.NewPCG(seed, uint64(h)))) {
			n++
		}
	}
	return float64(n) / float64(*histories)
}

// error4 is four standard errors of a share: what a figure from few histories
// may lie beyond its bound.
func error4(bound float64) float64 { return 4 * math.Sqrt(bound*(1-bound)/float64(*histories)) }

func atMost(t *testing.T, what string, got, bound float64) {
	t.Helper()
	t.Logf("%-60s %6.2f%% (at most %g%%)", what, 100*got, 100*bound)
	if got > bound+error4(bound) {
		t.Errorf("%s: %.2f%%, want at most %g%%", what, 100*got, 100*bound)
	}
}

func atLeast(t *testing.T, what string, got, bound float64) {
	t.Helper()
	t.Logf("%-60s %6.2f%% (at least %g%%)", what, 100*got, 100*bound)
	if got < bound-error4(bound) {
		t.Errorf("%s: %.2f%%, want at least %g%%", what, 100*got, 100*bound)
	}
}

func TestUnchangedMachinesAreNotCalledShifted(t *testing.T) {
	for i, between := range []float64{0, .02, .03, .05} {
		m := machine{within: .01, between: between, repeats: 5}
		for _, c := range []struct {
			sessions int
			bound    float64
		}{{8, .03}, {20, .01}, {60, .01}} {
			got := share(uint64(100+10*i+c.sessions), func(rng *rand.Rand) bool {
				return level.Follow(m.sessions(rng, c.sessions+1, flat), opt)[c.sessions].Answer == level.Shifted
			})
			atMost(t, fmt.Sprintf("nothing changed, between %g%%, %d sessions", 100*between, c.sessions), got, c.bound)
		}
	}
}

func TestSessionsThatResembleTheirNeighboursAreNotCalledShifted(t *testing.T) {
	for i, between := range []float64{.02, .03, .05} {
		m := machine{within: .01, between: between, ar: .7, repeats: 5}
		got := share(uint64(200+i), func(rng *rand.Rand) bool {
			return level.Follow(m.sessions(rng, 41, flat), opt)[40].Answer == level.Shifted
		})
		atMost(t, fmt.Sprintf("AR(1) .7, between %g%%, 40 sessions", 100*between), got, .03)
		for few, bound := range map[int]float64{8: .03, 12: .06} {
			got := share(uint64(250+10*i+few), func(rng *rand.Rand) bool {
				return level.Follow(m.sessions(rng, few+1, flat), opt)[few].Answer == level.Shifted
			})
			atMost(t, fmt.Sprintf("AR(1) .7, between %g%%, %d sessions", 100*between, few), got, bound)
		}
	}
}

func TestDropsAreFoundAsFarAsTwentySessionsCanKnow(t *testing.T) {
	for i, c := range []struct{ between, one, lasting float64 }{
		{0, .99, .99}, {.02, .95, .99}, {.03, .65, .90}, {.05, .20, .60},
	} {
		m := machine{within: .01, between: c.between, repeats: 5}
		one, lasting := 0, 0
		for h := range *histories {
			rng := rand.New(rand.NewPCG(uint64(300+i), uint64(h)))
			all := level.Follow(m.sessions(rng, 23, from(20, .9)), opt)
			found := func(j level.Judgement) bool { return j.Answer == level.Shifted && !j.Better && j.Change < 0 }
			if found(all[20]) {
				one++
			}
			if found(all[20]) || found(all[21]) || found(all[22]) {
				lasting++
			}
		}
		n := float64(*histories)
		atLeast(t, fmt.Sprintf("drop of 10%%, between %g%%, at once", 100*c.between), float64(one)/n, c.one)
		atLeast(t, fmt.Sprintf("drop of 10%%, between %g%%, within three sessions", 100*c.between), float64(lasting)/n, c.lasting)
	}
}

func TestCreepIsReportedBeforeItCostsEightPercent(t *testing.T) {
	m := machine{within: .01, repeats: 5}
	for _, after := range []int{0, 8, 20} {
		got := share(uint64(400+after), func(rng *rand.Rand) bool {
			creep := func(i int) float64 { return math.Pow(.99, math.Max(0, float64(i-after))) }
			for i, j := range level.Follow(m.sessions(rng, after+12, creep), opt) {
				if j.Answer == level.Shifted && i >= after {
					return creep(i) > .92
				}
			}
			return false
		})
		atLeast(t, fmt.Sprintf("creep of 1%% a session after %d flat ones", after), got, .95)
	}
}

func TestManyComparisonsKeepTheChanceOfAnyFalseShift(t *testing.T) {
	for i, noise := range []float64{.01, .03, .08} {
		for _, day := range []float64{0, .03} {
			m := machine{within: noise, repeats: 5, between: day}
			got := share(uint64(500+10*i)+uint64(1000*day), func(rng *rand.Rand) bool {
				return len(shifted(family(rng, m, 90, func(int) func(int) float64 { return flat }))) > 0
			})
			atMost(t, fmt.Sprintf("any of 90 comparisons, noise %g%%, between %g%%", 100*noise, 100*day), got, .02)
		}
	}
}

func TestOneShiftedPointOfThirtyIsFound(t *testing.T) {
	for i, c := range []struct{ between, drop, bound float64 }{{.01, .10, .95}, {.02, .15, .90}, {.03, .20, .80}} {
		m := machine{within: .01, between: c.between, repeats: 5}
		got := share(uint64(600+i), func(rng *rand.Rand) bool {
			found := shifted(family(rng, m, 90, func(series int) func(int) float64 {
				if series == 7 {
					return from(20, 1-c.drop)
				}
				return flat
			}))
			return len(found) > 0 && found[0] == 7
		})
		atLeast(t, fmt.Sprintf("drop of %g%% at one of 90, between %g%%", 100*c.drop, 100*c.between), got, c.bound)
	}
}

// family judges the 21st session of n series.
func family(rng *rand.Rand, m machine, n int, shift func(series int) func(int) float64) []*level.Judgement {
	list := make([]*level.Judgement, n)
	for s := range list {
		all := level.Follow(m.sessions(rng, 21, shift(s)), opt)
		list[s] = &all[20]
	}
	level.Family(list)
	return list
}

// shifted lists the indexes of what is shifted.
func shifted(list []*level.Judgement) []int {
	var out []int
	for i, j := range list {
		if j.Answer == level.Shifted {
			out = append(out, i)
		}
	}
	return out
}

func TestALuckySessionDoesNotBecomeTheReference(t *testing.T) {
	m := machine{within: .01, between: .03, repeats: 5}
	regressed := 0
	n := max(20, *histories/10)
	for h := range n {
		rng := rand.New(rand.NewPCG(700, uint64(h)))
		for _, j := range level.Follow(m.sessions(rng, 120, flat), opt)[20:] {
			if j.Answer == level.Shifted {
				regressed++
			}
		}
	}
	atMost(t, "sessions of long histories", float64(regressed)/float64(100*n), .01)
}

func TestANewestStepIsFoundWhereFlatSeriesStayQuiet(t *testing.T) {
	for i, c := range []struct {
		noise, drop float64
		newest      int
	}{{.03, .10, 4}, {.01, .30, 3}} {
		m := machine{between: c.noise, repeats: 1}
		got := share(uint64(800+i), func(rng *rand.Rand) bool {
			all := level.Follow(m.sessions(rng, 60, from(60-c.newest, 1-c.drop)), opt)
			for _, j := range all[60-c.newest:] {
				if j.Answer == level.Shifted && !j.Better {
					return true
				}
			}
			return false
		})
		atLeast(t, fmt.Sprintf("step of %g%% in the last %d of 60, noise %g%%", 100*c.drop, c.newest, 100*c.noise), got, .98)
	}
}
