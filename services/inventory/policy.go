package inventory

import (
	"fmt"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/services/inventory/place"
)

// policy reads what repositories may ask for. The file is small and read for
// each placement, so that a right that was taken away is gone at once.
func (s *Service) policy() (*repos.Policy, error) {
	if s.cfg.ReposFile == "" {
		return repos.Open(), nil
	}
	return repos.Load(s.cfg.ReposFile)
}

// allowed holds a request against the policy, nil if it may be placed, and
// bounds what it left open. Ingest has done so before: this is for requests
// that somebody published himself in a repository's name. Requests without a
// repository come from people who may publish them.
func (s *Service) allowed(r *events.BenchRequested) *place.Unplaced {
	if r.Origin == nil {
		return nil
	}
	refused := func(message string) *place.Unplaced {
		return &place.Unplaced{Problems: []events.Problem{{Rule: repos.RulePolicy, Message: shorten(message)}}}
	}
	policy, err := s.policy()
	if err != nil {
		return refused(fmt.Sprintf("what repositories may ask for can't be read, so nothing is allowed: %v", err))
	}
	rule, known := policy.For(r.Origin.Repo.Forge, r.Origin.Repo.Name)
	if !known {
		return refused(fmt.Sprintf("repository %s of %s isn't in the operator's repos.yaml", r.Origin.Repo.Name, r.Origin.Repo.Forge))
	}
	if problems := rule.Check(*r); len(problems) > 0 {
		return &place.Unplaced{Problems: problems[:min(len(problems), place.MaxProblems)]}
	}
	rule.Bound(r)
	return nil
}
