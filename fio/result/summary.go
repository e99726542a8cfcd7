package result

import (
	"math"

	"github.com/fiord-bench/fiord/fio/hist"
)

// Summary is a run in a few figures, small enough for an event.
type Summary struct {
	Read      *Figures `json:"read,omitempty"`
	Write     *Figures `json:"write,omitempty"`
	Trim      *Figures `json:"trim,omitempty"`
	Mixed     *Figures `json:"mixed,omitempty"` // with unified_rw_reporting
	Jobs      int      `json:"jobs"`            // entries that fio reported
	JobErrors int      `json:"job_errors"`      // of them, those with an error
}

// Figures are one direction over all jobs.
//
// Rates are the sum of I/Os or bytes over the time that the jobs took: those
// that ran side by side count the longest of them, those behind a stonewall
// add up. So a job that stalled or ended early lowers the rate.
type Figures struct {
	IOPS      float64 `json:"iops"`
	BWBytes   float64 `json:"bw_bytes"`
	TotalIOs  int64   `json:"total_ios"`
	Bytes     int64   `json:"io_bytes"`
	RuntimeMS int64   `json:"runtime_ms"`
	// Latency is what the figure of latency is: from the start of submission
	// to completion, or fio's completion latency where that is all there is.
	// Its Of says which.
	Latency *LatencyFigures `json:"latency_ns,omitempty"`
	// Clat is fio's completion latency, which leaves out the time that
	// submission took: with buffered I/O nearly all of it.
	Clat *LatencyFigures `json:"clat_ns,omitempty"`
}

// LatencyKind names one of the latencies that fio keeps apart.
type LatencyKind string

// What fio measures of an I/O.
const (
	TotalLatency      LatencyKind = "lat"  // from submission's start to completion
	CompletionLatency LatencyKind = "clat" // from submission's end to completion
)

// LatencyFigures are latencies over all jobs, in nanoseconds. Percentiles come
// from the merged bins of json+, so they are within 0.8% of the truth; without
// bins they are known for a single job only, and else left out.
type LatencyFigures struct {
	Of   LatencyKind `json:"of,omitempty"`
	Mean float64     `json:"mean"`
	P50  float64     `json:"p50,omitempty"`
	P95  float64     `json:"p95,omitempty"`
	P99  float64     `json:"p99,omitempty"`
	P999 float64     `json:"p999,omitempty"`
	Max  float64     `json:"max"`
	// Error is how far the percentiles may be off, as a share of them: half a
	// bin of fio's histogram. Mean and Max are exact.
	Error float64 `json:"bin_error,omitempty"`
}

// Summary adds the jobs up.
func (o *Output) Summary() Summary {
	s := Summary{Jobs: len(o.Jobs)}
	for i := range o.Jobs {
		if o.Jobs[i].Error != 0 || o.Jobs[i].Errors > 0 {
			s.JobErrors++
		}
	}
	s.Read = figures(o.Jobs, func(j *Job) *Direction { return &j.Read })
	s.Write = figures(o.Jobs, func(j *Job) *Direction { return &j.Write })
	s.Trim = figures(o.Jobs, func(j *Job) *Direction { return &j.Trim })
	s.Mixed = figures(o.Jobs, func(j *Job) *Direction { return &j.Mixed })
	return s
}

// figures adds one direction up, nil when no job had it.
func figures(jobs []Job, pick func(*Job) *Direction) *Figures {
	var f Figures
	var phase int64 // the longest runtime since the last stonewall
	for i := range jobs {
		d := pick(&jobs[i])
		if i > 0 && jobs[i].waits(&jobs[i-1]) {
			f.RuntimeMS += phase
			phase = 0
		}
		f.TotalIOs += d.IOs
		f.Bytes += d.Bytes
		phase = max(phase, d.RuntimeMS)
	}
	f.RuntimeMS += phase
	if f.TotalIOs == 0 && f.Bytes == 0 {
		return nil
	}
	if f.RuntimeMS > 0 {
		f.IOPS = float64(f.TotalIOs) * 1000 / float64(f.RuntimeMS)
		f.BWBytes = float64(f.Bytes) * 1000 / float64(f.RuntimeMS)
	}
	if kind, ok := headline(jobs, pick); ok {
		f.Latency = latencyFigures(jobs, pick, kind)
	}
	f.Clat = latencyFigures(jobs, pick, CompletionLatency)
	return &f
}

// waits tells whether the job began after the ones before it were done. A new
// group means a stonewall, unless the options or the times say otherwise: up to
// 3.35 fio prints neither start times nor options without a value.
func (j *Job) waits(before *Job) bool {
	if j.Host != before.Host || j.Group == before.Group {
		return false
	}
	if hasSetting(j.Options, "stonewall") {
		return true
	}
	if hasSetting(j.Options, "new_group") {
		return false
	}
	if j.Start.IsZero() || before.Start.IsZero() {
		return true
	}
	return j.Start.Sub(before.Start).Milliseconds() >= before.longest()
}

// longest is the runtime of the job's longest direction.
func (j *Job) longest() int64 {
	return max(j.Read.RuntimeMS, j.Write.RuntimeMS, j.Trim.RuntimeMS, j.Mixed.RuntimeMS)
}

func (f *LatencyFigures) percentiles(at func(float64) float64) {
	f.Error = hist.Error
	f.P50, f.P95, f.P99, f.P999 = at(50), at(95), at(99), at(99.9)
}

// At returns the percentile that fio printed, from the bins if it did not, or 0
// when it cannot be known.
func (l *Latency) At(p float64) float64 {
	for _, have := range l.Percentiles {
		if math.Abs(have.P-p) < 1e-6 {
			return have.NS
		}
	}
	if l.Histogram != nil {
		return l.Histogram.Percentile(p).Value
	}
	return 0
}
