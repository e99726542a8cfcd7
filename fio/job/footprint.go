package job

import (
	"fmt"
	"iter"
	"math"
	"strings"
)

// Growth is how large a file may become by a job, or many files of a folder.
// It errs towards more.
type Growth struct {
	// Path is a file as fio would open it, relative to its working directory.
	// With Tree set it is a directory below which Files files are made, whose
	// names are not spelled out.
	Path  string
	Tree  bool
	Files int64 // 1 for a single file
	// Names lists the files of a tree; nil when they are not known.
	Names iter.Seq[string]
	// Log says that fio writes the file beside the load, and that it is opened
	// again by each job of that name: what they add comes to a sum.
	Log bool
	// Aux says that Path is relative to the folder of fio's --aux-path.
	Aux bool
	// Users is how many processes use the file, and Replaces says that one of
	// them removes it while others may have it open: then each may have a file
	// of its own by that name.
	Users    int64
	Replaces bool
	// Unbounded says why the file may become larger than End says, "" when it
	// may not. Somebody has to watch the space while such a job runs.
	Unbounded string
	Pos       Pos
	Option    string // canonical name, "" for a name fio makes up

	size      int64 // that fio gives the file, 0 for the one it has
	offset    int64 // bytes before the part that is used
	share     int64 // offset as percent of the file
	step      int64 // offset of each further copy, in bytes
	stepShare int64 // the same in percent of the file
	align     int64 // what shares are rounded up to
	copies    int64 // that use the file, one after the other
	appends   bool  // behind what is there, by each copy
}

// End returns where the file ends at most, in bytes, once the job has used a
// file of the given size; 0 stands for none. It is never less than what was
// given.
func (g Growth) End(size int64) int64 {
	end := size
	if g.size == 0 && !g.appends {
		return end // only what is there is used
	}
	for c := range max(g.copies, 1) {
		if g.appends {
			end = plus(end, g.size)
			continue
		}
		start := plus(g.offset, times(g.step, c))
		if g.share > 0 || g.stepShare > 0 {
			start = plus(start, plus(percent(end, plus(g.share, times(g.stepShare, c))), g.align))
		}
		end = max(end, plus(start, g.size))
		if g.step == 0 && g.stepShare == 0 && g.share == 0 {
			break // the copies use the same part
		}
	}
	return end
}

func percent(n, share int64) int64 {
	return plus(times(n/100, share), times(n%100, share)/100)
}

// Footprint lists every file that a job may make larger, so that the space it
// needs can be counted before it starts. What the load goes to is listed
// whatever it is: only the host can tell devices from files. Files that are
// only created, and stay empty, are listed with their number.
//
// Counting follows fio's own setup of files: a size is divided over the files
// of a job, offsets come on top, copies with names of their own have files of
// their own, and copies that share a name share the file.
func (j *Job) Footprint() []Growth {
	e, known := engines[j.Engine()]
	var all []Growth
	if !known || e.files {
		all = j.loadGrowth(e)
	}
	all = append(all, j.donorGrowth(all)...)
	all = append(all, j.traceGrowth()...)
	all = append(all, j.logGrowth()...)
	all = append(all, j.stateGrowth()...)
	all = append(all, j.dumpGrowth()...)
	for i := range all {
		all[i].Users = max(all[i].Users, 1)
	}
	return all
}

// loadGrowth is about the files that the load goes to.
func (j *Job) loadGrowth(e engine) []Growth {
	targets, _ := j.targets()
	var named []target
	var out []Growth
	for _, t := range targets {
		if !t.ifSpecial {
			named = append(named, t)
		}
	}
	g, each := j.fileGrowth(int64(len(named)))
	if e.empty {
		g.size, g.appends, each = 0, false, 0
	}
	trees := int64(0)
	for _, t := range named {
		if t.tree {
			trees++
		}
	}
	for _, t := range named {
		one := g
		one.Path, one.Tree, one.Files, one.Pos = t.path, t.tree, 1, t.pos
		if t.opt != nil {
			one.Option = t.opt.Name
		}
		if t.tree {
			// Of a list of directories each has the files of some copies.
			one.Files, one.Names = times(j.files(), (j.NumJobs()+trees-1)/trees), t.names
			if one.copies = 1; each > 0 {
				one.size = times(plus(each, g.fixed()), one.Files)
			}
		}
		if t.opt != nil && t.opt.Name == "opendir" {
			one.Unbounded = "how many files are below opendir is not known"
		}
		out = append(out, one)
	}
	return out
}

// fixed is what comes before the used part of a file at most, as far as that
// does not depend on the file.
func (g Growth) fixed() int64 { return plus(g.offset, times(g.step, max(g.copies, 1)-1)) }

// files is the number of files that a copy of the job makes up.
func (j *Job) files() int64 {
	n, ok := j.Int("nrfiles", 1)
	if !ok {
		return math.MaxInt32
	}
	return max(n, 1)
}

