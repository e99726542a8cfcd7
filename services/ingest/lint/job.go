package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/services/ingest/repofile"
)

// Open reads a file that a job file includes. Its absence is fs.ErrNotExist.
type Open func(name string) ([]byte, error)

// File is a job file that was checked.
type File struct {
	// Content is complete in itself: what is included stands in its place.
	Content []byte
	// Problems that keep the file from being run; Content is nil then.
	Problems []events.Problem
	// Advice about what runs and may mislead.
	Advice []events.Problem

	parsed *job.File
}

// Job checks a job file. Without open, includes are problems. The values of
// vars stand in the place of each ${NAME}; nothing of this process's own
// environment does.
func Job(name string, src []byte, open Open, vars map[string]string) File {
	cfg := job.Config{Open: open, Env: vars}
	var f File
	for _, p := range job.Lint(name, src, cfg) {
		if p.Severity == job.SeverityError {
			f.Problems = append(f.Problems, problem(p))
		} else {
			f.Advice = append(f.Advice, problem(p))
		}
	}
	if len(f.Problems) > 0 {
		return f
	}
	parsed, err := job.Parse(name, src, cfg)
	if err != nil { // Lint parses first, so this is for a change of mind only
		f.Problems = []events.Problem{{File: name, Rule: ruleJob, Message: fit(err.Error())}}
		return f
	}
	written := parsed.WriteVariables()
	if written != nil {
		f.Problems = []events.Problem{{File: name, Rule: ruleJob, Message: fit(written.Error())}}
		return f
	}
	f.parsed, f.Content = parsed, src
	if len(parsed.Includes) > 0 || len(vars) > 0 {
		f.Content = parsed.Bytes()
	}
	return f
}

const ruleJob = "job"

func problem(p job.Problem) events.Problem {
	message := p.Message
	if p.Remedy != "" {
		message += ": " + p.Remedy
	}
	return events.Problem{File: p.Pos.File, Line: p.Pos.Line, Column: p.Pos.Col, Rule: ruleJob, Message: fit(message)}
}

// Missing is the problem of a job file that a bench names and that cannot be
// had, at the line that names it. Bench and job count from 0.
func Missing(f *repofile.File, bench, job int, err error) events.Problem {
	return f.Problem(fmt.Sprintf("benches[%d].jobs[%d]", bench, job), "missing", fit(err.Error()))
}

// Matrix tries the values of a bench's matrix on one of its job files, as the
// worker will apply them: what cannot be set is told before anything runs.
func Matrix(f *repofile.File, bench int, name string, j File) []events.Problem {
	b := f.Benches[bench]
	var problems []events.Problem
	for _, option := range slices.Sorted(maps.Keys(b.Matrix)) {
		for i, value := range b.Matrix[option] {
			if err := j.Takes(option, string(value)); err != nil {
				at := fmt.Sprintf("benches[%d].matrix.%s[%d]", bench, option, i)
				problems = append(problems, f.Problem(at, "matrix", fit(fmt.Sprintf("bench %q, %s: %v", b.Name, name, err))))
				break // the other values would say the same
			}
		}
	}
	return problems
}

// Takes says whether a matrix may set the option to the value in every job of
// the file, and why not. A file with problems takes anything: they come first.
func (f File) Takes(option, value string) error {
	if f.parsed == nil {
		return nil
	}
	_, err := f.parsed.Set(option, value)
	return err
}

// Policy holds a bench, as it will be requested, to the operator's rule.
func Policy(f *repofile.File, bench int, rule repos.Rule, req events.BenchRequested) []events.Problem {
	problems := rule.Check(req)
	for i, p := range problems {
		problems[i] = f.Problem(fmt.Sprintf("benches[%d].%s", bench, p.Option), p.Rule, fit(p.Message))
	}
	return problems
}

// fit keeps a message within the bounds of an event.
func fit(s string) string {
	const most = 1024
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
