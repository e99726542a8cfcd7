package reading

import (
	"math"
	"slices"
	"time"

	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/internal/hostseries"
)

// Activity is what a host did during a run, on an even grid.
type Activity struct {
	start, step time.Duration
	cells       int
	samples     []hostseries.Sample
	// Devices are the kernel names of those that were measured.
	Devices []string
}

// ReadActivity prepares a record for drawing.
func ReadActivity(s hostseries.Series) *Activity {
	a := &Activity{samples: s.Samples, Devices: s.Devices}
	if len(s.Samples) == 0 {
		return a
	}
	spans := make([]time.Duration, len(s.Samples))
	for i, one := range s.Samples {
		spans[i] = one.Span
	}
	slices.Sort(spans)
	a.step = max(spans[len(spans)/2], time.Millisecond)
	// Intervals are a second but for the timer's jitter.
	if whole := a.step.Round(time.Second); whole > 0 {
		a.step = whole
	}
	a.start = s.Samples[0].Start
	length := s.Samples[len(s.Samples)-1].End() - a.start
	for length/a.step > hostseries.MaxRows {
		a.step *= 2
	}
	a.cells = int((length + a.step - 1) / a.step)
	// A cell of which less than half was watched would be drawn at full width.
	if rest := length % a.step; a.cells > 1 && rest > 0 && rest < a.step/2 {
		a.cells--
	}
	return a
}

// Intervals is how many there are on the grid, and their length.
func (a *Activity) Intervals() (n int, step time.Duration) { return a.cells, a.step }

// Series is one of the values over time: the mean of each interval, NaN where
// nobody watched or the host does not tell.
func (a *Activity) Series(name string, of func(hostseries.Sample) float64) figure.Series {
	out := figure.Series{Name: name, Start: a.start, Step: a.step, Values: make([]float64, a.cells)}
	weights := make([]float64, a.cells)
	for _, s := range a.samples {
		v := of(s)
		if math.IsNaN(v) {
			continue
		}
		for at := s.Start; at < s.End(); {
			i := int((at - a.start) / a.step)
			if i >= a.cells {
				break
			}
			until := min(s.End(), a.start+time.Duration(i+1)*a.step)
			w := (until - at).Seconds()
			out.Values[i] += v * w
			weights[i] += w
			at = until
		}
	}
	for i, w := range weights {
		if w == 0 {
			out.Values[i] = math.NaN()
		} else {
			out.Values[i] /= w
		}
	}
	return out
}

// Mean is a value's mean over all that was watched; NaN if it is unknown.
func (a *Activity) Mean(of func(hostseries.Sample) float64) float64 {
	sum, total := 0.0, 0.0
	for _, s := range a.samples {
		if v := of(s); !math.IsNaN(v) {
			sum, total = sum+v*s.Span.Seconds(), total+s.Span.Seconds()
		}
	}
	return sum / total
}

// Throttled is how often a CPU slowed down for heat.
func (a *Activity) Throttled() float64 {
	n := 0.0
	for _, s := range a.samples {
		if s.Throttles > 0 {
			n += s.Throttles
		}
	}
	return n
}
