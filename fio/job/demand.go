package job

import (
	"fmt"
	"math"
	"time"
)

// Demand is what a job file takes of a machine at once, at most: the largest
// sum over jobs that run side by side, those before a stonewall and those
// behind it apart.
type Demand struct {
	Jobs      Need // processes or threads
	Memory    Need // bytes, of what options decide: buffers, tables, logs
	OpenFiles Need
	Duration  Need // seconds, of the whole file, as far as runtimes say
}

// Need is one number, and the option that has the largest part in it.
type Need struct {
	Count int64
	Job   string // that needs most
	Share int64  // what that one needs
	Pos   Pos
	// Option has the canonical name, "" when the job needs it by default.
	Option string
	// Unknown says what of it cannot be counted, "" when all can.
	Unknown string
}

// Demand adds up what the jobs need.
func (f *File) Demand() Demand {
	var most, now Demand
	end := func() {
		most.Jobs.atLeast(now.Jobs)
		most.Memory.atLeast(now.Memory)
		most.OpenFiles.atLeast(now.OpenFiles)
		now = Demand{}
	}
	for i, j := range f.Jobs() {
		if i > 0 && j.Bool("stonewall", false) {
			end()
		}
		now.Jobs.add(j, j.NumJobs(), "numjobs", "")
		bytes, option, unknown := j.memory()
		now.Memory.add(j, times(bytes, j.NumJobs()), option, unknown)
		files, unknown := j.openFiles()
		now.OpenFiles.add(j, times(files, j.NumJobs()), "nrfiles", unknown)
		for _, name := range []string{"startdelay", "ramp_time", "runtime"} {
			if d, err := j.Time(name, time.Second); err == nil && d > 0 {
				most.Duration.largest(j, int64(d/time.Second), name)
			}
		}
	}
	end()
	most.Duration.Count = int64(f.Plan().Duration / time.Second)
	return most
}

// add counts one job's part.
func (n *Need) add(j *Job, part int64, option, unknown string) {
	n.Count = plus(n.Count, part)
	n.largest(j, part, option)
	if unknown != "" && n.Unknown == "" {
		n.Unknown = fmt.Sprintf("job %s: %s", j.Name, unknown)
		n.largest(j, math.MaxInt64, option) // to be named
	}
}

// largest remembers which option has the largest part.
func (n *Need) largest(j *Job, part int64, option string) {
	if part <= n.Share {
		return
	}
	n.Job, n.Share, n.Pos, n.Option = j.Name, part, j.Section.Pos, ""
	if o := j.Get(option); o != nil {
		n.Pos, n.Option = o.Pos, o.Name
	}
}

func (n *Need) atLeast(other Need) {
	if n.Unknown == "" && (other.Unknown != "" || other.Count > n.Count) {
		*n = other
	}
}

// What fio takes for one copy whatever it does, for a block that it wrote and
// will verify, and for a line of a log: measured with 3.33, rounded up.
const (
	copyMemory   = 1 << 20
	verifyMemory = 96
	lineMemory   = 64
)

// memory is what one copy of the job takes, and the option with the largest
// part in it.
func (j *Job) memory() (bytes int64, option, unknown string) {
	depth, ok := j.Int("iodepth", 1)
	smallest, largest, err := j.blockSizes()
	switch {
	case !ok:
		return 0, "iodepth", "iodepth=" + j.Value("iodepth") + " cannot be read"
	case err != nil:
		return 0, j.firstOf("bs", "bsrange", "bssplit"), err.Error()
	}
	buffers := times(max(depth, 1), plus(largest, defaultBlock))
	option = "iodepth"
	if largest/defaultBlock > depth {
		option = j.firstOf("bs", "bsrange", "bssplit")
	}
	tables := j.tables(max(smallest, 1))
	if tables > buffers {
		option = j.firstOf("verify", "size", "filesize")
	}
	locked, _ := j.Int("lockmem", 0)
	return plus(plus(buffers, tables), plus(copyMemory, max(locked, 0))), option, ""
}

// tables are what fio notes of each block: that it was used, and what was
// written there if it will be verified; and of each line of a log that it
// writes at the end. What has no bound is bounded by the run's memory alone.
func (j *Job) tables(block int64) int64 {
	bytes, unbounded := j.volume()
	if unbounded != "" {
		return 0
	}
	blocks := bytes / j.NumJobs() / block
	n := blocks / 8
	if j.verifying() != nil {
		n = plus(n, times(blocks, verifyMemory))
	}
	averaged, _ := j.Int("log_avg_msec", 0)
	for _, name := range []string{"write_bw_log", "write_iops_log", "write_lat_log"} {
		if j.Get(name) != nil && averaged == 0 {
			n = plus(n, times(times(blocks, lineMemory), int64(len(logKinds[name]))))
		}
	}
	return n
}

// firstOf is the first of the options that the job sets, or the first one.
func (j *Job) firstOf(names ...string) string {
	for _, name := range names {
		if j.Get(name) != nil {
			return name
		}
	}
	return names[0]
}

// openFiles is how many files one copy has open at once.
func (j *Job) openFiles() (n int64, unknown string) {
	if e, known := engines[j.Engine()]; known && !e.files {
		return ownFiles, ""
	}
	files := max(j.named()/max(j.NumJobs(), 1), j.files())
	if j.namesFiles() {
		files = max(j.named(), 1)
	}
	open, ok := j.Int("openfiles", 0)
	if !ok {
		return 0, "openfiles=" + j.Value("openfiles") + " cannot be read"
	}
	if open > 0 {
		files = min(files, open)
	}
	return plus(files, ownFiles), ""
}

// ownFiles are what fio has open itself: its logs, pipes and libraries.
const ownFiles = 16
