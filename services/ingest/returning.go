package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/services/ingest/checkout"
)

// maxScan bounds how many pushes of all repositories are read to find out what
// lies between two of one ref.
const maxScan = 2000

// headSettles is how long after a webhook a forge is given to show the new head
// to whoever asks for it: some answer from a replica that lags.
const headSettles = 5 * time.Second

// judgement is what a push is to those met before on its ref.
type judgement int

const (
	// newest: it is where the ref is, as far as anybody knows.
	newest judgement = iota
	// repeated: another delivery of the push that the ref is at.
	repeated
	// overtaken: a push that others have overtaken, reported late or once more.
	overtaken
)

// meet finds the place of a push among those of its ref, and records it. A ref
// may return to an earlier commit, by force or by being deleted and made again:
// that is a new push, whose benches are asked for again. A push that is only
// reported again, by a second webhook or a person, is the one it was: the
// returned push and cause are those of the first delivery, so that the work
// done for either has the same ids.
func (s *Service) meet(ctx context.Context, d *bus.Delivery, p events.Push) (events.Push, events.Event, error) {
	if _, ok := s.policy.Get().For(p.Repo.Forge, p.Repo.Name); !ok {
		return p, d.Event, reject(repos.RulePolicy, "no rule of the operator lets %s at %s run anything", p.Repo.Name, p.Repo.Forge)
	}
	for {
		var state refState
		revision, err := s.refs.load(ctx, refKey(p.Repo, p.Ref), &state)
		if err != nil {
			return p, d.Event, err
		}
		if !state.met(p.Push) {
			how, err := s.judge(ctx, d, p, state)
			if err != nil {
				return p, d.Event, err
			}
			state.enter(refPush{Push: p.Push, Sequence: d.Sequence, Before: p.Before, After: p.After}, how)
			done, err := s.refs.swap(ctx, refKey(p.Repo, p.Ref), revision, state)
			if err != nil {
				return p, d.Event, err
			}
			if !done {
				continue // another replica has met a push meanwhile: judge again
			}
		}
		first := state.first(p.Push)
		if first == p.Push {
			return p, d.Event, nil
		}
		d.Log.Info("push reported once more", slog.String("push", first))
		p.Push = first
		cause := d.Event
		cause.ID = events.New(d.Event.Source, first, nil, d.Event.Data).ID
		return p, cause, nil
	}
}

// judge compares a push that was not met before with the newest one that was.
// Where the stream's order does not decide, the repository does: a push that does
// not start where the last one ended may have been overtaken on its way here.
func (s *Service) judge(ctx context.Context, d *bus.Delivery, p events.Push, state refState) (judgement, error) {
	switch {
	case state.Push == "":
		return newest, nil
	case d.Sequence < state.Sequence && (p.Pull != nil || state.Before == p.After && !state.hadAfter(p.After)):
		// Another replica, or another place of this one, was faster. Where the ref had
		// been before, it may as well have returned.
		return overtaken, nil
	case d.Sequence < state.Sequence:
	case state.After == p.After:
		between, err := s.movedBetween(ctx, p, state.Sequence, d.Sequence)
		if err != nil || !between {
			return repeated, err
		}
	case p.Pull != nil && p.Deleted():
		return newest, nil // a forge keeps the head of a request that was closed
	case state.repeatedSince():
		// What passed for a repetition may have been a return whose departure is
		// reported only now: both look the same until the ref leaves.
	case state.hadAfter(p.After): // the ref returns, or an old push is reported again
	case p.Pull != nil || state.After == p.Before:
		return newest, nil // of a pull request nobody tells where it was before
	}
	how, err := s.askHead(ctx, d, p)
	if how == newest && state.After == p.After && d.Sequence < state.Sequence {
		return repeated, err // what the newest push says, by another way
	}
	return how, err
}

// movedBetween tells whether the ref was pushed to between two places in the
// stream, whether or not that push has been worked on.
func (s *Service) movedBetween(ctx context.Context, p events.Push, from, to uint64) (bool, error) {
	moved, read := false, 0
	err := s.bus.Between(ctx, events.TypePushReceived, from, to, func(e events.Event) bool {
		other, ok := e.Data.(events.PushReceived)
		read++
		moved = ok && refKey(other.Repo, other.Ref) == refKey(p.Repo, p.Ref) && other.After != p.After
		return !moved && read < maxScan
	})
	if err != nil {
		return false, fmt.Errorf("look for pushes between two of %s: %w", p.Ref, err)
	}
	return moved || read >= maxScan, nil
}

// askHead asks the repository whether a push is where the ref is.
func (s *Service) askHead(ctx context.Context, d *bus.Delivery, p events.Push) (judgement, error) {
	at := headOf(p)
	head, err := s.git.Head(ctx, at.URL, at.Ref)
	if err != nil {
		if errors.Is(err, checkout.ErrUnavailable) {
			return overtaken, err
		}
		return overtaken, checkoutProblem(p, err)
	}
	if id(head, p.After) == p.After || head == "" && p.Pull != nil { // not every forge keeps a ref of a pull request
		return newest, nil
	}
	if young := time.Since(d.Stored); young < headSettles {
		return overtaken, bus.RetryAfter(fmt.Errorf("%s is at %s and not at %s yet", p.Ref, head, p.After), headSettles/5)
	}
	d.Log.Info("push was overtaken", slog.String("ref", p.Ref), slog.String("head", head))
	return overtaken, nil
}
