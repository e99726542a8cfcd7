package job

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// variableName is what ${NAME} may be called.
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,99}$`)

// CheckVariable reports a variable whose value could not stand in a job file:
// what fio would cut off there, or read as more than a value.
func CheckVariable(name, value string) error {
	switch {
	case !variableName.MatchString(name):
		return fmt.Errorf("%q is no name of a variable: letters, digits and _ are taken", clip(name))
	case strings.ContainsAny(value, ";#\n\r\x00"):
		return fmt.Errorf("%s: a value cannot contain ; # or a line end, fio would cut it there", name)
	case strings.Contains(value, "${"):
		return fmt.Errorf("%s: a value cannot contain another variable", name)
	case len(value) > MaxLine/4:
		return fmt.Errorf("%s: the value has %d bytes, at most %d are taken", name, len(value), MaxLine/4)
	}
	return nil
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// WriteVariables puts the values of Config.Env in the place of each ${NAME}, so
// that the file needs no environment, and says in a last line which they were.
// Fio's $keywords stay.
func (f *File) WriteVariables() error {
	used := map[string]string{}
	var errs []error
	for _, sec := range f.Sections {
		for _, o := range sec.Options {
			if len(o.vars) == 0 {
				continue
			}
			for name, value := range o.vars {
				if err := CheckVariable(name, value); err != nil {
					errs = append(errs, &Error{Pos: o.Pos, Msg: err.Error(), Remedy: "give the variable another value"})
				}
				used[name] = value
			}
			indent := o.line.text[:len(o.line.text)-len(trimFront(o.line.text))]
			o.line.text, o.vars = indent+o.plain, nil
		}
	}
	if err := errors.Join(errs...); err != nil || len(used) == 0 {
		return err
	}
	var values []string
	for _, name := range slices.Sorted(maps.Keys(used)) {
		values = append(values, name+"="+used[name])
	}
	last := f.lines[len(f.lines)-1].pos
	last.Line++
	f.lines = append(f.lines, &line{pos: last, text: "; variables: " + strings.Join(values, ", ")})
	return nil
}
