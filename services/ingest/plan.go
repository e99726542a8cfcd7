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

// plan fetches the commit and works out its benches.
func (s *Service) plan(ctx context.Context, p events.Push, rule repos.Rule) (plan, error) {
	tree, err := s.git.Open(ctx, checkout.Request{URL: p.Repo.CloneURL, Commit: p.After, Ref: p.Ref})
	if err != nil {
		return plan{}, checkoutProblem(p, err)
	}
	defer func() { _ = tree.Close() }() // the next start sweeps what is left
	if marker := config.Skips(tree.Message()); marker != "" {
		return plan{}, &ignored{"the commit's message says " + marker}
	}
	file, err := s.configuration(ctx, p, tree)
	if err != nil {
		return plan{}, err
	}
	changed := func() ([]string, bool, error) { return tree.Changed(ctx, p.Before) }
	wanted, reason, err := file.Wants(p, changed)
	if err != nil {
		return plan{}, checkoutProblem(p, err)
	}
	if !wanted {
		return plan{}, &ignored{reason}
	}
	return s.fill(ctx, p, rule, tree, file)
}

// fill completes the benches with their job files, and holds them to the rule.
func (s *Service) fill(ctx context.Context, p events.Push, rule repos.Rule, tree *checkout.Tree, file *config.File) (plan, error) {
	pl := plan{file: file, commit: tree.Commit()}
	jobs := &jobFiles{s: s, tree: tree, rule: rule, stored: map[string]events.Job{}}
	if err := jobs.prefetch(ctx, file); err != nil {
		return plan{}, checkoutProblem(p, err)
	}
	origin := &events.Origin{Repo: p.Repo, Push: p.Push, Ref: p.Ref, Commit: pl.commit}
	if p.Pull != nil {
		origin.Pull = p.Pull.Number
	}
	for _, b := range file.Benches {
		req := b.Request()
		req.Origin = origin
		for _, name := range b.Jobs {
			j, err := jobs.get(ctx, name)
			if err != nil {
				return plan{}, err
			}
			req.Jobs = append(req.Jobs, j)
		}
		for _, problem := range rule.Check(req) {
			problem.File = config.Name
			jobs.problems = append(jobs.problems, problem)
		}
		rule.Bound(&req)
		pl.benches = append(pl.benches, req)
	}
	if len(jobs.problems) > 0 {
		return plan{}, &rejected{jobs.problems}
	}
	return pl, nil
}

// configuration reads fiord.yaml: of the commit itself, or, for a pull request,
// of the branch it is for, since its author may be anybody.
func (s *Service) configuration(ctx context.Context, p events.Push, tree *checkout.Tree) (*config.File, error) {
	if p.Pull != nil {
		base, err := s.base(ctx, p)
		if err != nil {
			return nil, err
		}
		defer func() { _ = base.Close() }()
		tree = base
	}
	src, err := tree.ReadFile(config.Name)
	if errors.Is(err, checkout.ErrNotFound) {
		return nil, &ignored{"the commit has no " + config.Name}
	}
	if err != nil {
		return nil, checkoutProblem(p, err)
	}
	file, err := config.Parse(config.Name, src)
	var problems config.Problems
	if errors.As(err, &problems) {
		return nil, &rejected{problems}
	}
	return file, err
}

// base opens the commit of the base branch that a pull request was compared
// with, or the branch's present head where the forge does not tell.
func (s *Service) base(ctx context.Context, p events.Push) (*checkout.Tree, error) {
	ref := "refs/heads/" + p.Pull.Base
	commit := p.Pull.BaseSHA
	if commit == "" {
		heads, err := s.git.Heads(ctx, p.Repo.CloneURL)
		if err != nil {
			return nil, checkoutProblem(p, err)
		}
		if commit = heads[ref]; commit == "" {
			return nil, reject("checkout", "", "the base branch %s is gone", p.Pull.Base)
		}
	}
	tree, err := s.git.Open(ctx, checkout.Request{URL: p.Repo.CloneURL, Commit: commit, Ref: ref})
	if err != nil {
		return nil, checkoutProblem(p, err)
	}
	return tree, nil
}

// checkoutProblem keeps outages apart from what the author or the operator has
// to put right.
func checkoutProblem(p events.Push, err error) error {
	for _, theirs := range []error{checkout.ErrRefused, checkout.ErrDenied, checkout.ErrNoCommit, checkout.ErrTooLarge, checkout.ErrNotFile, checkout.ErrLFS, checkout.ErrNotFound} {
		if errors.Is(err, theirs) {
			return reject("checkout", "", "%s: %v", p.Repo.Name, err)
		}
	}
	return err
}

// jobFiles reads, checks and stores job files, each of them once. What is wrong
// is collected: the author is told everything at once.
type jobFiles struct {
	s        *Service
	tree     *checkout.Tree
	rule     repos.Rule
	stored   map[string]events.Job
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
	parsed, err := job.Parse(name, raw, cfg)
	if err != nil {
		f.problems = append(f.problems, jobProblems(name, err)...)
		return nil, nil
	}
	if len(parsed.Includes) > 0 {
		return parsed.Bytes(), nil
	}
	return raw, nil
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

// jobProblems are the lines of a job file that fio would not take.
func jobProblems(name string, err error) []events.Problem {
	var list job.Errors
	if !errors.As(err, &list) {
		return []events.Problem{{File: name, Rule: "job", Message: truncate(err.Error(), 1024)}}
	}
	problems := make([]events.Problem, len(list))
	for i, e := range list {
		problems[i] = events.Problem{File: e.Pos.File, Line: e.Pos.Line, Column: e.Pos.Col, Rule: "job", Message: truncate(e.Msg+remedy(e), 1024)}
	}
	return problems
}

func remedy(e *job.Error) string {
	if e.Remedy == "" {
		return ""
	}
	return ": " + e.Remedy
}

// truncate fits text into a field of an event.
func truncate(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
