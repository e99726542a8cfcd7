package result

import (
	"time"

	"github.com/fiord-bench/fiord/fio/hist"
	"github.com/fiord-bench/fiord/fio/job"
)

// Output is what one run of fio printed.
type Output struct {
	Version string    // as fio prints it: fio-3.33
	Time    time.Time // when fio finished, zero when not printed
	Globals [][]Setting
	Jobs    []Job
	Disks   []Disk

	// Job is the job file that was run, nil when it is not at hand. Whoever has
	// it sets it: fio up to 3.35 does not print all that decides which jobs ran
	// side by side.
	Job *job.File

	Documents int  // complete documents in the text; the last one counts
	Cut       bool // the text ends within a document
	Noise     []Noise
	NoiseMore int      // lines of noise beyond those kept
	Warnings  []string // oddities of the document itself, in words
}

// Noise is a line of text that is not part of a document.
type Noise struct {
	Line int    `json:"line"` // from 1
	Text string `json:"text"` // at most 200 bytes
}

// Setting is one option as fio repeats it.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Job is one entry of fio's jobs: a job, or with group_reporting a group.
type Job struct {
	Name    string    `json:"name"`
	Host    string    `json:"host,omitempty"` // of a client/server run
	Group   int       `json:"group"`
	Start   time.Time `json:"start,omitzero"` // since 3.36
	Options []Setting `json:"options,omitempty"`
	// Grouped says that the entry stands for all jobs of a group: the name is
	// the first job's, the options are the last's, and averages and extremes
	// of IOPS and bandwidth are of single jobs. fio up to 3.35 does not print
	// the option; it is inferred from the runtimes then, and may be missed.
	Grouped   bool  `json:"grouped,omitempty"`
	Error     int   `json:"error"`                // errno of the first error, 0 when none
	Errors    int64 `json:"errors,omitempty"`     // how many, with continue_on_error
	RuntimeMS int64 `json:"runtime_ms,omitempty"` // of the job as a whole

	Read  Direction `json:"read,omitzero"`
	Write Direction `json:"write,omitzero"`
	Trim  Direction `json:"trim,omitzero"`
	Mixed Direction `json:"mixed,omitzero"` // with unified_rw_reporting, in the place of the others
	Sync  Latency   `json:"sync,omitzero"`  // of fsync and its kin

	CPU    CPU          `json:"cpu"`
	Steady *SteadyState `json:"steady_state,omitempty"`
}

// Direction is what a job did in one direction.
type Direction struct {
	Bytes     int64   `json:"bytes"`
	IOs       int64   `json:"ios"`
	RuntimeMS int64   `json:"runtime_ms"`
	IOPS      float64 `json:"iops"`     // ios per second of runtime
	BW        float64 `json:"bw_bytes"` // bytes per second of runtime
	ShortIOs  int64   `json:"short_ios,omitempty"`
	DropIOs   int64   `json:"drop_ios,omitempty"`

	// fio's own samples, every half second by default; a stalled interval is
	// not among them, so their mean is not the rate.
	IOPSSamples Spread `json:"iops_samples,omitzero"`
	BWSamples   Spread `json:"bw_samples,omitzero"` // bytes per second

	Slat  Latency    `json:"slat_ns,omitzero"` // submission
	Clat  Latency    `json:"clat_ns,omitzero"` // completion
	Lat   Latency    `json:"lat_ns,omitzero"`  // both
	Prios []Priority `json:"prios,omitempty"`  // by I/O priority, since 3.30

	ZoneResets int64 `json:"zone_resets,omitempty"` // since 3.42
}

// IsZero tells that nothing was done.
func (d Direction) IsZero() bool { return d.IOs == 0 && d.Bytes == 0 && d.RuntimeMS == 0 }

// Spread describes samples.
type Spread struct {
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Mean   float64 `json:"mean"`
	Stddev float64 `json:"stddev"`
	N      int64   `json:"n"`
}

// Latency describes latencies, in nanoseconds.
type Latency struct {
	Spread
	Percentiles []Percentile    `json:"percentiles,omitempty"` // as fio printed them, in order
	Histogram   *hist.Histogram `json:"histogram,omitempty"`   // with json+ only
}

// IsZero tells that no latency was counted.
func (l Latency) IsZero() bool { return l.N == 0 && l.Histogram == nil }

// Percentile is one percentile. fio prints its rank with six decimals, so that
// two different ones may look alike.
type Percentile struct {
	P  float64 `json:"p"` // 0 to 100
	NS float64 `json:"ns"`
}

// Priority is the part of a direction that had one I/O priority.
type Priority struct {
	Class int     `json:"class"`
	Level int     `json:"level"`
	Hint  int     `json:"hint,omitempty"`
	Clat  Latency `json:"clat_ns"`
}

// CPU is what the job used of the processor.
type CPU struct {
	User            float64 `json:"user_percent"`
	System          float64 `json:"system_percent"`
	ContextSwitches int64   `json:"context_switches"`
	MajorFaults     int64   `json:"major_faults"`
	MinorFaults     int64   `json:"minor_faults"`
}

// SteadyState is what fio's own steady state detection found.
type SteadyState struct {
	Criterion string  `json:"criterion"`
	Attained  bool    `json:"attained"`
	Seconds   int64   `json:"duration_s"`
	BWMean    float64 `json:"bw_bytes_mean"`
	IOPSMean  float64 `json:"iops_mean"`
}

// Disk is what the kernel counted for one block device during the run.
type Disk struct {
	Name        string  `json:"name"`
	ReadIOs     int64   `json:"read_ios"`
	WriteIOs    int64   `json:"write_ios"`
	ReadMerges  int64   `json:"read_merges"`
	WriteMerges int64   `json:"write_merges"`
	ReadTicks   int64   `json:"read_ticks"`
	WriteTicks  int64   `json:"write_ticks"`
	InQueue     int64   `json:"in_queue"`
	Util        float64 `json:"util_percent"`
}

// Directions yields the job's directions by name, those that did something
// only.
func (j *Job) Directions() map[string]*Direction {
	out := make(map[string]*Direction, 4)
	for name, d := range map[string]*Direction{"read": &j.Read, "write": &j.Write, "trim": &j.Trim, "mixed": &j.Mixed} {
		if !d.IsZero() {
			out[name] = d
		}
	}
	return out
}

// Option returns the value of one of the job's own options and whether it is
// set.
func (j *Job) Option(name string) (string, bool) {
	for i := len(j.Options) - 1; i >= 0; i-- {
		if j.Options[i].Name == name {
			return j.Options[i].Value, true
		}
	}
	return "", false
}
