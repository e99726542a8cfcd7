package simulate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/hist"
	"github.com/fiord-bench/fiord/verdict"
)

// bin is a latency, as a factor of a run's level, and the share of I/Os that have it.
type bin struct{ factor, share float64 }

// logNormal is a distribution of latencies whose logarithms have a standard deviation
// of 0.3. What is below p90 decides no tail, and is one bin.
func logNormal() []bin {
	below := func(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }
	const first, step = 1.28, 0.02
	out := []bin{{1, below(first)}}
	for z := first; z < 5; z += step {
		out = append(out, bin{math.Exp(.3 * (z + step/2)), below(z+step) - below(z)})
	}
	return out
}

// poisson draws how many I/Os fall into a bin.
func poisson(rng *rand.Rand, mean float64) uint64 {
	if mean > 50 {
		return uint64(math.Max(0, math.Round(mean+math.Sqrt(mean)*rng.NormFloat64())))
	}
	n, product, limit := uint64(0), rng.Float64(), math.Exp(-mean)
	for product > limit {
		n, product = n+1, product*rng.Float64()
	}
	return n
}

// tails is a simulated machine as far as tails are concerned.
type tails struct {
	repeats, ios  int
	spread, stall float64 // of runs; and the share of runs in which 2% of I/Os wait for 20 times as long
}

// bench measures it, with latencies shifted by a factor.
func (m tails) bench(rng *rand.Rand, bins []bin, factor float64) verdict.Bench {
	b := verdict.Bench{Bench: "b", Counts: events.Counts{Planned: m.repeats, Completed: m.repeats}}
	for range m.repeats {
		h, run := &hist.Histogram{}, 100_000*factor*math.Exp(m.spread*rng.NormFloat64())
		for _, bin := range bins {
			if n := poisson(rng, bin.share*float64(m.ios)); n > 0 {
				h.Add(uint64(run*bin.factor), n)
			}
		}
		if rng.Float64() < m.stall {
			h.Add(uint64(20*run), uint64(m.ios/50))
		}
		b.Runs = append(b.Runs, verdict.Run{
			Job: "r.fio", Host: "node-a", Integrity: events.IntegrityOK, Tails: map[string]*hist.Histogram{"read": h},
			Values: map[verdict.Metric]float64{"read.p99": h.Percentile(99).Value, "read.p999": h.Percentile(99.9).Value, "read.p9999": h.Percentile(99.99).Value},
		})
	}
	return b
}

// What two benches can know of a tail. Of p99.99 a run must have ten thousand I/Os
// to have one.
func TestTailsOfTwoBenches(t *testing.T) {
	tab := table{name: "tails-two", slow: 5, head: []string{"runs differ by", "repeats", "I/Os a run", "figure", "nothing changed", "10% longer", "30% longer", "twice as long"}}
	bins := logNormal()
	add := func(what string, m tails, figure string, twice bound) {
		labels := []string{what, fmt.Sprint(m.repeats), fmt.Sprint(m.ios), figure}
		opt := verdict.Options{Figures: []string{figure}}
		tab.rows = append(tab.rows, row{labels, []bound{atMost(.02), anything(), anything(), twice}, func(rng *rand.Rand) []bool {
			out := make([]bool, 4)
			for i, factor := range []float64{1, 1.1, 1.3, 2} {
				before := m.bench(rng, bins, 1)
				v := verdict.Judge(&before, m.bench(rng, bins, factor), opt).Verdict
				out[i] = v == events.VerdictRegressed || i == 0 && v == events.VerdictImproved
			}
			return out
		}})
	}
	for _, n := range []int{5, 6, 10} {
		add("2%", tails{n, 10_000, .02, 0}, "p99", atLeast(.99))
		add("2%", tails{n, 10_000, .02, 0}, "p999", atLeast(.99))
		add("2%", tails{n, 100_000, .02, 0}, "p9999", atLeast(.99))
		add("10%", tails{n, 10_000, .10, 0}, "p99", atLeast(.95))
	}
	for _, c := range []struct {
		repeats int
		least   float64
	}{{5, .55}, {6, .45}, {8, .65}, {10, .75}} {
		add("2%, one in five stalls", tails{c.repeats, 10_000, .02, .2}, "p99", atLeast(c.least))
		add("2%, one in ten stalls", tails{c.repeats, 10_000, .02, .1}, "p99", atLeast(.75))
	}
	tab.check(t)
}

// What repeats can find: the least with which a loss can be reported at all, and with
// how much of it.
func TestWhatRepeatsCanFind(t *testing.T) {
	tab := table{name: "repeats", slow: 1, head: []string{"repeats", "noise within a session", "nothing changed", "5% less", "10% less", "10% less, one run lost", "30% less", "called equal if nothing changed"}}
	for _, n := range []int{1, 3, 5, 6, 8, 10} {
		for _, noise := range []float64{.01, .03, .08} {
			bounds := []bound{atMost(.015), anything(), anything(), anything(), anything(), anything()}
			switch {
			case n < 5:
				bounds[1], bounds[2], bounds[3], bounds[4] = atMost(0), atMost(0), atMost(0), atMost(0)
			case noise == .01:
				bounds[2], bounds[4] = atLeast(.99), atLeast(.99)
				if n >= events.ComparedRepeat {
					bounds[3] = atLeast(.99)
				}
			}
			tab.rows = append(tab.rows, row{[]string{fmt.Sprint(n), percent(noise)}, bounds, func(rng *rand.Rand) []bool {
				draw := func(n int, factor float64) verdict.Bench {
					b := verdict.Bench{Bench: "b", Counts: events.Counts{Planned: n, Completed: n}}
					for range n {
						b.Runs = append(b.Runs, verdict.Run{
							Job: "r.fio", Host: "node-a", Integrity: events.IntegrityOK,
							Values: map[verdict.Metric]float64{"read.iops": 50_000 * factor * math.Exp(noise*rng.NormFloat64())},
						})
					}
					return b
				}
				judge := func(lost int, factor float64) events.Verdict {
					before := draw(n, 1)
					after := draw(n-lost, factor)
					if len(after.Runs) == 0 {
						return events.VerdictInvalid
					}
					return verdict.Judge(&before, after, verdict.Options{Figures: []string{"iops"}}).Verdict
				}
				same := judge(0, 1)
				out := []bool{same == events.VerdictRegressed || same == events.VerdictImproved}
				for _, c := range []struct {
					lost   int
					factor float64
				}{{0, .95}, {0, .9}, {1, .9}, {0, .7}} {
					out = append(out, judge(c.lost, c.factor) == events.VerdictRegressed)
				}
				return append(out, same == events.VerdictUnchanged)
			}})
		}
	}
	tab.check(t)
}
