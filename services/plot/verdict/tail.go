package verdict

import (
	"math/rand/v2"
	"slices"

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
	out := make([]Tail, len(percentiles))
	all := &hist.Histogram{}
	for _, h := range runs {
		all.Merge(h)
	}
	for i, p := range percentiles {
		out[i] = Tail{Value: all.Percentile(p).Value, Runs: len(runs), IOs: all.N()}
	}
	if len(runs) < resampleRuns {
		return out
	}
	r := rand.New(rand.NewPCG(uint64(len(runs)), all.N())) // #nosec G404 -- the same runs must give the same interval
	seen := make([][]float64, len(percentiles))
	sample := all.Clone() // keeps its memory and coarseness
	for range resamples {
		sample.Reset()
		for range runs {
			sample.Merge(runs[r.IntN(len(runs))])
		}
		for i, p := range percentiles {
			seen[i] = append(seen[i], sample.Percentile(p).Value)
		}
	}
	const cut = resamples / 40 // 2.5% at either end
	for i := range out {
		slices.Sort(seen[i])
		out[i].Low, out[i].High = seen[i][cut], seen[i][resamples-1-cut]
	}
	return out
}