// fileGrowth is what happens to each of n files, and the size of one.
func (j *Job) fileGrowth(n int64) (g Growth, each int64) {
	shared := j.namesFiles()
	g = Growth{copies: 1, align: defaultBlock, appends: j.Bool("file_append", false)}
	if shared {
		g.Users = j.NumJobs()
	}
	g.Replaces = j.Bool("unlink", false) || j.Bool("unlink_each_loop", false) || !j.Bool("create_serialize", true)
	if shared || !g.appends {
		g.copies = j.NumJobs() // with names of their own each still begins elsewhere
	}
	_, largest, err := j.blockSizes()
	if err != nil {
		g.Unbounded, largest = err.Error(), defaultBlock
	}
	g.align = largest
	if a, ok := j.Int("offset_align", 0); ok {
		g.align = max(g.align, a)
	}
	g.startsAt(j)
	low, high, set, err := j.sizesOf("filesize")
	switch {
	case err != nil:
		g.Unbounded = err.Error()
	case set && low > 0:
		g.size = high
	default:
		divisor := j.files()
		if shared { // as many as are named, or fewer if nrfiles says so
			if j.Get("nrfiles") == nil || divisor > n {
				divisor = n
			}
		}
		g.size = max(high, j.share(&g, max(divisor, 1), largest))
	}
	if j.Bool("fill_device", false) {
		g.Unbounded = "fill_device writes until the space is used up"
	}
	return g, g.size
}

// share is the part of size that one of the job's files gets.
func (j *Job) share(g *Growth, files, block int64) int64 {
	total, ok := j.Size("size")
	switch {
	case j.Get("size") == nil:
		return 0
	case !ok:
		g.Unbounded = "size=" + j.Value("size") + " cannot be read"
		return 0
	case !total.Known():
		return 0 // a share of what is there
	case files == 1:
		return max(total.Bytes, 0)
	}
	return plus(max(total.Bytes, 0)/files, block) // what does not divide goes to the first ones
}

// startsAt reads where in the file the job's copies begin.
func (g *Growth) startsAt(j *Job) {
	read := func(name string) (bytes, share int64) {
		size, ok := j.Size(name)
		if !ok && j.Get(name) != nil || size.Zones > 0 {
			g.Unbounded = name + "=" + j.Value(name) + " cannot be read"
		}
		return max(size.Bytes, 0), int64(size.Percent)
	}
	g.offset, g.share = read("offset")
	g.step, g.stepShare = read("offset_increment")
}

// namesFiles tells whether the job names its files, which all copies share.
func (j *Job) namesFiles() bool {
	for _, sec := range j.sections {
		if len(optionsNamed(sec, "filename")) > 0 || len(optionsNamed(sec, "opendir")) > 0 {
			return true
		}
	}
	return false
}

// volume is how many bytes the job moves at most, all its copies together.
func (j *Job) volume() (bytes int64, unbounded string) {
	switch {
	case j.Bool("time_based", false):
		return 0, "it goes on for as long as its runtime says"
	case j.Bool("fill_device", false):
		return 0, "it goes on until the space is used up"
	}
	g, each := j.fileGrowth(j.named())
	if g.Unbounded != "" {
		return 0, g.Unbounded
	}
	total := times(each, max(j.named(), j.files()))
	for _, name := range []string{"size", "io_size"} {
		size, ok := j.Size(name)
		switch {
		case j.Get(name) == nil:
		case !ok || !size.Known():
			return 0, name + " depends on the file"
		default:
			total = max(total, size.Bytes)
		}
	}
	if total == 0 {
		return 0, "its size is that of the file"
	}
	loops, ok := j.Int("loops", 1)
	if !ok {
		return 0, "loops cannot be read"
	}
	return times(times(total, max(loops, 1)), j.NumJobs()), ""
}

func (j *Job) named() int64 {
	targets, _ := j.targets()
	n := int64(0)
	for _, t := range targets {
		if !t.ifSpecial {
			n++
		}
	}
	return n
}

// donorGrowth is about the file that the e4defrag engine takes blocks from: it
// is made as large as the largest file of the load.
func (j *Job) donorGrowth(load []Growth) []Growth {
	o := j.Get("donorname")
	if o == nil || j.Engine() != "e4defrag" {
		return nil
	}
	var out []Growth
	for _, name := range j.donors(o) {
		g := Growth{Path: name, Files: 1, Pos: o.Pos, Option: o.Name, copies: 1}
		for _, l := range load {
			g.size = max(g.size, l.End(0))
		}
		out = append(out, g)
	}
	return out
}

// String says what the growth is about, for messages.
func (g Growth) String() string {
	if g.Tree {
		return fmt.Sprintf("%d files in %s", g.Files, strings.TrimSuffix(g.Path, "/"))
	}
	return g.Path
}
