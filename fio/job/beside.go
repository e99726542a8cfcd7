package job

import (
	"fmt"
	"time"
)

// ios is how many reads, writes, trims and syncs the job does at most, all its
// copies together.
func (j *Job) ios() (n int64, unbounded string) {
	bytes, unbounded := j.volume()
	if unbounded != "" {
		return 0, unbounded
	}
	smallest, _, err := j.blockSizes()
	if err != nil {
		return 0, err.Error()
	}
	if j.Bool("bs_unaligned", false) {
		smallest = 1
	}
	n = plus(bytes/smallest, times(64, j.NumJobs()))
	if j.verifying() != nil {
		n = times(n, 2) // what was written is read again
	}
	return times(n, 4), "" // each may be followed by a sync of each kind, or be a trim and a write
}

// traceGrowth is about write_iolog: a line for each I/O.
func (j *Job) traceGrowth() []Growth {
	longest := 0
	targets, _ := j.targets()
	for _, t := range targets {
		longest = max(longest, len(t.path))
	}
	g := Growth{Files: 1, Log: true, appends: true, copies: 1}
	n, unbounded := j.ios()
	if unbounded != "" {
		g.Unbounded = fmt.Sprintf("job %s writes a line for each I/O, and %s", j.Name, unbounded)
	}
	lines := plus(n, times(times(8, j.NumJobs()), max(j.named(), 1)))
	g.size = plus(times(lines, int64(longest+traceLine)), times(32, j.NumJobs()))
	var out []Growth
	for _, o := range j.Options {
		if o.Name == "write_iolog" {
			g.Path, g.Pos, g.Option = o.Value, o.Pos, o.Name
			out = append(out, g)
		}
	}
	return out
}

// Lengths of lines, without names: fio writes up to three numbers and a word
// into its trace, and up to six numbers into a log.
const (
	traceLine = 80
	logLine   = 120
	histLine  = 20 * 1900 // a number for each bin
)

// logGrowth is about the logs that write_*_log makes.
func (j *Job) logGrowth() []Growth {
	var out []Growth
	for _, o := range j.Options {
		if o.Spec == nil || o.Spec.Effect != EffectLog {
			continue // each of several: which one counts is up to the C library
		}
		size, unbounded := j.logSize(o.Name)
		t := &toucher{job: j}
		t.logs(o)
		for _, touch := range t.touches {
			out = append(out, Growth{
				Path: touch.Path, Files: 1, Log: true, Unbounded: unbounded, Pos: o.Pos, Option: o.Name,
				size: size, copies: 1, appends: true,
			})
		}
	}
	return out
}

// logSize is how large one log becomes. Even an averaged one has a line for
// each direction and window.
func (j *Job) logSize(option string) (size int64, unbounded string) {
	window, line := "log_avg_msec", int64(logLine)
	if option == "write_hist_log" {
		window, line = "log_hist_msec", histLine
	}
	msec, ok := j.Int(window, 0)
	n, why := j.ios()
	if ok && msec > 0 && why != "" {
		d, _, forever := j.duration()
		if forever != "" && !j.Bool("time_based", false) {
			return 0, fmt.Sprintf("job %s logs for as long as it runs, and that is not known: %s", j.Name, forever)
		}
		n, why = plus(times(int64((d+time.Minute)/time.Millisecond)/msec, 6), 64), ""
	}
	if why != "" {
		return 0, fmt.Sprintf("job %s logs each I/O, and %s", j.Name, why)
	}
	return times(n, line), ""
}

// stateGrowth is about what a verifying job saves of how far it came.
func (j *Job) stateGrowth() []Growth {
	o := j.verifying()
	if o == nil || !j.Bool("verify_state_save", true) {
		return nil
	}
	t := &toucher{job: j}
	t.states(Write|Create, o)
	depth, ok := j.Int("iodepth", 1)
	var out []Growth
	for _, touch := range t.touches {
		g := Growth{Path: touch.Path, Aux: true, Files: 1, Pos: o.Pos, Option: o.Name, copies: 1}
		if g.size = plus(4096, times(times(max(depth, 1), 32), max(j.named(), j.files()))); !ok {
			g.Unbounded = "iodepth=" + j.Value("iodepth") + " cannot be read"
		}
		out = append(out, g)
	}
	return out
}

// dumpGrowth is about the blocks that a failed verification keeps: the header
// and both contents of each.
func (j *Job) dumpGrowth() []Growth {
	o := j.Get("verify_dump")
	if o == nil || j.verifying() == nil || !j.Bool(o.Name, true) {
		return nil
	}
	g := Growth{Path: ".", Tree: true, Aux: true, Pos: o.Pos, Option: o.Name, copies: 1}
	bytes, unbounded := j.volume()
	smallest, largest, err := j.blockSizes()
	switch {
	case unbounded != "":
		g.Unbounded = fmt.Sprintf("job %s keeps each block that does not verify, and %s", j.Name, unbounded)
	case err != nil:
		g.Unbounded = err.Error()
	default:
		if n, ok := j.Int("verify_interval", smallest); ok && n > 0 {
			smallest = min(smallest, n)
		}
		g.Files = times(3, plus(bytes/max(smallest, 1), j.NumJobs()))
		g.size = times(g.Files, largest)
	}
	return []Growth{g}
}
