package figure

import (
	"math"
	"time"
)

// Series is one quantity on an even grid of time.
type Series struct {
	// Name is the legend's text.
	Name string
	// Note is the figure that stands behind the name, such as "p99 1.2 ms".
	// Empty means the time average for rates, and nothing for latencies:
	// averaging percentiles over windows would be wrong.
	Note string
	// Start is when the first interval begins, since the start of the run.
	Start time.Duration
	// Step is the length of each interval.
	Step time.Duration
	// Values holds one value per interval in the quantity's base unit. A
	// silent interval is 0 for a rate and NaN for a latency.
	Values []float64
}

// end returns when the last interval ends, in seconds.
func (s Series) end() float64 {
	return s.at(len(s.Values))
}

// at returns the start of interval i in seconds.
func (s Series) at(i int) float64 {
	return s.Start.Seconds() + float64(i)*s.Step.Seconds()
}

// mean returns the average over all intervals that have a value.
func (s Series) mean() float64 {
	sum, n := 0.0, 0
	for _, v := range s.Values {
		if !math.IsNaN(v) {
			sum += v
			n++
		}
	}
	return sum / float64(n)
}

// column is what falls into one column of the drawing: a stretch of time with
// the least, mean and greatest value. Without any value all three are NaN.
type column struct {
	from, to      float64 // seconds
	low, mid, top float64
}

// columns thins s to at most n columns. Each keeps its extremes, so that a
// stall or a spike of a single interval survives any thinning.
func (s Series) columns(n int) []column {
	n = min(n, len(s.Values))
	out := make([]column, n)
	for i := range out {
		a, b := i*len(s.Values)/n, (i+1)*len(s.Values)/n
		out[i] = summarise(s.Values[a:b])
		out[i].from, out[i].to = s.at(a), s.at(b)
	}
	return out
}

func summarise(values []float64) column {
	c := column{low: math.Inf(1), top: math.Inf(-1)}
	sum, n := 0.0, 0
	for _, v := range values {
		if math.IsNaN(v) {
			continue
		}
		c.low, c.top = min(c.low, v), max(c.top, v)
		sum += v
		n++
	}
	if n == 0 {
		return column{low: math.NaN(), mid: math.NaN(), top: math.NaN()}
	}
	c.mid = sum / float64(n)
	return c
}

// span is a stretch of time in seconds.
type span struct{ from, to float64 }

// silences returns the stretches in which no series has anything: zero or NaN
// everywhere. Outside its own start and end a series counts as silent.
func silences(all []Series) []span {
	if len(all) == 0 {
		return nil
	}
	quiet := silentSpans(all[0])
	for _, s := range all[1:] {
		quiet = intersect(quiet, silentSpans(s))
	}
	from, to := extent(all)
	return intersect(quiet, []span{{from, to}})
}

// silentSpans returns the silent stretches of one series over all of time.
func silentSpans(s Series) []span {
	quiet := func(v float64) bool { return v == 0 || math.IsNaN(v) }
	out := []span{{math.Inf(-1), s.at(0)}}
	for i, v := range s.Values {
		if !quiet(v) {
			continue
		}
		if last := &out[len(out)-1]; i > 0 && quiet(s.Values[i-1]) || i == 0 {
			last.to = s.at(i + 1)
			continue
		}
		out = append(out, span{s.at(i), s.at(i + 1)})
	}
	if n := len(s.Values); n > 0 && quiet(s.Values[n-1]) {
		out[len(out)-1].to = math.Inf(1)
		return out
	}
	return append(out, span{s.end(), math.Inf(1)})
}

// intersect returns what lies in both lists; each is sorted and disjoint.
func intersect(a, b []span) []span {
	var out []span
	for i, j := 0, 0; i < len(a) && j < len(b); {
		from, to := max(a[i].from, b[j].from), min(a[i].to, b[j].to)
		if from < to {
			out = append(out, span{from, to})
		}
		if a[i].to < b[j].to {
			i++
		} else {
			j++
		}
	}
	return out
}

// extent returns the earliest start and the latest end in seconds.
func extent(all []Series) (from, to float64) {
	from, to = math.Inf(1), math.Inf(-1)
	for _, s := range all {
		if len(s.Values) > 0 {
			from, to = min(from, s.at(0)), max(to, s.end())
		}
	}
	return from, to
}
