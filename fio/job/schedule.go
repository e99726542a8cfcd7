package job

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Scheduled is a job of a file with all its copies, and when fio starts it. fio's
// own scheduler decides by what stands here (run_threads in its backend.c).
type Scheduled struct {
	// Name is the job's, with a number behind it where the file has several of
	// that name: a, a#2.
	Name string
	Job  *Job
	// First is the number of the first copy in the names of logs, from 1, and
	// Copies how many there are.
	First, Copies int
	// Group is fio's groupid: stonewall and new_group begin one.
	Group int
	// After are the indexes of the loads that must have ended before this one
	// starts: those before the last stonewall, and the one of wait_for.
	After []int
	// Delay since fio began, before which the load does not start.
	Delay time.Duration
	// Ramp is the time that runs before anything is counted or logged.
	Ramp time.Duration
	// Runtime is the longest time that the load takes, 0 when only its size
	// bounds it; Timed says that it takes just that.
	Runtime time.Duration
	Timed   bool
	// Grouped says that fio reports the load's whole group in one entry, and
	// Silent that it reports nothing of it (stats=0).
	Grouped, Silent bool
	// Mixed says that fio adds the directions up in one called mixed.
	Mixed bool
}

// Schedule returns the file's jobs as fio schedules them. Times that cannot be
// read, or depend on chance (startdelay=1-5), count with their first value.
func (f *File) Schedule() []Scheduled {
	jobs := f.Jobs()
	loads := make([]Scheduled, len(jobs))
	seen := make(map[string]int, len(jobs))
	group, wall := 0, 0
	for i, j := range jobs {
		l := &loads[i]
		*l = Scheduled{Name: j.Name, Job: j, First: int(j.LogNumber()), Copies: int(j.NumJobs())}
		if seen[j.Name]++; seen[j.Name] > 1 {
			l.Name = fmt.Sprintf("%s#%d", j.Name, seen[j.Name])
		}
		stonewall := j.Bool("stonewall", false)
		if i > 0 && (stonewall || j.Bool("new_group", false)) {
			group++
		}
		if stonewall {
			wall = i
		}
		l.Group = group
		l.After = f.after(jobs, i, wall)
		l.Delay, l.Ramp = j.seconds("startdelay"), j.seconds("ramp_time")
		l.Runtime, l.Timed = j.seconds("runtime"), j.Bool("time_based", false)
		l.Grouped, l.Silent = j.Bool("group_reporting", false), !j.Bool("stats", true)
		l.Mixed = j.mixed()
	}
	return loads
}

// after lists what job i waits for: everything before the last stonewall, which
// keeps the jobs behind it waiting as well, and the job that wait_for names.
func (f *File) after(jobs []*Job, i, wall int) []int {
	var after []int
	for n := range wall {
		after = append(after, n)
	}
	if name := jobs[i].Value("wait_for"); name != "" {
		for n := range i {
			if jobs[n].Name == name && !slices.Contains(after, n) {
				after = append(after, n)
			}
		}
	}
	return after
}

// seconds is a time option, the first end of a range, 0 where it cannot be read.
func (j *Job) seconds(name string) time.Duration {
	if o := j.Get(name); o != nil {
		if low, _, isRange := strings.Cut(o.Value, "-"); isRange && low != "" {
			d, err := ParseTime(strings.TrimSpace(low), time.Second)
			if err == nil {
				return d
			}
		}
	}
	d, err := j.Time(name, time.Second)
	if err != nil {
		return 0
	}
	return d
}

// mixed tells whether unified_rw_reporting adds the directions up and leaves
// them out: none, mixed or both; 0, 1 or 2.
func (j *Job) mixed() bool {
	o := j.Get("unified_rw_reporting")
	if o == nil {
		return false
	}
	return !o.HasValue || o.Value == "1" || o.Value == "mixed"
}
