package figure

import (
	"math"
	"strconv"
	"time"

	"gonum.org/v1/plot"
)

// linearTicks places ticks on 1, 2 or 5 times a power of ten (of two for
// bandwidth's binary units the values are divided first), written in one unit.
type linearTicks struct {
	unit step
	want int // about how many
}

// Ticks returns the marks within [lo, hi].
func (t linearTicks) Ticks(lo, hi float64) []plot.Tick {
	lo, hi = lo/t.unit.size, hi/t.unit.size
	inc := niceStep((hi - lo) / float64(t.want))
	prec := max(0, -int(math.Floor(math.Log10(inc)+1e-9)))
	var out []plot.Tick
	for i := math.Ceil(lo/inc - 1e-9); i*inc <= hi+inc*1e-9; i++ {
		v := i * inc
		if v == 0 {
			v = 0 // no "-0"
		}
		out = append(out, plot.Tick{Value: v * t.unit.size, Label: strconv.FormatFloat(v, 'f', prec, 64)})
	}
	return out
}

// niceStep rounds v up to 1, 2 or 5 times a power of ten.
func niceStep(v float64) float64 {
	if !(v > 0) || math.IsInf(v, 0) {
		return 1
	}
	base := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if v <= m*base*(1+1e-9) {
			return m * base
		}
	}
	return 10 * base
}

// logTicks labels powers of ten, and their doubles and fives where few decades
// are shown, each in the unit that suits it.
type logTicks struct{ q Quantity }

// Ticks returns the marks within [lo, hi]; both must be positive.
func (t logTicks) Ticks(lo, hi float64) []plot.Tick {
	decades := math.Log10(hi / lo)
	labelled := map[int]bool{1: true, 2: decades < 2.5, 5: decades < 3.5}
	var out []plot.Tick
	for e := math.Floor(math.Log10(lo) + 1e-9); ; e++ {
		for m := 1; m < 10; m++ {
			v := float64(m) * math.Pow(10, e)
			if v > hi*(1+1e-9) {
				return out
			}
			if v < lo*(1-1e-9) {
				continue
			}
			tick := plot.Tick{Value: v}
			if labelled[m] {
				tick.Label = t.q.Format(v)
			}
			out = append(out, tick)
		}
	}
}

// namedTicks are the given marks.
type namedTicks []plot.Tick

// Ticks returns the marks whatever the range.
func (t namedTicks) Ticks(_, _ float64) []plot.Tick { return t }

// timeUnit returns the unit in which a span of time is read, and its name for
// the axis.
func timeUnit(span time.Duration) step {
	switch {
	case span <= 2*time.Second:
		return step{"time (ms)", 1e-3}
	case span <= 4*time.Minute:
		return step{"time (s)", 1}
	case span <= 4*time.Hour:
		return step{"time (min)", 60}
	default:
		return step{"time (h)", 3600}
	}
}
