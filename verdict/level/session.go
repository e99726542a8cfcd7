package level

import (
	"math"
	"slices"
)

// Session is what one bench measured of one series: one metric of one section,
// point and kind of machine.
type Session struct {
	// Values are the repeats, in the metric's unit. Each must be positive and
	// finite; others are left out.
	Values []float64
	// Accepted says that a person accepted this session as the new level: the
	// sessions before it no longer count.
	Accepted bool
}

// summary is a session reduced to logarithms.
type summary struct {
	location float64 // of the repeats
	error2   float64 // squared standard error of the location; NaN for a single repeat
	all      float64 // location of all repeats, of a tail with those that stalled
	runs     int     // usable repeats
	strays   int     // of them that lie far above the location; of tails alone
}

// summarise reduces the repeats of a session. ok is false if none is usable.
func (s Session) summarise(tail bool) (out summary, ok bool) {
	logs := make([]float64, 0, len(s.Values))
	for _, v := range s.Values {
		if v > 0 && !math.IsInf(v, 0) {
			logs = append(logs, math.Log(v))
		}
	}
	if len(logs) == 0 {
		return summary{}, false
	}
	out = summary{location: hodgesLehmann(logs), error2: math.NaN(), runs: len(logs)}
	out.all = out.location
	if tail {
		out.location = lower(logs)
		out.strays = stray(logs, out.location)
	}
	if n := float64(len(logs)); n > 1 {
		sd := deviation(logs)
		out.error2 = sd * sd / n
	}
	return out, true
}

// maxPairs bounds the values of which all pairs are averaged: the estimate takes
// their square.
const maxPairs = 200

// hodgesLehmann returns the median of the means of all pairs of values, each
// paired with itself as well: an estimate of location that one wild value of
// five moves little, and that is nearly as precise as the mean when none is
// wild. Of more than [maxPairs] values it is the median.
func hodgesLehmann(values []float64) float64 {
	n := len(values)
	if n > maxPairs {
		return median(values)
	}
	means := make([]float64, 0, n*(n+1)/2)
	for i, x := range values {
		for _, y := range values[i:] {
			means = append(means, (x+y)/2)
		}
	}
	return median(means)
}

// median returns the median of values, of which there must be one.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// mean returns the mean of values, of which there must be one.
func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// deviation returns the standard deviation of a sample of at least two values.
func deviation(values []float64) float64 {
	m, sum := mean(values), 0.0
	for _, v := range values {
		sum += (v - m) * (v - m)
	}
	return math.Sqrt(sum / float64(len(values)-1))
}
