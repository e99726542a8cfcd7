package job

import (
	"fmt"
	"strings"
)

// Pos is a place in a job file or in a file that it includes.
type Pos struct {
	File string `json:"file"`
	Line int    `json:"line"`          // from 1; 0 when the place is the file as a whole
	Col  int    `json:"col,omitempty"` // in bytes, from 1
}

// String formats the position as compilers do: file:line:col.
func (p Pos) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Error is one thing wrong with a job file and how to mend it.
type Error struct {
	Pos    Pos
	Msg    string // what is wrong
	Remedy string // what the author can do about it
}

// Error implements error as "file:line:col: what is wrong (remedy)".
func (e *Error) Error() string {
	if e.Remedy == "" {
		return fmt.Sprintf("%s: %s", e.Pos, e.Msg)
	}
	return fmt.Sprintf("%s: %s (%s)", e.Pos, e.Msg, e.Remedy)
}

// Errors are all the syntax errors of a job file, in the order of its lines.
type Errors []*Error

// Error implements error with one line for each.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find a single *Error.
func (es Errors) Unwrap() []error {
	errs := make([]error, len(es))
	for i, e := range es {
		errs[i] = e
	}
	return errs
}
