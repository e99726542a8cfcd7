package inventory

import (
	"context"
	"fmt"
	"slices"

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

// allowed holds a request against the policy and bounds what it left open. Its
// error is an *place.Unplaced if the request may not be placed. Ingest has
// asked the policy before: this is for requests that somebody published himself
// in a repository's name. Requests without a repository come from people who
// may publish them.
func (s *Service) allowed(ctx context.Context, r *events.BenchRequested) error {
	if r.Origin == nil {
		return nil
	}
	policy, err := s.policy()
	if err != nil {
		return refused("what repositories may ask for can't be read, so nothing is allowed: %v", err)
	}
	rule, known := policy.For(r.Origin.Repo.Forge, r.Origin.Repo.Name)
	if !known {
		return refused("repository %s of %s isn't in the operator's repos.yaml", r.Origin.Repo.Name, r.Origin.Repo.Forge)
	}
	judged := *r
	if r.Confirms != "" {
		if judged.Targets, err = s.confirming(ctx, r); err != nil {
			return err
		}
	}
	if problems := rule.Check(judged); len(problems) > 0 {
		return &place.Unplaced{Problems: problems[:min(len(problems), place.MaxProblems)]}
	}
	rule.Bound(r)
	return nil
}

// confirming returns the targets by which a bench that confirms another is
// judged: those of the first. It names the hosts that measured the first, which
// the repository need not be allowed to choose by name when the first was
// placed on them by group or pool. Any other host is refused.
func (s *Service) confirming(ctx context.Context, r *events.BenchRequested) (events.Targets, error) {
	first, _, err := s.decided(ctx, r.Confirms)
	if err != nil {
		return events.Targets{}, err
	}
	if first == nil || first.Request.Origin == nil || first.Request.Origin.Repo.Name != r.Origin.Repo.Name || first.Request.Origin.Repo.Forge != r.Origin.Repo.Forge {
		return events.Targets{}, refused("it confirms bench %s, which was never placed for this repository", r.Confirms)
	}
	if len(r.Targets.Hosts) == 0 {
		return events.Targets{}, refused("it confirms bench %s and names none of the hosts that measured it", r.Confirms)
	}
	select {
	case <-s.hosts.Ready():
	case <-ctx.Done():
		return events.Targets{}, ctx.Err()
	}
	for _, name := range r.Targets.Hosts {
		h, known := s.hosts.Host(events.Token(name))
		if !slices.ContainsFunc(first.Slots, func(slot events.Slot) bool {
			return slot.Host == name || slot.Pool != "" && known && h.InPool(slot.Pool)
		}) {
			return events.Targets{}, refused("host %s is gone, or is none of those that bench %s was placed on, which this one confirms", name, r.Confirms)
		}
	}
	return first.Request.Targets, nil
}

func refused(format string, args ...any) *place.Unplaced {
	return &place.Unplaced{Problems: []events.Problem{{Rule: repos.RulePolicy, Message: shorten(fmt.Sprintf(format, args...))}}}
}
