package result

import (
	"math"

	"github.com/fiord-bench/fiord/fio/hist"
)

// latency is the part of a direction that a kind names.
func (d *Direction) latency(kind LatencyKind) *Latency {
	if kind == TotalLatency {
		return &d.Lat
	}
	return &d.Clat
}

// headline is the latency that stands for a direction of all jobs: the total
// if its percentiles are known, as those of completion alone flatter whatever
// waits in submission; else completion if its are; else the total's mean. It
// reports false when no latency was measured.
func headline(jobs []Job, pick func(*Job) *Direction) (LatencyKind, bool) {
	for _, enough := range []func(*merged) bool{(*merged).percentiles, (*merged).any} {
		for _, kind := range []LatencyKind{TotalLatency, CompletionLatency} {
			if m := merge(jobs, pick, kind); enough(m) {
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

func merge(jobs []Job, pick func(*Job) *Direction, kind LatencyKind) *merged {
	m := merged{complete: true}
	for i := range jobs {
		d := pick(&jobs[i])
		l := d.latency(kind)
		if l.N == 0 {
			// A job that measured the other kind only would be missing.
			if d.Lat.N > 0 || d.Clat.N > 0 {
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
func latencyFigures(jobs []Job, pick func(*Job) *Direction, kind LatencyKind) *LatencyFigures {
	m := merge(jobs, pick, kind)
	if !m.any() {
		return nil
	}
	f := &LatencyFigures{Of: kind, Mean: m.sum / m.n, Max: m.max}
	switch {
	case m.complete:
		f.percentiles(func(p float64) float64 { return m.bins.Percentile(p).Value })
	case m.jobs == 1:
		f.percentiles(m.only.At)
	}
	return f
}

// Histogram merges the latencies of one direction over all jobs: "read",
// "write", "trim" or "mixed". They are of the kind that stands for the
// direction in the summary, which is returned too. It is nil unless every job
// with I/Os in that direction has bins.
func (o *Output) Histogram(direction string) (*hist.Histogram, LatencyKind) {
	pick := func(j *Job) *Direction {
		if d := j.Directions()[direction]; d != nil {
			return d
		}
		return &Direction{}
	}
	kind, ok := headline(o.Jobs, pick)
	if !ok {
		return nil, ""
	}
	if m := merge(o.Jobs, pick, kind); m.complete && m.bins.N() > 0 {
		return &m.bins, kind
	}
	return nil, kind
}
