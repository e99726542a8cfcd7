package ingest

import (
	"context"
	"errors"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/services/ingest/checkout"
	"github.com/fiord-bench/fiord/services/ingest/lint"
	"github.com/fiord-bench/fiord/services/ingest/repofile"
)

// plan fetches the commit and works out its benches.
func (s *Service) plan(ctx context.Context, p events.Push, sequence uint64, rule repos.Rule) (plan, error) {
	tree, err := s.git.Open(ctx, headOf(p))
	if err != nil {
		return plan{}, checkoutProblem(p, err)
	}
	defer func() { _ = tree.Close() }() // the next start sweeps what is left
	if marker := repofile.Skips(tree.Message()); marker != "" {
		return plan{}, &ignored{"the commit's message says " + marker}
	}
	file, err := s.configuration(ctx, p, tree)
	var none *ignored
	if err == nil || errors.As(err, &none) {
		if err := s.keepSchedules(ctx, p, sequence, file); err != nil {
			return plan{}, err
		}
	}
	if err != nil {
		return plan{}, err
	}
	if err := measuredAsPush(p, file); err != nil {
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

// headOf is where the commit of a push can be had: from the repository that it
// was pushed to, or, of pull requests at forges that keep no ref of them, from
// the one that it comes from.
func headOf(p events.Push) checkout.Request {
	if p.Pull != nil && p.Pull.HeadURL != "" {
		return checkout.Request{URL: p.Pull.HeadURL, Commit: p.After, Ref: "refs/heads/" + p.Pull.Head}
	}
	return checkout.Request{URL: p.Repo.CloneURL, Commit: p.After, Ref: p.Ref}
}

// fill completes the benches with their job files, and holds them to the rule.
func (s *Service) fill(ctx context.Context, p events.Push, rule repos.Rule, tree *checkout.Tree, file *repofile.File) (plan, error) {
	pl := plan{file: file, commit: tree.Commit()}
	jobs := &jobFiles{s: s, tree: tree, rule: rule, stored: map[string]events.Job{}, checked: map[string]lint.File{}}
	if err := jobs.prefetch(ctx, file); err != nil {
		return plan{}, checkoutProblem(p, err)
	}
	origin := &events.Origin{Repo: p.Repo, Push: p.Push, Ref: p.Ref, Commit: pl.commit}
	if p.Pull != nil {
		origin.Pull = p.Pull.Number
	}
	for i, b := range file.Benches {
		req := b.Request()
		req.Origin = origin
		req.Requester = &events.Requester{Right: events.RightRepository, Name: p.Repo.Name}
		for k, name := range b.Jobs {
			j, err := jobs.get(ctx, name, b.Vars, func(err error) events.Problem { return lint.Missing(file, i, k, err) })
			if err != nil {
				return plan{}, err
			}
			req.Jobs = append(req.Jobs, j)
			jobs.problems = append(jobs.problems, lint.Matrix(file, i, name, jobs.checked[repofile.JobKey(name, b.Vars)])...)
		}
		jobs.problems = append(jobs.problems, lint.Policy(file, i, rule, req)...)
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
func (s *Service) configuration(ctx context.Context, p events.Push, tree *checkout.Tree) (*repofile.File, error) {
	if p.Pull != nil {
		base, err := s.base(ctx, p)
		if err != nil {
			return nil, err
		}
		defer func() { _ = base.Close() }()
		tree = base
	}
	src, err := tree.ReadFile(repofile.Name)
	if errors.Is(err, checkout.ErrNotFound) {
		return nil, &ignored{"the commit has no " + repofile.Name}
	}
	if err != nil {
		return nil, checkoutProblem(p, err)
	}
	file, err := repofile.Parse(repofile.Name, src)
	var problems repofile.Problems
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
			return nil, reject("checkout", "the base branch %s is gone", p.Pull.Base)
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
			return reject("checkout", "%s: %v", p.Repo.Name, err)
		}
	}
	return err
}
