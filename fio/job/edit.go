package job

import (
	"fmt"
	"slices"
	"strings"
)

// Change is one edit of a job file, for the record of what was run.
type Change struct {
	Job    string `json:"job"`
	Option string `json:"option"`
	Old    string `json:"old,omitempty"` // the line as it was, "" when there was none
	New    string `json:"new"`           // the line as it is
}

// clashes are options that decide the same thing under another name, so that
// setting one while the other stands would have no effect, or a double one.
var clashes = map[string][]string{
	"bs":         {"bsrange", "bssplit"},
	"bsrange":    {"bs", "bssplit"},
	"bssplit":    {"bs", "bsrange"},
	"direct":     {"buffered"},
	"buffered":   {"direct"},
	"rwmixread":  {"rwmixwrite"},
	"rwmixwrite": {"rwmixread"},
	"rate":       {"rate_iops"},
	"rate_iops":  {"rate"},
}

// accumulating options add up instead of replacing each other.
var accumulating = map[string]bool{"filename": true, "opendir": true}

// Set gives an option the same value in every job and changes nothing else: a
// line of a job that sets it is replaced where it stands, and a job that does
// not set it gets a line at its end, which is stronger than any default. It is
// how a point of a matrix is applied.
//
// It refuses values that fio would read differently, options that add up
// (filename), and jobs in which another option decides the same thing.
func (f *File) Set(option, value string) ([]Change, error) {
	if err := checkLine(option, value); err != nil {
		return nil, err
	}
	var edits []func() Change
	for _, j := range f.Jobs() {
		spec := Lookup(option, j.Engine())
		if spec == nil {
			return nil, j.unknown(option, value)
		}
		if err := j.settable(spec, option, value); err != nil {
			return nil, err
		}
		edits = append(edits, func() Change { return f.set(j, spec, option, value) })
	}
	changes := make([]Change, len(edits))
	for i, edit := range edits {
		changes[i] = edit()
	}
	return changes, nil
}

// unknown says why the job cannot have an option.
func (j *Job) unknown(option, value string) error {
	if engines := enginesOf(option); len(engines) > 0 {
		return fmt.Errorf("set %s=%s: job %s has ioengine=%s, and only %s has the option", option, value, j.Name, j.Engine(), strings.Join(engines, ", "))
	}
	return fmt.Errorf("set %s=%s: job %s: unknown option (%s)", option, value, j.Name, didYouMean(option))
}

// checkLine refuses what would not survive being written into a job file.
func checkLine(option, value string) error {
	line := option + "=" + value
	switch {
	case option == "" || strings.ContainsAny(option, "= \t[]"):
		return fmt.Errorf("set %q: not the name of an option", option)
	case strings.ContainsAny(line, ";#\n\r\x00"):
		return fmt.Errorf("set %s: a value cannot contain ; # or a line end, fio would cut it there", line)
	case strings.Contains(value, "${"):
		return fmt.Errorf("set %s: variables are not expanded in values that are set", line)
	case value != trimEnd(trimFront(value)) || value == "":
		return fmt.Errorf("set %s: the value is empty or has white space around it", line)
	case len(line) > MaxLine:
		return fmt.Errorf("set %s: longer than the %d bytes that fio reads", option, MaxLine)
	}
	return nil
}

// settable tells whether setting the option in the job does what it says.
func (j *Job) settable(spec *Spec, option, value string) error {
	if accumulating[spec.Name] {
		return fmt.Errorf("set %s=%s: fio adds %s up over globals and jobs, so it cannot be replaced", option, value, spec.Name)
	}
	for _, other := range clashes[spec.Name] {
		if o := j.Get(other); o != nil {
			return fmt.Errorf("set %s=%s: job %s: %s decides the same thing (%s); remove it there", option, value, j.Name, o, o.Pos)
		}
	}
	return nil
}

// Default gives an option a value in every job that does not choose one itself,
// in its section or in a global one before it.
func (f *File) Default(option, value string) ([]Change, error) {
	if err := checkLine(option, value); err != nil {
		return nil, err
	}
	var changes []Change
	for _, j := range f.Jobs() {
		spec := Lookup(option, j.Engine())
		if spec == nil {
			return nil, j.unknown(option, value)
		}
		if j.Get(option) == nil {
			changes = append(changes, f.set(j, spec, option, value))
		}
	}
	return changes, nil
}

// set writes the option into the job's section.
func (f *File) set(j *Job, spec *Spec, option, value string) Change {
	change := Change{Job: j.Name, Option: spec.Name, New: option + "=" + value}
	sec := j.Section
	fresh := &Option{
		Name: spec.Name, Written: option, Value: value, HasValue: true, Pos: sec.Pos,
		Spec: spec, kbBase: sec.kbBase, line: &line{pos: sec.Pos, text: change.New},
	}
	at := -1
	for i := len(sec.Options) - 1; i >= 0; i-- {
		if sec.Options[i].Name != spec.Name {
			continue
		}
		old := sec.Options[i]
		if at >= 0 { // an earlier line of the same name has no effect any more
			f.lines = slices.DeleteFunc(f.lines, func(l *line) bool { return l == old.line })
			sec.Options = slices.Delete(sec.Options, i, i+1)
			at--
			continue
		}
		at, change.Old = i, strings.TrimSpace(old.line.text)
	}
	if at >= 0 {
		fresh.Pos, fresh.line.pos = sec.Options[at].Pos, sec.Options[at].Pos
		f.lines[slices.Index(f.lines, sec.Options[at].line)] = fresh.line
		sec.Options[at] = fresh
		return change
	}
	last := sec.header
	if n := len(sec.Options); n > 0 {
		last = sec.Options[n-1].line
	}
	f.lines = slices.Insert(f.lines, slices.Index(f.lines, last)+1, fresh.line)
	sec.Options = append(sec.Options, fresh)
	return change
}

// Bytes writes the file as fio would be given it. Includes stand in their
// place, so that the result is complete in itself; lines that were not edited
// are byte for byte as written, apart from the end of the last one.
func (f *File) Bytes() []byte {
	var b strings.Builder
	for _, l := range f.lines {
		b.WriteString(l.text)
		b.WriteString(f.eol)
	}
	return []byte(b.String())
}
