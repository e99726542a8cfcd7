package job

import (
	"fmt"
	"iter"
	"slices"
)

// maxNames bounds the file names that are spelled out for one job. Beyond it a
// job is said to touch the whole of its directories.
const maxNames = 4096

// target is one file, device or directory that a job's load goes to.
type target struct {
	path string
	tree bool    // everything below path
	opt  *Option // that names it; nil for a name that fio makes up
	pos  Pos
	// names are those below path, with it, when tree stands for names that fio
	// makes up; nil for any.
	names iter.Seq[string]
	// ifSpecial says that fio uses the path only when something other than a
	// regular file is there: a section may be named after a device.
	ifSpecial bool
}

// targets lists what the load goes to. File names add up: those of each
// [global] with the directory that was set there, then the job's own.
func (j *Job) targets() ([]target, []Finding) {
	var out []target
	dirs, ever := []*Option{nil}, []*Option(nil)
	for _, sec := range j.sections {
		if own := optionsNamed(sec, "directory"); len(own) > 0 {
			dirs, ever = own, append(ever, own...)
		}
		for _, o := range optionsNamed(sec, "filename") {
			for _, name := range splitList(trimEnd(trimFront(o.Value))) {
				// All copies share what is listed, in the first directory; with
				// directory given twice in a section both are kept in view.
				for _, dir := range dirs {
					out = append(out, target{path: join(dir, 0, name), opt: o, pos: o.Pos})
				}
			}
		}
		for _, o := range optionsNamed(sec, "opendir") {
			out = append(out, target{path: o.Value, tree: true, opt: o, pos: o.Pos})
			// fio puts the directory before what it found below opendir as well:
			// the one that was set by then.
			for _, dir := range ever {
				out = append(out, target{path: join(dir, 0, o.Value), tree: true, opt: o, pos: o.Pos})
			}
		}
	}
	// A folder below opendir may be empty, and then fio makes names up.
	if slices.ContainsFunc(out, func(t target) bool { return !t.tree }) || j.Get("read_iolog") != nil {
		return out, nil
	}
	made, findings := j.madeUp(dirs)
	return append(out, made...), findings
}

// madeUp lists the names that fio generates when the job names no file.
func (j *Job) madeUp(dirs []*Option) (out []target, findings []Finding) {
	format := j.Get("filename_format")
	pos, files := j.Section.Pos, int64(1)
	if format != nil {
		pos = format.Pos
	}
	n, ok := j.Int("nrfiles", 1)
	copies, copiesOK := j.Int("numjobs", 1)
	if ok && n > 0 {
		files = n
	}
	if files == 1 {
		for _, dir := range dirs {
			out = append(out, target{path: join(dir, 0, j.Section.Name), pos: j.Section.Pos, ifSpecial: true})
		}
	}
	if !ok || !copiesOK || copies < 1 || copies > maxNames || files > maxNames || copies*files > maxNames {
		return j.wholeDirs(out, dirs, pos)
	}
	for c := range copies {
		for f := range files {
			name, err := expandFormat(j.Value("filename_format"), j.Section.Name, c, f)
			if err != nil {
				return out, append(findings, Finding{Pos: pos, Option: "filename_format", Rule: RuleUnknown, Message: err.Error(), Remedy: "use another name"})
			}
			for _, dir := range dirs {
				out = append(out, target{path: join(dir, c, name), opt: format, pos: pos})
			}
		}
	}
	return out, findings
}

// wholeDirs stands for more names than are worth spelling out. A format that
// could leave the directory cannot be summed up like that.
func (j *Job) wholeDirs(out []target, dirs []*Option, pos Pos) ([]target, []Finding) {
	sample, err := expandFormat(j.Value("filename_format"), j.Section.Name, 0, 0)
	if err != nil || containsSlash(sample) {
		return out, []Finding{{
			Pos: pos, Option: "nrfiles", Rule: RuleUnknown,
			Message: fmt.Sprintf("more than %d file names, and they contain a slash", maxNames),
			Remedy:  "set directory, and keep slashes out of the job's name and filename_format",
		}}
	}
	for _, dir := range dirs {
		if dir == nil {
			out = append(out, target{path: ".", tree: true, pos: pos, names: j.namesIn(nil, 0, 1)})
			continue
		}
		list := splitList(dir.Value)
		for i, d := range list {
			out = append(out, target{path: d, tree: true, opt: dir, pos: dir.Pos, names: j.namesIn(dir, int64(i), int64(len(list)))})
		}
	}
	return out, nil
}

// namesIn makes up the names of every step-th copy from the first one on, which
// are those in one directory of a list.
func (j *Job) namesIn(dir *Option, first, step int64) iter.Seq[string] {
	return func(yield func(string) bool) {
		format := j.Value("filename_format")
		for c := first; c < j.NumJobs(); c += step {
			for f := range j.files() {
				name, err := expandFormat(format, j.Section.Name, c, f)
				if err != nil || !yield(join(dir, c, name)) {
					return
				}
			}
		}
	}
}

// donors are the names of the file that the e4defrag engine takes blocks from:
// it puts the directory before it as it is written, lists and all.
func (j *Job) donors(o *Option) []string {
	names := []string{o.Value}
	for _, sec := range j.sections {
		for _, dir := range optionsNamed(sec, "directory") {
			names = append(names, dir.Value+"/"+o.Value)
		}
	}
	if len(names) > 1 {
		names = names[1:]
	}
	return names
}

func containsSlash(s string) bool {
	for i := range len(s) {
		if s[i] == '/' {
			return true
		}
	}
	return false
}

func optionsNamed(sec *Section, name string) []*Option {
	var found []*Option
	for _, o := range sec.Options {
		if o.Name == name {
			found = append(found, o)
		}
	}
	return found
}

// join puts the directory of a copy before a name, as fio does even when the
// name is absolute.
func join(dir *Option, copyNr int64, name string) string {
	if dir == nil {
		return name
	}
	list := splitList(dir.Value)
	if len(list) == 0 {
		return name
	}
	return list[copyNr%int64(len(list))] + "/" + name
}
