package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/fetch"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/services/ingest/checkout"
	"github.com/fiord-bench/fiord/services/ingest/lint"
	"github.com/fiord-bench/fiord/services/ingest/repofile"
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
	stored   map[string]events.Job // by repofile.JobKey
	checked  map[string]lint.File  // by the same
	problems []events.Problem
}

func isURL(name string) bool { return strings.Contains(name, "://") }

func (f *jobFiles) prefetch(ctx context.Context, file *repofile.File) error {
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
// among the problems, told by missing if it cannot be had; the error is a fault
// of ours.
func (f *jobFiles) get(ctx context.Context, name string, vars map[string]string, missing func(error) events.Problem) (events.Job, error) {
	key := repofile.JobKey(name, vars)
	if j, done := f.stored[key]; done {
		return j, nil
	}
	j := events.Job{Name: name}
	if isURL(name) && !f.rule.AllowsURL(name) {
		j.URL = name // the policy tells, with everything else that it minds
		f.stored[key] = j
		return j, nil
	}
	content, err := f.content(ctx, name, vars)
	if theirs(err) {
		f.problems = append(f.problems, missing(err))
		err = nil
	}
	if err != nil || content == nil {
		f.stored[key] = j
		return j, err
	}
	sum := sha256.Sum256(content)
	claim, err := f.s.store.Put(ctx, artifacts.JobKey(hex.EncodeToString(sum[:])), mediaJob, bytes.NewReader(content))
	if err != nil {
		return j, fmt.Errorf("store %s: %w", name, err)
	}
	j.Claim = &claim
	f.stored[key] = j
	return j, nil
}

// content is a job file, complete with what it includes, or nil after a
// problem.
func (f *jobFiles) content(ctx context.Context, name string, vars map[string]string) ([]byte, error) {
	raw, err := f.read(ctx, name)
	if err != nil {
		return nil, err
	}
	var open lint.Open
	if !isURL(name) {
		open = f.open
	}
	file := lint.Job(name, raw, open, vars)
	f.problems = append(f.problems, file.Problems...)
	f.checked[repofile.JobKey(name, vars)] = file
	return file.Content, nil
}

func (f *jobFiles) read(ctx context.Context, name string) ([]byte, error) {
	if !isURL(name) {
		return f.tree.ReadFile(name)
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

// theirs tells whether a file cannot be had for a reason that the author can
// mend.
func theirs(err error) bool {
	return slices.ContainsFunc([]error{
		checkout.ErrNotFound, checkout.ErrNotFile, checkout.ErrLFS, checkout.ErrTooLarge,
		fetch.ErrRefused, fetch.ErrNoFile, fetch.ErrTooLarge,
	}, func(known error) bool { return errors.Is(err, known) })
}

// truncate fits text into a field of an event.
func truncate(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
