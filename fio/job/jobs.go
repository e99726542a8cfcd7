package job

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const defaultEngine = "psync"

// Job is one job of a file with the defaults of the [global] sections before
// it.
type Job struct {
	Name    string // the section's name, or what the option name sets
	Section *Section
	Index   int       // among the file's jobs, from 0
	Options []*Option // defaults first, in the order fio applies them: the last one of a name counts

	file   *File
	number int64 // of its first copy among those of all jobs, from 1
	// sections are the globals before the job and its own, in order. File names
	// add up over them.
	sections []*Section
}

// Jobs returns the effective jobs in order.
func (f *File) Jobs() []*Job {
	var globals []*Section
	var jobs []*Job
	number := int64(1)
	for _, sec := range f.Sections {
		if sec.Global {
			globals = append(globals, sec)
			continue
		}
		j := &Job{Name: sec.Name, Section: sec, Index: len(jobs), file: f}
		j.sections = append(slices.Clone(globals), sec)
		for _, s := range j.sections {
			for _, o := range s.Options {
				if s.Global && notInherited[o.Name] {
					continue
				}
				j.Options = append(j.Options, o)
			}
		}
		j.rebind()
		if o := j.Get("name"); o != nil {
			j.Name = o.Value
		}
		j.number = number
		number += j.NumJobs()
		jobs = append(jobs, j)
	}
	return jobs
}

// notInherited are the options that fio resets for every job.
var notInherited = map[string]bool{"name": true, "uid": true, "gid": true}

// rebind looks engine options of [global] up again with the job's own engine.
// One that only the engine of its [global] has is nothing to a job with another
// engine: fio reads it there and leaves it behind.
func (j *Job) rebind() {
	engine, certain := j.Engine(), j.oneEngine()
	kept := j.Options[:0]
	for _, o := range j.Options {
		if o.Spec == nil || o.Spec.Engines != nil && !o.Spec.ForEngine(engine) {
			bound := *o
			bound.bind(engine)
			if bound.Spec == nil && o.Spec != nil && o.Global && certain {
				continue
			}
			o = &bound
		}
		kept = append(kept, o)
	}
	j.Options = kept
}

// oneEngine tells that no section names two engines, of which fio could take
// either.
func (j *Job) oneEngine() bool {
	for _, sec := range j.sections {
		if len(optionsNamed(sec, "ioengine")) > 1 {
			return false
		}
	}
	return true
}

// Get returns the option that counts, by its canonical name, or nil.
func (j *Job) Get(name string) *Option {
	for _, o := range slices.Backward(j.Options) {
		if o.Name == name {
			return o
		}
	}
	return nil
}

// Value returns the value that counts of an option, or "".
func (j *Job) Value(name string) string {
	if o := j.Get(name); o != nil {
		return o.Value
	}
	return ""
}

// Bool tells whether an option is on: a flag that stands alone is.
func (j *Job) Bool(name string, otherwise bool) bool {
	o := j.Get(name)
	switch {
	case o == nil:
		return otherwise
	case !o.HasValue:
		return true
	}
	n, _, err := leadingInt(o.Value)
	return err == nil && n != 0
}

// Int returns the value of an integer option; ok is false when it is set
// to something that cannot be read.
func (j *Job) Int(name string, otherwise int64) (n int64, ok bool) {
	o := j.Get(name)
	if o == nil {
		return otherwise, true
	}
	if o.Computed || o.Machine {
		return otherwise, false
	}
	size, err := ParseSize(o.Value, o.kbBase)
	if err != nil || !size.Known() {
		return otherwise, false
	}
	return size.Bytes, true
}

// Size returns a size option and whether it is set and readable.
func (j *Job) Size(name string) (Size, bool) {
	o := j.Get(name)
	if o == nil || o.Computed || o.Machine {
		return Size{}, false
	}
	size, err := ParseSize(o.Value, o.kbBase)
	return size, err == nil
}

// Time returns a time option, zero when it is not set.
func (j *Job) Time(name string, plain time.Duration) (time.Duration, error) {
	o := j.Get(name)
	if o == nil {
		return 0, nil
	}
	if o.Computed || o.Machine {
		return 0, fmt.Errorf("%s=%s depends on the machine", o.Name, o.Value)
	}
	first, _, _ := strings.Cut(o.Value, ",")
	return ParseTime(first, plain)
}

// Engine returns the I/O engine's name as fio resolves it.
func (j *Job) Engine() string {
	for _, o := range slices.Backward(j.Options) {
		if o.Written == "ioengine" {
			return engineName(o.Value)
		}
	}
	return defaultEngine
}

// NumJobs returns how many copies of the job run at once; fio takes a few
// thousand at most.
func (j *Job) NumJobs() int64 {
	n, _ := j.Int("numjobs", 1)
	return min(max(n, 1), 1<<20)
}

// names lists what the job's copies are called: the option name renames the
// first one only, the others go by the section.
func (j *Job) names() []string {
	if j.Name == j.Section.Name || j.NumJobs() == 1 {
		return []string{j.Name}
	}
	return []string{j.Name, j.Section.Name}
}

// engineName strips what follows a colon (external:PATH stays apart, it is not
// a name) and resolves the names that fio takes for libaio.
func engineName(value string) string {
	name, _, _ := strings.Cut(value, ":")
	switch name {
	case "linuxaio", "aio":
		return "libaio"
	}
	return name
}

// Direction returns the load's direction: the value of rw up to its postfix.
func (j *Job) Direction() string {
	if o := j.Get("rw"); o != nil {
		mode, _, _ := strings.Cut(o.Value, ":")
		return mode
	}
	return "read"
}

// LogNumber returns the number that fio puts into the log names of the job's
// first copy; it counts the copies of all jobs before it, from 1.
func (j *Job) LogNumber() int64 { return j.number }

// unset lists the variables without a value that the job's options use.
func (j *Job) unset() []Variable {
	var all []Variable
	for _, o := range j.Options {
		all = append(all, o.unset...)
	}
	return all
}

// expandFormat makes a file name from filename_format for one copy and file.
func expandFormat(format, jobName string, copyNr, fileNr int64) (string, error) {
	if format == "" {
		return fmt.Sprintf("%s.%d.%d", jobName, copyNr, fileNr), nil
	}
	for _, k := range []struct{ word, value string }{
		{"$jobname", jobName},
		{"$jobnum", strconv.FormatInt(copyNr, 10)},
		{"$filenum", strconv.FormatInt(fileNr, 10)},
		{"$clientuid", ""},
	} {
		if strings.Contains(strings.ToLower(k.value), k.word) {
			return "", fmt.Errorf("filename_format %q: the job's name contains %s", format, k.word)
		}
		format = replaceFold(format, k.word, k.value)
	}
	if len(format) > 1024 {
		return "", fmt.Errorf("filename_format makes a name of %d bytes", len(format))
	}
	return format, nil
}

// replaceFold replaces a lower-case ASCII word whatever its case in s, again
// and again as fio does, until none is left.
func replaceFold(s, word, value string) string {
	for {
		i := strings.Index(asciiLower(s), word)
		if i < 0 {
			return s
		}
		s = s[:i] + value + s[i+len(word):]
		if len(s) > 1<<16 {
			return s
		}
	}
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
