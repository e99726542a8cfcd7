package simulate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fiord-bench/fiord/verdict/level"
)

// machine draws the sessions of a machine: repeats whose logarithms have a standard
// deviation of within, around a session's own level, which moves by between and
// resembles the one before by ar.
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

// isShifted holds the newest session of several numbers of them against the level.
func isShifted(m machine, rng *rand.Rand, after ...int) []bool {
	out := make([]bool, len(after))
	for i, n := range after {
		out[i] = level.Follow(m.sessions(rng, n+1, flat), opt)[n].Answer == level.Shifted
	}
	return out
}

func TestUnchangedMachinesAreNotCalledShifted(t *testing.T) {
	tab := table{name: "unchanged", head: []string{"spread between sessions", "after 8 sessions", "after 20", "after 60"}}
	for _, between := range []float64{0, .02, .03, .05} {
		m := machine{within: .01, between: between, repeats: 5}
		tab.rows = append(tab.rows, row{[]string{percent(between)}, []bound{atMost(.03), atMost(.01), atMost(.01)}, func(rng *rand.Rand) []bool {
			return isShifted(m, rng, 8, 20, 60)
		}})
	}
	tab.check(t)
}

func TestSessionsThatResembleTheirNeighboursAreNotCalledShifted(t *testing.T) {
	tab := table{name: "neighbours", head: []string{"spread between sessions", "after 8 sessions", "after 10", "after 12", "after 16", "after 20", "after 40"}}
	for _, between := range []float64{.02, .03, .05} {
		m := machine{within: .01, between: between, ar: .7, repeats: 5}
		few := atMost(.03)
		tab.rows = append(tab.rows, row{[]string{percent(between)}, []bound{few, few, few, few, few, few}, func(rng *rand.Rand) []bool {
			return isShifted(m, rng, 8, 10, 12, 16, 20, 40)
		}})
	}
	tab.check(t)
}

func TestDropsAreFoundAsFarAsTwentySessionsCanKnow(t *testing.T) {
	tab := table{name: "drops", head: []string{"spread between sessions", "found at once", "found within three sessions"}}
	for _, c := range []struct{ between, one, lasting float64 }{
		{0, .99, .99}, {.02, .95, .99}, {.03, .65, .90}, {.05, .20, .60},
	} {
		m := machine{within: .01, between: c.between, repeats: 5}
		tab.rows = append(tab.rows, row{[]string{percent(c.between)}, []bound{atLeast(c.one), atLeast(c.lasting)}, func(rng *rand.Rand) []bool {
			all := level.Follow(m.sessions(rng, 23, from(20, .9)), opt)
			found := func(j level.Judgement) bool { return j.Answer == level.Shifted && !j.Better && j.Change < 0 }
			return []bool{found(all[20]), found(all[20]) || found(all[21]) || found(all[22])}
		}})
	}
	tab.check(t)
}

func TestCreepIsReportedBeforeItCostsEightPercent(t *testing.T) {
	tab := table{name: "creep", head: []string{"flat sessions before", "reported before it cost 8%", "before 10%"}}
	m := machine{within: .01, repeats: 5}
	for _, after := range []int{0, 4, 8, 20} {
		bounds := []bound{atLeast(.95), atLeast(.95)}
		if after == 4 {
			bounds = []bound{anything(), anything()} // too few to know the spread, too many for a line
		}
		tab.rows = append(tab.rows, row{[]string{fmt.Sprint(after)}, bounds, func(rng *rand.Rand) []bool {
			creep := func(i int) float64 { return math.Pow(.99, math.Max(0, float64(i-after))) }
			for i, j := range level.Follow(m.sessions(rng, after+15, creep), opt) {
				if j.Answer == level.Shifted && i >= after {
					return []bool{creep(i) > .92, creep(i) > .90}
				}
			}
			return []bool{false, false}
		}})
	}
	tab.check(t)
}

