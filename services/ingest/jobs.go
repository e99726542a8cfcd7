package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/internal/fetch"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/services/ingest/checkout"
	"github.com/fiord-bench/fiord/services/ingest/config"
)

const (
	// maxJobFile bounds one job file, in bytes, its includes included.
	maxJobFile = 1 << 20
	// mediaJob is the media type of stored job files.
	mediaJob = "text/x-fio"
)

// jobFiles reads, checks and stores job files, each of them once. What is wrong
// is collected: the author is told everything at once.
type jobFiles struct {
	s        *Service
	tree     *checkout.Tree
	rule     repos.Rule
	stored   map[string]events.Job
	parsed   map[string]*job.File
	problems []events.Problem
}

func isURL(name string) bool { return strings.Contains(name, "://") }

func (f *jobFiles) prefetch(ctx context.Context, file *config.File) error {
	var names []string
	for _, b := range file.Benches {
		for _, name := range b.Jobs {
			if !isURL(name) {
				names = append(names, name)
			}
		}
	}
	return f.tree.Prefetch(ctx, names...)
}

// get returns a job with its claim check. A job that is wrong has none and is
// among the problems; the error is a fault of ours.
func (f *jobFiles) get(ctx context.Context, name string) (events.Job, error) {
	if j, done := f.stored[name]; done {
		return j, nil
	}
	j := events.Job{Name: name}
	content, err := f.content(ctx, name)
	if err != nil || content == nil {
		f.stored[name] = j
		return j, err
	}
	sum := sha256.Sum256(content)
	claim, err := f.s.store.Put(ctx, artifacts.JobKey(hex.EncodeToString(sum[:])), mediaJob, bytes.NewReader(content))
	if err != nil {
		return j, fmt.Errorf("store %s: %w", name, err)
	}
	j.Claim = &claim
	f.stored[name] = j
	return j, nil
}

// content is a job file, complete with what it includes, or nil after a
// problem.
func (f *jobFiles) content(ctx context.Context, name string) ([]byte, error) {
	raw, err := f.read(ctx, name)
	if err != nil {
		return nil, f.theirs(name, err)
	}
	cfg := job.Config{}
	if !isURL(name) {
		cfg.Open = f.open
	}
	if wrong := jobProblems(job.Lint(name, raw, cfg)); len(wrong) > 0 {
		f.problems = append(f.problems, wrong...)
		return nil, nil
	}
	parsed, err := job.Parse(name, raw, cfg)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", name, err)
	}
	f.parsed[name] = parsed
	if len(parsed.Includes) > 0 {
		return parsed.Bytes(), nil
	}
	return raw, nil
}

// point tries the values of a matrix on a job file, as the worker will apply
// them: what cannot be set there is the author's to mend here.
func (f *jobFiles) point(b config.Bench, name string) {
	parsed := f.parsed[name]
	if parsed == nil {
		return
	}
	for _, option := range slices.Sorted(maps.Keys(b.Matrix)) {
		for _, value := range b.Matrix[option] {
			if _, err := parsed.Set(option, string(value)); err != nil {
				f.problems = append(f.problems, events.Problem{
					File: config.Name, Rule: "matrix", Option: option,
					Message: truncate(fmt.Sprintf("bench %q, %s: %v", b.Name, name, err), 1024),
				})
				break
			}
		}
	}
}

func (f *jobFiles) read(ctx context.Context, name string) ([]byte, error) {
	if !isURL(name) {
		return f.tree.ReadFile(name)
	}
	if !f.rule.AllowsURL(name) {
		return nil, fmt.Errorf("%w: the operator does not let this repository fetch job files from there", fetch.ErrRefused)
	}
	got, err := f.s.files.Get(ctx, name)
	return got.Bytes, err
}

// open reads an included file; package job wants its absence in the form of
// package fs.
func (f *jobFiles) open(name string) ([]byte, error) {
	content, err := f.tree.ReadFile(path.Clean(name))
	if errors.Is(err, checkout.ErrNotFound) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return content, err
}

// theirs notes an error that the author can mend and passes on the others.
func (f *jobFiles) theirs(name string, err error) error {
	for _, known := range []error{
		checkout.ErrNotFound, checkout.ErrNotFile, checkout.ErrLFS, checkout.ErrTooLarge,
		fetch.ErrRefused, fetch.ErrNoFile, fetch.ErrTooLarge,
	} {
		if errors.Is(err, known) {
			f.problems = append(f.problems, events.Problem{File: name, Rule: "missing", Message: truncate(err.Error(), 1024)})
			return nil
		}
	}
	return err
}

// jobProblems are the lines of a job file that fio would not take, or that no
// worker would run.
func jobProblems(found []job.Problem) []events.Problem {
	var problems []events.Problem
	for _, p := range found {
		if p.Severity != job.SeverityError {
			continue
		}
		message := p.Message
		if p.Remedy != "" {
			message += ": " + p.Remedy
		}
		problems = append(problems, events.Problem{
			File: p.Pos.File, Line: p.Pos.Line, Column: p.Pos.Col, Rule: "job", Message: truncate(message, 1024),
		})
	}
	return problems
}

// truncate fits text into a field of an event.
func truncate(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
