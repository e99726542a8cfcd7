package hist

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
)

// Histogram counts latencies by bin. The zero value is empty and ready to use.
type Histogram struct {
	counts []uint64 // up to the last bin in use, at the histogram's coarseness
	coarse uint8    // 2^coarse of fio's bins make one
	n      uint64
}

// MaxCoarseness is the largest coarseness that fio's log_hist_coarseness takes.
const MaxCoarseness = 6

// NewCoarse returns an empty histogram with 2^coarseness of fio's bins in one,
// as histogram logs have them.
func NewCoarse(coarseness int) (*Histogram, error) {
	if coarseness < 0 || coarseness > MaxCoarseness {
		return nil, fmt.Errorf("histogram coarseness %d outside 0 to %d", coarseness, MaxCoarseness)
	}
	return &Histogram{coarse: uint8(coarseness)}, nil
}

// Coarseness returns how often neighbouring bins were merged in pairs.
func (h *Histogram) Coarseness() int { return int(h.coarse) }

// N returns how many latencies were counted.
func (h *Histogram) N() uint64 { return h.n }

// Add counts n latencies of a value.
func (h *Histogram) Add(ns, n uint64) { h.AddBin(Index(ns)>>h.coarse, n) }

// AddBin counts n latencies in a bin, numbered at the histogram's coarseness.
// A bin outside the histogram counts as the last.
func (h *Histogram) AddBin(i int, n uint64) {
	i = min(max(i, 0), Bins>>h.coarse-1)
	if n == 0 {
		return
	}
	if i >= len(h.counts) {
		h.counts = append(h.counts, make([]uint64, i+1-len(h.counts))...)
	}
	h.counts[i] += n
	h.n += n
}

// Merge adds another histogram's counts. When they differ in coarseness the
// finer one is merged as the coarser one is, which is exact as well.
func (h *Histogram) Merge(o *Histogram) {
	if o == nil {
		return
	}
	h.coarsen(o.coarse)
	for i, n := range o.counts {
		h.AddBin(i>>(h.coarse-o.coarse), n)
	}
}

func (h *Histogram) coarsen(to uint8) {
	if to <= h.coarse {
		return
	}
	by := to - h.coarse
	old := h.counts
	h.counts, h.coarse, h.n = nil, to, 0
	for i, n := range old {
		h.AddBin(i>>by, n)
	}
}

// TakeHighest takes one of the longest latencies out, and returns it as a
// histogram of its own.
func (h *Histogram) TakeHighest() *Histogram {
	one := &Histogram{coarse: h.coarse}
	for i := len(h.counts) - 1; i >= 0; i-- {
		if h.counts[i] > 0 {
			h.counts[i]--
			h.n--
			one.AddBin(i, 1)
			break
		}
	}
	return one
}

// Clone returns a copy.
func (h *Histogram) Clone() *Histogram {
	c := *h
	c.counts = slices.Clone(h.counts)
	return &c
}

// Reset empties the histogram and keeps its memory and coarseness.
func (h *Histogram) Reset() {
	clear(h.counts)
	h.counts, h.n = h.counts[:0], 0
}

// Bin is one bin in use.
type Bin struct {
	Value      uint64 // what fio prints for it, ns
	Low, High  uint64 // latencies from Low up to but not including High, ns
	Count      uint64
	Cumulative uint64 // with all bins below
}

// All yields the bins in use from the lowest latency up.
func (h *Histogram) All() iter.Seq[Bin] {
	return func(yield func(Bin) bool) {
		var sum uint64
		for i, n := range h.counts {
			if n == 0 {
				continue
			}
			sum += n
			b := h.bin(i)
			b.Count, b.Cumulative = n, sum
			if !yield(b) {
				return
			}
		}
	}
}

func (h *Histogram) bin(i int) Bin {
	b := Bin{Low: Lower(i << h.coarse), High: Upper((i+1)<<h.coarse - 1)}
	if h.coarse == 0 {
		b.Value = Value(i)
	} else {
		b.Value = b.Low + (b.High-b.Low)/2
	}
	return b
}

// Estimate is a value read from a histogram: the true one lies within Low and
// High, unless it is Open.
type Estimate struct {
	Value, Low, High float64 // ns
	// Open says that the value is of the last bin: the true one may lie above
	// High, however far.
	Open bool
}

// Percentile returns the latency that p percent of all do not exceed, by fio's
// own rule: the first bin at which the count reaches p/100 of the total. The
// estimate of an empty histogram is zero.
func (h *Histogram) Percentile(p float64) Estimate {
	var last Bin
	for b := range h.All() {
		last = b
		// fio counts with 80 bits; a fused multiplication is exact enough to
		// pick the same bin when p percent of all is a whole number.
		if math.FMA(p, float64(h.n), -100*float64(b.Cumulative)) <= 0 {
			break
		}
	}
	return Estimate{Value: float64(last.Value), Low: float64(last.Low), High: float64(last.High), Open: last.High == Longest}
}

// Mean returns the mean of the bins' middles, with the bounds that the bins'
// edges give.
func (h *Histogram) Mean() Estimate {
	if h.n == 0 {
		return Estimate{}
	}
	var e Estimate
	for b := range h.All() {
		share := float64(b.Count) / float64(h.n)
		e.Value += share * float64(b.Value)
		e.Low += share * float64(b.Low)
		e.High += share * float64(b.High)
		e.Open = e.Open || b.High == Longest
	}
	return e
}

// Above counts the latencies in bins that lie entirely at or above a value.
func (h *Histogram) Above(ns uint64) uint64 {
	var n uint64
	for b := range h.All() {
		if b.Low >= ns {
			n += b.Count
		}
	}
	return n
}

// wire is the JSON form: pairs of a bin's value and its count.
type wire struct {
	Coarseness int         `json:"coarseness,omitempty"`
	N          uint64      `json:"n"`
	Bins       [][2]uint64 `json:"bins"`
}

// MarshalJSON writes the bins in use as {"n": total, "bins": [[ns, count], …]}.
func (h *Histogram) MarshalJSON() ([]byte, error) {
	w := wire{Coarseness: int(h.coarse), N: h.n, Bins: [][2]uint64{}}
	for b := range h.All() {
		w.Bins = append(w.Bins, [2]uint64{b.Value, b.Count})
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads what MarshalJSON wrote and refuses what it cannot have
// written.
func (h *Histogram) UnmarshalJSON(data []byte) error {
	var w wire
	if err := json.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("read histogram: %w", err)
	}
	fresh, err := NewCoarse(w.Coarseness)
	if err != nil {
		return err
	}
	if len(w.Bins) > Bins {
		return fmt.Errorf("read histogram: %d bins, fio has %d", len(w.Bins), Bins)
	}
	if !slices.IsSortedFunc(w.Bins, func(a, b [2]uint64) int { return cmp.Compare(a[0], b[0]) }) {
		return errors.New("read histogram: bins out of order")
	}
	for _, b := range w.Bins {
		fresh.Add(b[0], b[1])
	}
	if fresh.n != w.N {
		return fmt.Errorf("read histogram: n is %d, the bins hold %d", w.N, fresh.n)
	}
	*h = *fresh
	return nil
}