func TestManyComparisonsKeepTheChanceOfAnyFalseShift(t *testing.T) {
	tab := table{name: "family", slow: 4, head: []string{"noise within a session", "no spread between sessions", "3% between sessions"}}
	for _, noise := range []float64{.01, .03, .08} {
		tab.rows = append(tab.rows, row{[]string{percent(noise)}, []bound{atMost(.02), atMost(.02)}, func(rng *rand.Rand) []bool {
			var out []bool
			for _, day := range []float64{0, .03} {
				m := machine{within: noise, repeats: 5, between: day}
				out = append(out, len(shifted(family(rng, m, 90, func(int) func(int) float64 { return flat }))) > 0)
			}
			return out
		}})
	}
	tab.check(t)
}

func TestOneShiftedPointOfThirtyIsFound(t *testing.T) {
	tab := table{name: "one-of-ninety", slow: 4, head: []string{"spread between sessions", "drop", "found"}}
	for _, c := range []struct{ between, drop, bound float64 }{{.01, .10, .95}, {.02, .15, .90}, {.03, .20, .80}} {
		m := machine{within: .01, between: c.between, repeats: 5}
		tab.rows = append(tab.rows, row{[]string{percent(c.between), percent(c.drop)}, []bound{atLeast(c.bound)}, func(rng *rand.Rand) []bool {
			found := shifted(family(rng, m, 90, func(series int) func(int) float64 {
				if series == 7 {
					return from(20, 1-c.drop)
				}
				return flat
			}))
			return []bool{len(found) > 0 && found[0] == 7}
		}})
	}
	tab.check(t)
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
	wrong, n := 0, max(20, *histories/10)
	for h := range n {
		rng := rand.New(rand.NewPCG(700, uint64(h)))
		for _, j := range level.Follow(m.sessions(rng, 120, flat), opt)[20:] {
			if j.Answer == level.Shifted {
				wrong++
			}
		}
	}
	share := float64(wrong) / float64(100*n)
	t.Logf("%.2f%% of the sessions of %d long histories", 100*share, n)
	if b := atMost(.01); !b.holds(share, n) {
		t.Errorf("%.2f%% of sessions are called shifted, want %s", 100*share, b)
	}
}

// A tail's stalls: the session lies where its lower runs do, and stalls are counted.
func TestTailsInAHistory(t *testing.T) {
	tab := table{name: "tails-history", slow: 2, head: []string{"repeats", "runs that stall", "nothing changed", "twice as long, found at once", "half of the runs stall from now on, found within three sessions"}}
	for _, c := range []struct {
		repeats     int
		stall       float64
		wrong, half bound
	}{{5, 0, atMost(.01), atLeast(.90)}, {5, .1, atMost(.01), anything()}, {5, .2, atMost(.03), anything()}, {8, .1, atMost(.01), anything()}, {8, .2, atMost(.015), anything()}} {
		tab.rows = append(tab.rows, row{[]string{fmt.Sprint(c.repeats), percent(c.stall)}, []bound{c.wrong, atLeast(.90), c.half}, func(rng *rand.Rand) []bool {
			draw := func(factor, later float64) []level.Session {
				out := make([]level.Session, 23)
				for i := range out {
					day, stall := math.Exp(.02*rng.NormFloat64()), c.stall
					if i >= 20 {
						day, stall = day*factor, later
					}
					for range c.repeats {
						v := day * math.Exp(.02*rng.NormFloat64())
						if rng.Float64() < stall {
							v = 10 * math.Exp(.3*rng.NormFloat64())
						}
						out[i].Values = append(out[i].Values, 1e6*v)
					}
				}
				return out
			}
			opt := level.Options{Threshold: .05, LowerIsBetter: true, Tail: true}
			worse := func(j level.Judgement) bool { return j.Answer == level.Shifted && !j.Better }
			same, twice, half := level.Follow(draw(1, c.stall), opt), level.Follow(draw(2, c.stall), opt), level.Follow(draw(1, .5), opt)
			return []bool{same[20].Answer == level.Shifted, worse(twice[20]), worse(half[20]) || worse(half[21]) || worse(half[22])}
		}})
	}
	tab.check(t)
}
