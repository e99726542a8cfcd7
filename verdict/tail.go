package verdict

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/hist"
)

// Tail is a percentile of all I/Os of several runs together, in nanoseconds.
type Tail struct {
	// Value is read from the runs' histograms merged bin by bin: percentiles of
	// runs are never averaged.
	Value float64
	// Low and High are the bounds of a 95% interval; both are 0 where there are
	// too few runs for one.
	Low, High float64
	// Runs and IOs that were counted.
	Runs int
	IOs  uint64
}

// Resampling of runs.
const (
	resamples    = 1000
	resampleRuns = 5 // of fewer runs there are too few samples to tell a spread
)

// Tails returns percentiles (0 to 100) of runs taken together. The intervals
// are bootstrapped over runs and not over I/Os: runs differ by far more than
// the I/Os of one run would suggest. The same runs give the same interval.
func Tails(runs []*hist.Histogram, percentiles ...float64) []Tail {
	p := pool(runs)
	out := make([]Tail, len(percentiles))
	for i, percent := range percentiles {
		out[i] = p.tail(percent)
	}
	if len(runs) < resampleRuns {
		return out
	}
	r := p.source()
	seen := make([][]float64, len(percentiles))
	for range resamples {
		p.draw(r)
		for i, percent := range percentiles {
			seen[i] = append(seen[i], p.percentile(percent))
		}
	}
	for i := range out {
		out[i].Low, out[i].High = middle95(seen[i])
	}
	return out
}

// TailShift compares one percentile of all I/Os of the runs before with that of
// the runs after; nil if a side has no I/O. The interval of the change is
// bootstrapped over the runs of either side, and so are the sides'.
func TailShift(before, after []*hist.Histogram, percent float64) *events.MergedTail {
	a, b := pool(before), pool(after)
	x, y := a.tail(percent), b.tail(percent)
	if !(x.Value > 0 && y.Value > 0) {
		return nil
	}
	out := &events.MergedTail{Before: told(x), After: told(y), Change: y.Value/x.Value - 1}
	if len(before) < resampleRuns || len(after) < resampleRuns {
		return out
	}
	ra, rb := a.source(), b.source()
	seenA, seenB, seen := make([]float64, resamples), make([]float64, resamples), make([]float64, resamples)
	for i := range resamples {
		a.draw(ra)
		b.draw(rb)
		seenA[i], seenB[i] = a.percentile(percent), b.percentile(percent)
		seen[i] = seenB[i]/seenA[i] - 1
	}
	out.Low, out.High = middle95(seen)
	out.Before.Low, out.Before.High = middle95(seenA)
	out.After.Low, out.After.High = middle95(seenB)
	out.Interval = true
	return out
}

func told(t Tail) events.TailValue {
	return events.TailValue{Value: t.Value, IOs: t.IOs}
}

// middle95 returns the bounds that leave out 2.5% at either end of values, which
// it sorts.
func middle95(values []float64) (low, high float64) {
	slices.Sort(values)
	cut := len(values) / 40
	return values[cut], values[len(values)-1-cut]
}

// pooled is several runs, ready to be drawn from with replacement. A sample is
// how often each run was drawn; its percentile is looked up in the runs' sums,
// so that no histogram is merged again for each of a thousand samples.
type pooled struct {
	values []float64  // of the bins in use by any run, ascending
	sums   [][]uint64 // per run: I/Os in these bins and all below
	drawn  []uint64   // how often each run is in the sample
}

// pool prepares runs. All of them are in the first sample, once each.
func pool(runs []*hist.Histogram) *pooled {
	merged := &hist.Histogram{}
	for _, h := range runs {
		merged.Merge(h)
	}
	p := &pooled{drawn: slices.Repeat([]uint64{1}, len(runs))}
	var ends []uint64 // where the merged bins end
	for b := range merged.All() {
		p.values, ends = append(p.values, float64(b.Value)), append(ends, b.High)
	}
	for _, h := range runs {
		sums := make([]uint64, len(ends))
		at, sum := 0, uint64(0)
		for b := range h.All() {
			for ; ends[at] < b.High; at++ {
				sums[at] = sum
			}
			sum = b.Cumulative
		}
		for ; at < len(sums); at++ {
			sums[at] = sum
		}
		p.sums = append(p.sums, sums)
	}
	return p
}

// source draws the same for the same runs.
func (p *pooled) source() *rand.Rand {
	return rand.New(rand.NewPCG(uint64(len(p.sums)), p.below(len(p.values)-1))) // #nosec G404 -- the same runs must give the same interval
}

// draw takes another sample: as many runs as there are, with replacement.
func (p *pooled) draw(r *rand.Rand) {
	clear(p.drawn)
	for range p.drawn {
		p.drawn[r.IntN(len(p.drawn))]++
	}
}

// below counts the sample's I/Os up to and with a bin.
func (p *pooled) below(bin int) uint64 {
	var n uint64
	for i, times := range p.drawn {
		if times > 0 && bin >= 0 {
			n += times * p.sums[i][bin]
		}
	}
	return n
}

// percentile of the sample, by the rule of [hist.Histogram.Percentile].
func (p *pooled) percentile(percent float64) float64 {
	if len(p.values) == 0 {
		return 0
	}
	all := float64(p.below(len(p.values) - 1))
	i := sort.Search(len(p.values)-1, func(bin int) bool { return math.FMA(percent, all, -100*float64(p.below(bin))) <= 0 })
	return p.values[i]
}

// tail is the percentile of all runs, before any other sample is drawn.
func (p *pooled) tail(percent float64) Tail {
	return Tail{Value: p.percentile(percent), Runs: len(p.sums), IOs: p.below(len(p.values) - 1)}
}
