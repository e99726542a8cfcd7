package result

import (
	"github.com/fiord-bench/fiord/fio/hist"
)

// Summary is a run in a few figures.
//
// Figures over all jobs exist only where every section of that direction ran at
// the same time; else they are nil, and Sections hold what there is.
type Summary struct {
	Read  *Figures `json:"read,omitempty"`
	Write *Figures `json:"write,omitempty"`
	Trim  *Figures `json:"trim,omitempty"`
	Mixed *Figures `json:"mixed,omitempty"` // with unified_rw_reporting
	Sync  *Figures `json:"sync,omitempty"`  // of fsync and its kin
	// Sections in the order of their jobs; one at least.
	Sections  []Section `json:"sections"`
	Jobs      int       `json:"jobs"`       // entries that fio reported
	JobErrors int       `json:"job_errors"` // of them, those with an error
}

// Figures are one direction over the jobs of a section, or over several
// sections that ran at the same time.
//
// Rates are the sum of I/Os or bytes over the time that the longest of the jobs
// took. So a job that stalled or ended early lowers the rate.
type Figures struct {
	IOPS      float64 `json:"iops"`
	BWBytes   float64 `json:"bw_bytes"`
	TotalIOs  int64   `json:"total_ios"`
	Bytes     int64   `json:"io_bytes"`
	RuntimeMS int64   `json:"runtime_ms"`
	// Sections are the names of those added up, where there are several.
	Sections []string `json:"sections,omitempty"`
	// Latency is what the figure of latency is: from the start of submission
	// to completion, or fio's completion latency where that is all there is.
	// Its Of says which. Nil where none was measured.
	Latency *LatencyFigures `json:"latency_ns,omitempty"`
	// The kinds, each nil where it was not measured: from the start of submission
	// to completion, of completion alone, of submission alone.
	Lat  *LatencyFigures `json:"lat_ns,omitempty"`
	Clat *LatencyFigures `json:"clat_ns,omitempty"`
	Slat *LatencyFigures `json:"slat_ns,omitempty"`
}

// pick is one direction of a job.
type pick func(*Job) *Direction

// The directions that jobs have. What unified_rw_reporting adds up is mixed.
func ofReads(j *Job) *Direction  { return &j.Read }
func ofWrites(j *Job) *Direction { return &j.Write }
func ofTrims(j *Job) *Direction  { return &j.Trim }
func ofMixed(j *Job) *Direction  { return &j.Mixed }

// Summary adds the jobs up.
func (o *Output) Summary() Summary {
	s := Summary{Jobs: len(o.Jobs), Sections: o.Sections()}
	for i := range o.Jobs {
		if o.Jobs[i].Error != 0 || o.Jobs[i].Errors > 0 {
			s.JobErrors++
		}
	}
	s.Read, s.Write = o.over(s.Sections, "read", ofReads), o.over(s.Sections, "write", ofWrites)
	s.Trim, s.Mixed = o.over(s.Sections, "trim", ofTrims), o.over(s.Sections, "mixed", ofMixed)
	s.Sync = o.over(s.Sections, "sync", nil)
	return s
}

// over is one direction over all sections that have it: nil if none has, or if
// they did not run at the same time. A nil of stands for the syncs.
func (o *Output) over(sections []Section, direction string, of pick) *Figures {
	var have []*Section
	var names []string
	var jobs []Job
	var runtime int64
	for i := range sections {
		s := &sections[i]
		if s.Direction(direction) == nil {
			continue
		}
		have, names, runtime = append(have, s), append(names, s.Name), max(runtime, s.RuntimeMS)
		for _, e := range s.Entries {
			jobs = append(jobs, o.Jobs[e])
		}
	}
	switch {
	case len(have) == 0:
		return nil
	case len(have) == 1:
		return have[0].Direction(direction)
	case !together(have):
		return nil
	}
	var f *Figures
	if of == nil {
		f = syncFigures(jobs, runtime)
	} else {
		f = figures(jobs, of)
	}
	if f != nil {
		f.Sections = names
	}
	return f
}

// figures adds one direction of jobs that ran side by side up, nil when no job
// had it.
func figures(jobs []Job, of pick) *Figures {
	var f Figures
	for i := range jobs {
		d := of(&jobs[i])
		f.TotalIOs += d.IOs
		f.Bytes += d.Bytes
		f.RuntimeMS = max(f.RuntimeMS, d.RuntimeMS)
	}
	if f.TotalIOs == 0 && f.Bytes == 0 {
		return nil
	}
	f.rates()
	if kind, ok := headline(jobs, of); ok {
		f.Latency = latencyFigures(jobs, of, kind)
	}
	f.Lat = latencyFigures(jobs, of, TotalLatency)
	f.Clat = latencyFigures(jobs, of, CompletionLatency)
	f.Slat = latencyFigures(jobs, of, SubmissionLatency)
	return &f
}

// syncFigures are the calls of fsync and its kin, nil when there were none.
func syncFigures(jobs []Job, runtime int64) *Figures {
	f := Figures{RuntimeMS: runtime}
	for i := range jobs {
		f.TotalIOs += jobs[i].Sync.N
	}
	if f.TotalIOs == 0 {
		return nil
	}
	f.rates()
	f.Latency = latencyFigures(jobs, func(j *Job) *Direction { return &Direction{Lat: j.Sync} }, TotalLatency)
	if f.Latency != nil {
		f.Latency.Of = SyncLatency
	}
	return &f
}

func (f *Figures) rates() {
	if f.RuntimeMS > 0 {
		f.IOPS = float64(f.TotalIOs) * 1000 / float64(f.RuntimeMS)
		f.BWBytes = float64(f.Bytes) * 1000 / float64(f.RuntimeMS)
	}
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

// Histogram merges the latencies of one direction over a run: "read", "write",
// "trim", "mixed" or "sync", of all sections where they ran at the same time, or
// of one section, named by "section/direction". They are of the kind that stands
// for the direction in the summary, which is returned too. It is nil unless
// every job with I/Os in that direction has bins.
func (o *Output) Histogram(name string) (*hist.Histogram, LatencyKind) {
	return histogram(o.Jobs, o.Sections(), name)
}

// Histogram is that of an output, by the sections of the document.
func (d *Document) Histogram(name string) (*hist.Histogram, LatencyKind) {
	return histogram(d.Jobs, d.Summary.Sections, name)
}

func histogram(all []Job, sections []Section, name string) (*hist.Histogram, LatencyKind) {
	jobs, direction := jobsOf(all, sections, name)
	of := func(j *Job) *Direction {
		if direction == "sync" {
			return &Direction{Lat: j.Sync}
		}
		if d := j.Directions()[direction]; d != nil {
			return d
		}
		return &Direction{}
	}
	kind, ok := headline(jobs, of)
	if !ok {
		return nil, ""
	}
	m := merge(jobs, of, kind)
	if direction == "sync" {
		kind = SyncLatency
	}
	if m.complete && m.bins.N() > 0 {
		return &m.bins, kind
	}
	return nil, kind
}
