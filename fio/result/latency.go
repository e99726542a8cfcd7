package result

import (
	"math"

	"github.com/fiord-bench/fiord/fio/hist"
)

// LatencyKind names one of the latencies that fio keeps apart.
type LatencyKind string

// What fio measures of an I/O, and of a call of fsync or its kin.
const (
	TotalLatency      LatencyKind = "lat"  // from submission's start to completion
	CompletionLatency LatencyKind = "clat" // from submission's end to completion
	SubmissionLatency LatencyKind = "slat" // from submission's start to its end
	SyncLatency       LatencyKind = "sync" // of a call of fsync, fdatasync, ...
)

// LatencyFigures are latencies over jobs, in nanoseconds. Percentiles come from
// the merged bins of json+, so they are within 0.8% of the truth; without bins
// they are known for a single job only, and else nil.
type LatencyFigures struct {
	Of   LatencyKind `json:"of,omitempty"`
	N    int64       `json:"n,omitempty"` // how many were counted
	Mean float64     `json:"mean"`
	P50  *float64    `json:"p50,omitempty"`
	P95  *float64    `json:"p95,omitempty"`
	P99  *float64    `json:"p99,omitempty"`
	P999 *float64    `json:"p999,omitempty"`
	// P9999 and P99999 are nil too where too few I/Os lie beyond them.
	P9999  *float64 `json:"p9999,omitempty"`
	P99999 *float64 `json:"p99999,omitempty"`
	Max    float64  `json:"max"`
	// Beyond is set when percentiles fell into fio's last bin, which is open:
	// those of this value lie at it or beyond, however far. Mean and Max say more.
	Beyond float64 `json:"beyond,omitempty"`
	// Error is how far the percentiles may be off, as a share of them: half a
	// bin of fio's histogram. Mean and Max are exact.
	Error float64 `json:"bin_error,omitempty"`
}

// enough is how many I/Os must lie beyond a rare percentile for it to be shown.
const enough = 10

// percentiles fills in those that at knows.
func (f *LatencyFigures) percentiles(at func(float64) (float64, bool)) {
	f.Error = hist.Error
	for _, p := range []struct {
		percent float64
		beyond  int64 // one in so many
		to      **float64
	}{{50, 0, &f.P50}, {95, 0, &f.P95}, {99, 0, &f.P99}, {99.9, 0, &f.P999}, {99.99, 10_000, &f.P9999}, {99.999, 100_000, &f.P99999}} {
		v, ok := at(p.percent)
		if !ok || f.N < enough*p.beyond {
			continue
		}
		if v >= openBin && f.Max >= v {
			f.Beyond = openBin
		} else if f.Max > 0 {
			v = min(v, f.Max) // of a bin's middle
		}
		*p.to = new(v)
	}
}

// openBin is what fio prints for its last bin, in which it counts everything
// that is longer.
var openBin = float64(hist.Value(hist.Bins - 1))

// latency is the part of a direction that a kind names.
func (d *Direction) latency(kind LatencyKind) *Latency {
	switch kind {
	case TotalLatency:
		return &d.Lat
	case SubmissionLatency:
		return &d.Slat
	}
	return &d.Clat
}

// headline is the latency that stands for a direction of all jobs: the total
// if its percentiles are known, as those of completion alone flatter whatever
// waits in submission; else completion if its are; else the total's mean. It
// reports false when no latency was measured.
func headline(jobs []Job, of pick) (LatencyKind, bool) {
	for _, enough := range []func(*merged) bool{(*merged).percentiles, (*merged).any} {
		for _, kind := range []LatencyKind{TotalLatency, CompletionLatency} {
			if m := merge(jobs, of, kind); enough(m) {
				return kind, true
			}
		}
	}
	return "", false
}

// merged is one kind of latency over all jobs.
type merged struct {
	n, sum, max float64
	jobs        int      // that have it
	lack        int      // that had I/Os and have it not
	complete    bool     // all have bins
	only        *Latency // the last one: if there is one alone, its own percentiles do
	bins        hist.Histogram
}

func merge(jobs []Job, of pick, kind LatencyKind) *merged {
	m := merged{complete: true}
	for i := range jobs {
		d := of(&jobs[i])
		l := d.latency(kind)
		if l.N == 0 {
			// A job that measured another kind only would be missing.
			if d.Lat.N > 0 || d.Clat.N > 0 || kind == SubmissionLatency && d.IOs > 0 {
				m.lack++
			}
			continue
		}
		m.jobs, m.only = m.jobs+1, l
		m.n += float64(l.N)
		m.sum += l.Mean * float64(l.N)
		m.max = math.Max(m.max, l.Max)
		m.complete = m.complete && l.Histogram != nil
		m.bins.Merge(l.Histogram)
	}
	return &m
}

// any tells whether the kind was measured of every job that did I/O.
func (m *merged) any() bool { return m.jobs > 0 && m.lack == 0 }

// percentiles tells whether percentiles over all jobs are known.
func (m *merged) percentiles() bool {
	return m.any() && (m.complete || m.jobs == 1 && len(m.only.Percentiles) > 0)
}

// latencyFigures merges one kind of latency of all jobs, nil when not all of
// them measured it.
func latencyFigures(jobs []Job, of pick, kind LatencyKind) *LatencyFigures {
	m := merge(jobs, of, kind)
	if !m.any() {
		return nil
	}
	f := &LatencyFigures{Of: kind, N: int64(m.n), Mean: m.sum / m.n, Max: m.max}
	switch {
	case m.complete:
		f.percentiles(func(p float64) (float64, bool) { return m.bins.Percentile(p).Value, true })
	case m.jobs == 1:
		f.percentiles(m.only.At)
	}
	if f.P50 == nil {
		f.Error = 0
	}
	return f
}

// At returns the percentile that fio printed, or that of the bins if it did
// not; false when it cannot be known.
func (l *Latency) At(p float64) (float64, bool) {
	for _, have := range l.Percentiles {
		if math.Abs(have.P-p) < 1e-6 {
			return have.NS, true
		}
	}
	if l.Histogram != nil {
		return l.Histogram.Percentile(p).Value, true
	}
	return 0, false
}
