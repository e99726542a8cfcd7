package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/services/ingest/checkout"
	"github.com/fiord-bench/fiord/services/ingest/repofile"
	"github.com/fiord-bench/fiord/services/ingest/web"
)

// findHead reacts to pull.received: it asks the forge for the commit that the
// forge did not tell, and says push.received. The branch's present head is the
// right one, whatever has happened since the webhook: an older commit of the
// request is pointless, and the webhook of a newer one will find the same push.
func (s *Service) findHead(ctx context.Context, d *bus.Delivery) error {
	data, err := bus.As[events.PullReceived](d)
	if err != nil {
		return err
	}
	head, err := s.git.Head(ctx, data.Pull.HeadURL, "refs/heads/"+data.Pull.Head)
	if err != nil {
		err = fmt.Errorf("find head of pull request %d of %s: %w", data.Pull.Number, data.Repo.Name, err)
		if errors.Is(err, checkout.ErrRefused) || errors.Is(err, checkout.ErrDenied) {
			return bus.Permanent(err)
		}
		return disposition(d, err)
	}
	if head == "" {
		d.Log.Info("pull request has lost its branch", "repo", data.Repo.Name, "pull", data.Pull.Number)
		return nil
	}
	p := events.Push{
		Repo: data.Repo, Ref: web.PullRef(data.Repo.Forge, data.Pull.Number),
		Before: strings.Repeat("0", len(head)), After: head, Pull: &data.Pull,
	}
	p.Push = events.PushID(p.Repo.Forge, p.Repo.Name, p.Ref, p.Before, p.After, data.Delivery)
	// The id is the push's, as if its webhook had named the commit.
	e := events.New(s.bus.Source(), p.Push, nil, events.PushReceived{Push: p, Pusher: data.Sender, Delivery: data.Delivery})
	e.CorrelationID, e.CausationID = d.Event.CorrelationID, d.Event.ID
	e.TraceParent, e.TraceState = d.Event.TraceParent, d.Event.TraceState
	_, err = s.bus.Publish(ctx, e)
	return err
}

// headDead owes nothing: without the commit there is none to tell anything
// about. The dead letter says why.
func headDead(context.Context, *bus.Delivery, error) error { return nil }

// gate holds pull requests that nobody has vouched for: their job files would
// run on the operator's hosts. A held one is kept until push.approved names it.
func (s *Service) gate(ctx context.Context, p events.Push, rule repos.Rule) error {
	switch {
	case rule.PullRequests == "" || rule.PullRequests == repos.PullsOff:
		return &ignored{"the operator has not let pull requests of this repository in"}
	case rule.PullRequests == repos.PullsMembers && !p.Pull.Fork:
		return nil
	}
	if _, err := s.refs.swap(ctx, heldKey(p.Push), 0, p); err != nil {
		return fmt.Errorf("hold push: %w", err)
	}
	return &waiting{fmt.Sprintf("pull request %d waits for approval: fiord approve %s", p.Pull.Number, p.Push)}
}

func heldKey(push string) string { return "held." + push }

// measuredAsPush ignores a request from a branch of the repository itself whose
// commits are measured when they are pushed.
func measuredAsPush(p events.Push, f *repofile.File) error {
	if p.Pull == nil || p.Pull.Fork || p.Pull.Head == "" {
		return nil
	}
	nothing := func() ([]string, bool, error) { return nil, false, nil }
	asPush := events.Push{Ref: "refs/heads/" + p.Pull.Head}
	if ok, _, err := f.Wants(asPush, nothing); err != nil || !ok {
		return err
	}
	return &ignored{"the commit is measured as a push to " + p.Pull.Head}
}

// approve reacts to push.approved: the held push is worked on as if it had just
// come, and what follows is caused by the approval.
func (s *Service) approve(ctx context.Context, d *bus.Delivery) error {
	data, err := bus.As[events.PushApproved](d)
	if err != nil {
		return err
	}
	p, err := s.held(ctx, data.Push)
	if err != nil {
		return err
	}
	if _, err := s.policy.Get().Judge(data, &p.Repo); err != nil {
		// The push stays held: a refused approval decides nothing.
		d.Log.Warn("approval refused", "push", p.Push, "by", data.By, "error", err)
		return s.tell(ctx, d, p, &waiting{fmt.Sprintf("an approval by %s is refused, since %v: it waits for another: fiord approve %s", data.By, err, p.Push)})
	}
	state, err := s.refs.update(ctx, refKey(p.Repo, p.Ref), func(*refState) {})
	if err != nil {
		return err
	}
	if state.Push != p.Push && !state.asked(p.Push) {
		return s.tell(ctx, d, p, &ignored{"pull request has changed since: approve its newest push, " + state.Push})
	}
	d.Log.Info("pull request approved", "push", p.Push, "by", data.By)
	return s.tell(ctx, d, p, s.work(ctx, d, p, true))
}

// held looks up a push that waits.
func (s *Service) held(ctx context.Context, push string) (events.Push, error) {
	var p events.Push
	revision, err := s.refs.load(ctx, heldKey(push), &p)
	if err == nil && revision == 0 {
		err = bus.Permanent(fmt.Errorf("approve %s: no such push waits for approval", push))
	}
	return p, err
}

// approvalDead is owed when an approval leads nowhere: the push it was for is
// rejected; an approval of nothing leaves nobody waiting.
func (s *Service) approvalDead(ctx context.Context, d *bus.Delivery, cause error) error {
	data, err := bus.As[events.PushApproved](d)
	if err != nil {
		return nil //nolint:nilerr // unreadable, so nobody waits
	}
	p, err := s.held(ctx, data.Push)
	if err != nil {
		return nil //nolint:nilerr // nothing was held
	}
	_, err = d.Emit(ctx, p.Push, gaveUp(p, cause))
	return err
}
