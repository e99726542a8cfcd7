// Package hist holds fio's latency histograms: the bins of its json+ output and
// of its histogram logs.
//
// fio counts every latency, in nanoseconds, in one of [Bins] bins whose width
// grows with the value: the first 128 are exact, and from there each doubling
// is cut into 64. A bin's relative width is at most 1/64, so a value read from
// a histogram is off by less than 0.8% from the bin's middle. Histograms of
// several jobs, repeats or hosts add up exactly, bin by bin.
package hist

import "math/bits"

// The shape of fio's histograms in every fio 3.
const (
	groupBits = 6
	groupSize = 1 << groupBits // bins per doubling
	groups    = 29
	// Bins is the number of bins.
	Bins = groups * groupSize
)

// Error is how far a value read from a bin may be from the latency counted
// there, as a share of it: half a bin. A coarseness of n makes it 2^n times that.
const Error = 1.0 / (2 * groupSize)

// Index returns the bin that fio counts a latency in.
func Index(ns uint64) int {
	if ns < 2*groupSize {
		return int(ns)
	}
	// The six bits behind the highest one number the bin within its doubling.
	shift := bits.Len64(ns) - 1 - groupBits
	i := (shift+1)<<groupBits | int(ns>>shift)&(groupSize-1)
	return min(i, Bins-1)
}

// Lower returns the smallest latency of a bin.
func Lower(i int) uint64 {
	if i < 2*groupSize {
		return uint64(i)
	}
	shift := i>>groupBits - 1
	return uint64(groupSize+i&(groupSize-1)) << shift
}

// Longest is where the last bin ends, about 17 seconds in ns. fio counts
// longer latencies in that bin all the same.
const Longest = 1 << (groups + groupBits - 1)

// Upper returns the smallest latency above a bin: but see [Longest].
func Upper(i int) uint64 { return Lower(i + 1) }

// Value returns the latency that fio prints for a bin: its middle, cut to whole
// nanoseconds (plat_idx_to_val in fio's stat.c).
func Value(i int) uint64 {
	if i < 2*groupSize {
		return uint64(i)
	}
	shift := i>>groupBits - 1
	return Lower(i) + uint64(1)<<shift/2
}
