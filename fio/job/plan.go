package job

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Plan is how long a job file will run, as far as that can be told.
type Plan struct {
	// Duration is the longest time that the loads take: start delays, ramps
	// and runtimes, with jobs behind a stonewall one after the other. Laying
	// out files comes on top.
	Duration time.Duration
	// Exact says that the loads take just that long; else they may end earlier,
	// when their size is done.
	Exact bool
	// Unknown names what keeps the duration from being known, empty when it is.
	// Duration then covers the rest.
	Unknown []string
}

// Known tells whether Duration is a bound.
func (p Plan) Known() bool { return len(p.Unknown) == 0 }

// Plan estimates how long the file's jobs run.
func (f *File) Plan() Plan {
	total := Plan{Exact: true}
	loads := f.Schedule()
	ends := make([]time.Duration, len(loads))
	for i, l := range loads {
		d, exact, unknown := l.Job.duration()
		if unknown != "" {
			total.Unknown = append(total.Unknown, fmt.Sprintf("job %s: %s", l.Job.Name, unknown))
		}
		total.Exact = total.Exact && exact
		start := l.Delay
		for _, before := range l.After {
			start = max(start, ends[before])
		}
		ends[i] = start + d
		total.Duration = max(total.Duration, ends[i])
	}
	total.Exact = total.Exact && total.Known()
	return total
}

// duration returns how long one job runs once it has started; unknown says why
// that has no bound.
func (j *Job) duration() (d time.Duration, exact bool, unknown string) {
	if _, err := j.Time("startdelay", time.Second); err != nil {
		return d, false, err.Error()
	}
	for _, name := range []string{"ramp_time", "runtime"} {
		t, err := j.Time(name, time.Second)
		if err != nil {
			return d, false, err.Error()
		}
		d += t
		if name == "runtime" && t == 0 {
			return d, false, "no runtime"
		}
	}
	switch {
	case j.verifies():
		return d, false, "verification runs after the load, for as long as it takes"
	case j.Get("ramp_size") != nil:
		return d, false, "ramp_size takes as long as it takes"
	}
	return d, j.Bool("time_based", false), ""
}

// verifies tells whether what was written is read back at the end.
func (j *Job) verifies() bool {
	v := j.Value("verify")
	return v != "" && v != "0" && j.Bool("do_verify", true) && modes[j.Direction()].Has(Write)
}

// Layout is the space that a job file needs in one directory.
type Layout struct {
	Dir     string
	Bytes   int64    // of all files whose size is known
	Unknown []string // why it may be more, empty when it may not
}

// Layouts estimates the space that the files take once they are laid out, by
// directory. Names that may be devices are counted as well: only the host can
// tell. Engines that open no file need no space.
func (f *File) Layouts() []Layout {
	files := make(map[string]int64)      // largest size by name: jobs share files
	unknown := make(map[string][]string) // reasons by directory
	for _, j := range f.Jobs() {
		if e, known := engines[j.Engine()]; known && !e.files {
			continue
		}
		j.layout(files, unknown)
	}
	byDir := make(map[string]*Layout)
	at := func(dir string) *Layout {
		if byDir[dir] == nil {
			byDir[dir] = &Layout{Dir: dir}
		}
		return byDir[dir]
	}
	for name, size := range files {
		at(path.Dir(name)).Bytes += size
	}
	for dir, why := range unknown {
		slices.Sort(why)
		at(dir).Unknown = slices.Compact(why)
	}
	out := make([]Layout, 0, len(byDir))
	for _, l := range byDir {
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b Layout) int { return strings.Compare(a.Dir, b.Dir) })
	return out
}

// layout adds one job's files.
func (j *Job) layout(files map[string]int64, unknown map[string][]string) {
	targets, _ := j.targets()
	names := make(map[string]bool)
	for _, t := range targets {
		switch {
		case t.tree:
			unknown[path.Clean(t.path)] = append(unknown[path.Clean(t.path)], fmt.Sprintf("job %s: too many files to list", j.Name))
		case !t.ifSpecial:
			names[path.Clean(t.path)] = true
		}
	}
	size, why := j.fileSize(int64(len(names)))
	for name := range names {
		if why != "" {
			dir := path.Dir(name)
			unknown[dir] = append(unknown[dir], fmt.Sprintf("job %s: %s", j.Name, why))
		}
		files[name] = max(files[name], size)
	}
}

// fileSize returns how large one of n files becomes, or why that is unknown.
func (j *Job) fileSize(n int64) (size int64, why string) {
	if j.Bool("fill_device", false) {
		return 0, "fill_device writes until the space is used up"
	}
	if j.Bool("file_append", false) {
		return 0, "file_append adds to what is there"
	}
	offset, okOffset := j.Size("offset")
	if j.Get("offset") != nil && (!okOffset || !offset.Known()) {
		return 0, "offset depends on the file"
	}
	if fs := j.Get("filesize"); fs != nil {
		// A range of sizes: the largest counts.
		_, high, isRange := strings.Cut(fs.Value, "-")
		if !isRange {
			high = fs.Value
		}
		s, err := ParseSize(high, fs.kbBase)
		if err != nil || !s.Known() {
			return 0, "filesize cannot be read"
		}
		return s.Bytes, ""
	}
	s, ok := j.Size("size")
	switch {
	case !ok:
		return 0, "no size"
	case !s.Known():
		return 0, "size depends on the file or device"
	}
	increment, ok := j.Int("offset_increment", 0)
	if !ok {
		return 0, "offset_increment depends on the file"
	}
	perJob := max(n, 1)
	if j.Get("filename") == nil {
		perJob = max(n/j.NumJobs(), 1) // names that fio makes up are each copy's own
	}
	return s.Bytes/perJob + offset.Bytes + increment*(j.NumJobs()-1), ""
}
