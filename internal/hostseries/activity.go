package hostseries

import (
	"math"
	"time"
)

// File is the name of the artifact.
const File = "activity.csv"

// MaxRows bounds a series: two hours at one row a second.
const MaxRows = 7200

// Series is what a host did over time.
type Series struct {
	Devices []string // kernel names; every sample has as many devices, in this order
	Samples []Sample
}

// Sample is one interval. Values that the host does not tell are NaN.
type Sample struct {
	Start time.Duration // since fio was started
	Span  time.Duration // length of the interval

	CPU       CPU
	Memory    float64 // bytes used
	FreqMin   float64 // MHz
	FreqMean  float64 // MHz
	Throttles float64 // events
	Devices   []Device
}

// End is when the interval ends.
func (s Sample) End() time.Duration { return s.Start + s.Span }

// CPU says how all CPUs together spent an interval, in percent.
type CPU struct{ User, System, IOWait, Steal, Idle float64 }

// Device is one block device's work in an interval.
type Device struct {
	ReadIOPS, WriteIOPS   float64 // per second
	ReadBytes, WriteBytes float64 // per second
	InFlight              float64 // mean number of requests
	Busy                  float64 // percent of the time
}

// Add appends a sample. When the series is full, pairs are merged first; Add
// then reports true, and the caller had better take samples half as often.
func (s *Series) Add(one Sample) (merged bool) {
	if len(s.Samples) >= MaxRows {
		s.halve()
		merged = true
	}
	s.Samples = append(s.Samples, one)
	return merged
}

// halve merges each pair of neighbours.
func (s *Series) halve() {
	kept := s.Samples[:0]
	for i := 0; i < len(s.Samples); i += 2 {
		one := s.Samples[i]
		if i+1 < len(s.Samples) {
			one = merge(one, s.Samples[i+1])
		}
		kept = append(kept, one)
	}
	clear(s.Samples[len(kept):])
	s.Samples = kept
}

// merge is the sample of two neighbouring intervals: means weighted by time,
// the least of the least and the sum of what was counted.
func merge(a, b Sample) Sample {
	out := Sample{Start: a.Start, Span: b.End() - a.Start, Devices: make([]Device, len(a.Devices))}
	cells, before, after := out.cells(), a.cells(), b.cells()
	for i := range cells {
		*cells[i] = mean(*before[i], *after[i], a.Span.Seconds(), b.Span.Seconds())
	}
	out.FreqMin = least(a.FreqMin, b.FreqMin)
	out.Throttles = sum(a.Throttles, b.Throttles)
	return out
}

// mean, least and sum take an unknown value for the other one.
func mean(a, b, weightA, weightB float64) float64 {
	switch {
	case math.IsNaN(a):
		return b
	case math.IsNaN(b) || weightA+weightB <= 0:
		return a
	}
	return (a*weightA + b*weightB) / (weightA + weightB)
}

func least(a, b float64) float64 {
	if math.IsNaN(a) || b < a {
		return b
	}
	return a
}

func sum(a, b float64) float64 {
	switch {
	case math.IsNaN(a):
		return b
	case math.IsNaN(b):
		return a
	}
	return a + b
}

// cells are the values of a sample in the order of the columns.
func (s *Sample) cells() []*float64 {
	out := []*float64{
		&s.CPU.User, &s.CPU.System, &s.CPU.IOWait, &s.CPU.Steal, &s.CPU.Idle,
		&s.Memory, &s.FreqMin, &s.FreqMean, &s.Throttles,
	}
	for i := range s.Devices {
		d := &s.Devices[i]
		out = append(out, &d.ReadIOPS, &d.WriteIOPS, &d.ReadBytes, &d.WriteBytes, &d.InFlight, &d.Busy)
	}
	return out
}
