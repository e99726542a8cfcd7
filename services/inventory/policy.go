package inventory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/services/inventory/place"
)

// policy reads what may be asked for. The file is small and read for each
// placement, so that a right that was taken away is gone at once.
func (s *Service) policy() (*repos.Policy, error) {
	if s.cfg.ReposFile == "" {
		return repos.Open(), nil
	}
	return repos.Load(s.cfg.ReposFile)
}

// allowed holds a request against the policy and bounds what it left open. Its
// error is an *place.Unplaced if the request may not be placed. Ingest has
// asked the policy before about what came through it; this is the one place that
// every request passes, whatever door it came by.
func (s *Service) allowed(ctx context.Context, r *events.BenchRequested) error {
	policy, err := s.policy()
	if err != nil {
		return refused("what may be asked for can't be read, so nothing is allowed: %v", err)
	}
	rule, judged, err := s.ruleFor(ctx, policy, *r, longestChain)
	var no *repos.Refused
	if errors.As(err, &no) {
		return refused("%s", no.Reason)
	}
	if err != nil {
		return err
	}
	if problems := rule.Check(judged); len(problems) > 0 {
		return &place.Unplaced{Problems: problems[:min(len(problems), place.MaxProblems)]}
	}
	rule.Bound(r)
	return nil
}

// mayDiscover holds the request for a discovery against the policy.
func (s *Service) mayDiscover(r events.DiscoveryRequested) error {
	policy, err := s.policy()
	if err != nil {
		return err
	}
	_, err = policy.Judge(r, nil)
	return err
}

// longestChain bounds how many benches a request may refer to, each by the one
// before it: whoever publishes events chooses their ids, and could make a circle.
const longestChain = 50

// ruleFor finds the rule for a request and what is held against it, which
// differs from the request where another bench answers for a part of it.
func (s *Service) ruleFor(ctx context.Context, policy *repos.Policy, r events.BenchRequested, chain int) (repos.Rule, events.BenchRequested, error) {
	if chain == 0 {
		return repos.Rule{}, r, refused("it refers to more than %d benches: rerun the first of them", longestChain)
	}
	by := r.RequestedBy()
	confirms := by != nil && by.Right == events.RightConfirmation
	if confirms != (r.Confirms != "") {
		return repos.Rule{}, r, refused("a bench confirms another by the right of a confirmation, and by no other: leave out confirms, or ask by that right")
	}
	switch {
	case confirms:
		return s.confirmation(ctx, policy, r, chain)
	case by != nil && by.Right == events.RightRerun:
		return s.rerun(ctx, policy, r, chain)
	}
	rule, err := policy.Judge(r, repository(r))
	return rule, r, err
}

// repository is the one whose commit a bench measures, or nil.
func repository(r events.BenchRequested) *events.Repo {
	if r.Origin == nil {
		return nil
	}
	return &r.Origin.Repo
}

// confirmation finds the rule for a bench that confirms another: that of the
// first. It names the hosts that measured the first, which need not be allowed by
// name when the first was placed on them by group or pool, so that the targets of
// the first are judged. Any other host is refused.
func (s *Service) confirmation(ctx context.Context, policy *repos.Policy, r events.BenchRequested, chain int) (repos.Rule, events.BenchRequested, error) {
	first, _, err := s.decided(ctx, r.Confirms)
	if err != nil {
		return repos.Rule{}, r, err
	}
	if first == nil || !sameRepository(first.Request.Origin, r.Origin) {
		return repos.Rule{}, r, refused("it confirms bench %s, which was never placed for this repository", r.Confirms)
	}
	if err := s.measuredOn(ctx, first, r); err != nil {
		return repos.Rule{}, r, err
	}
	rule, _, err := s.ruleFor(ctx, policy, first.Request, chain-1)
	r.Targets = first.Request.Targets
	return rule, r, err
}

func sameRepository(a, b *events.Origin) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Repo.Name == b.Repo.Name && a.Repo.Forge == b.Repo.Forge
}

// measuredOn refuses hosts that the first bench was not placed on.
func (s *Service) measuredOn(ctx context.Context, first *events.Placement, r events.BenchRequested) error {
	if len(r.Targets.Hosts) == 0 {
		return refused("it confirms bench %s and names none of the hosts that measured it", r.Confirms)
	}
	select {
	case <-s.hosts.Ready():
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, name := range r.Targets.Hosts {
		h, known := s.hosts.Host(events.Token(name))
		if !slices.ContainsFunc(first.Slots, func(slot events.Slot) bool {
			return slot.Host == name || slot.Pool != "" && known && h.InPool(slot.Pool)
		}) {
			return refused("host %s is gone, or is none of those that bench %s was placed on, which this one confirms", name, r.Confirms)
		}
	}
	return nil
}

// rerun finds the rule for a bench that a person asks for once more. Unchanged,
// it is judged as the first was; changed, it is the person's own request.
func (s *Service) rerun(ctx context.Context, policy *repos.Policy, r events.BenchRequested, chain int) (repos.Rule, events.BenchRequested, error) {
	person, err := policy.Judge(r, nil) // whether the person may ask for benches at all
	if err != nil || r.RerunOf == "" {
		return person, r, err
	}
	first, _, err := s.decided(ctx, r.RerunOf)
	if err != nil {
		return repos.Rule{}, r, err
	}
	if first != nil {
		rule, judged, err := s.ruleFor(ctx, policy, first.Request, chain-1)
		again := r
		rule.Bound(&again)
		if err == nil && alike(first.Request, again) {
			again.Targets = judged.Targets
			return rule, again, nil
		}
	}
	rule, err := policy.Judge(r, repository(r))
	return rule, r, err
}

// alike tells whether two requests ask for the same, whoever makes them.
func alike(a, b events.BenchRequested) bool {
	for _, r := range []*events.BenchRequested{&a, &b} {
		r.Requester, r.RerunOf, r.Attempt = nil, "", 0
	}
	was, errWas := json.Marshal(a)
	is, errIs := json.Marshal(b)
	return errWas == nil && errIs == nil && bytes.Equal(was, is)
}

func refused(format string, args ...any) *place.Unplaced {
	return &place.Unplaced{Problems: []events.Problem{{Rule: repos.RulePolicy, Message: shorten(fmt.Sprintf(format, args...))}}}
}
