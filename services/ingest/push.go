package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/fetch"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/services/ingest/checkout"
	"github.com/fiord-bench/fiord/services/ingest/repofile"
)

// ignored is why a push asks for nothing. It is an outcome, not a failure.
type ignored struct{ reason string }

func (e *ignored) Error() string { return e.reason }

// waiting is why a pull request has to be approved first.
type waiting struct{ reason string }

func (e *waiting) Error() string { return e.reason }

// rejected is what is wrong with a push, for its author.
type rejected struct{ problems []events.Problem }

func (e *rejected) Error() string { return repofile.Problems(e.problems).Error() }

func reject(rule, format string, args ...any) *rejected {
	return &rejected{[]events.Problem{{Rule: rule, Message: truncate(fmt.Sprintf(format, args...), 1024)}}}
}

// push reacts to push.received: it says push.ignored, push.rejected, or asks
// for the benches of the repository.
func (s *Service) push(ctx context.Context, d *bus.Delivery) error {
	data, err := bus.As[events.PushReceived](d)
	if err != nil {
		return err
	}
	p, cause, err := s.meet(ctx, d, data.Push)
	if err != nil {
		return s.tell(ctx, d, p, err)
	}
	first := *d
	first.Event = cause
	return s.tell(ctx, &first, p, s.work(ctx, &first, p, false))
}

// tell publishes what came of a push other than benches, and leaves faults of
// ours to the bus.
func (s *Service) tell(ctx context.Context, d *bus.Delivery, p events.Push, err error) error {
	var no *ignored
	var held *waiting
	var bad *rejected
	switch {
	case errors.As(err, &held):
		d.Log.Info("pull request held", slog.String("reason", held.reason))
		_, err = d.Emit(ctx, p.Push, events.PushIgnored{Push: p, Reason: truncate(held.reason, 2048), Held: true})
	case errors.As(err, &no):
		d.Log.Info("push ignored", slog.String("reason", no.reason))
		_, err = d.Emit(ctx, p.Push, events.PushIgnored{Push: p, Reason: truncate(no.reason, 2048)})
	case errors.As(err, &bad):
		d.Log.Info("push rejected", slog.Any("problems", bad))
		_, err = d.Emit(ctx, p.Push, rejection(p, bad.problems))
	}
	return disposition(d, err)
}

// rejection fits problems into the event's bounds.
func rejection(p events.Push, problems []events.Problem) events.PushRejected {
	const most = 50
	problems = slices.Clone(problems[:min(len(problems), most)])
	for i := range problems {
		problems[i].Message = truncate(problems[i].Message, 1024)
	}
	return events.PushRejected{Push: p, Problems: problems}
}

// disposition tells the bus about outages, which are no fault of the push. The
// store is needed by every push, so the place waits for it; one forge or web
// server that is away gives its place to pushes to the others.
func disposition(d *bus.Delivery, err error) error {
	switch {
	case errors.Is(err, checkout.ErrUnavailable), errors.Is(err, fetch.ErrUnavailable):
		return bus.RetryAfter(err, patience(time.Since(d.Stored)))
	}
	return bus.ForStore(err)
}

// patience is how long to wait for a forge, by how long it has been waited for
// already. Jitter keeps the pushes of an outage from coming back together.
func patience(waited time.Duration) time.Duration {
	d := min(max(waited/4, 2*time.Second), 5*time.Minute)
	return d + rand.N(d/4) //nolint:gosec // spreads load, hides nothing
}

// pushDead is owed when the reaction gives up: whoever pushed learns why
// nothing is measured.
func (s *Service) pushDead(ctx context.Context, d *bus.Delivery, cause error) error {
	data, err := bus.As[events.PushReceived](d)
	if err != nil {
		return nil //nolint:nilerr // no push, so nobody waits
	}
	_, err = d.Emit(ctx, data.Push.Push, gaveUp(data.Push, cause))
	return err
}

func gaveUp(p events.Push, cause error) events.PushRejected {
	return events.PushRejected{Push: p, Problems: []events.Problem{{
		Rule:    "internal",
		Message: truncate("fiord gave up on this push: "+cause.Error()+": push again, or ask the operator to redrive it", 1024),
	}}}
}

// work does what a push asks for. Its error is *ignored, *rejected, or a fault
// of ours. Approved says that somebody has let a pull request through the gate.
func (s *Service) work(ctx context.Context, d *bus.Delivery, p events.Push, approved bool) error {
	rule, ok := s.policy.Get().For(p.Repo.Forge, p.Repo.Name)
	if !ok {
		return reject(repos.RulePolicy, "no rule of the operator lets %s at %s run anything", p.Repo.Name, p.Repo.Forge)
	}
	var state refState
	if _, err := s.refs.load(ctx, refKey(p.Repo, p.Ref), &state); err != nil {
		return err
	}
	if err := outdated(p, state); err != nil {
		return err
	}
	if p.Deleted() {
		return s.deleted(ctx, d, p, state.sequence(p.Push))
	}
	if p.Pull != nil && !approved {
		if err := s.gate(ctx, p, rule); err != nil {
			return err
		}
	}
	sequence := state.sequence(p.Push)
	pl, err := s.plan(ctx, p, sequence, rule)
	if err != nil {
		return err
	}
	return s.request(ctx, d, p, sequence, pl)
}

// outdated stops work on a commit that another push has put into the same place
// since: two webhooks can tell of one commit with different predecessors. A push
// that has asked for benches goes on, so that doing it again says the same
// again.
func outdated(p events.Push, state refState) error {
	if !state.asked(p.Push) && state.Push != p.Push && state.After == p.After {
		return &ignored{"the same commit was pushed to " + p.Ref + " once more, as " + state.Push}
	}
	return nil
}

// deleted cancels what waits for a ref that is gone.
func (s *Service) deleted(ctx context.Context, d *bus.Delivery, p events.Push, sequence uint64) error {
	state, err := s.refs.update(ctx, refKey(p.Repo, p.Ref), func(st *refState) { st.ask(p.Push, sequence, nil) })
	if err != nil {
		return err
	}
	if err := s.supersede(ctx, d, p, state, p.Ref+" was deleted"); err != nil {
		return err
	}
	return &ignored{p.Ref + " was deleted"}
}

// plan is what a push asks for, checked and stored.
type plan struct {
	file    *repofile.File
	commit  string
	benches []events.BenchRequested
}

// request asks for the benches and cancels those of older pushes. The benches
// are noted before they are asked for: whoever comes after a crash finds all
// that may be running.
func (s *Service) request(ctx context.Context, d *bus.Delivery, p events.Push, sequence uint64, pl plan) error {
	requests := make([]events.Event, len(pl.benches))
	notes := make([]refBench, len(pl.benches))
	for i, b := range pl.benches {
		requests[i] = events.New(s.bus.Source(), b.Name, &d.Event, b)
		notes[i] = refBench{
			Bench: events.BenchID(requests[i]), Push: p.Push, Sequence: sequence,
			Running: pl.file.Supersede == "running",
			Keep:    pl.file.Supersede == "none" || s.isBaseline(p, pl.file),
		}
	}
	state, err := s.refs.update(ctx, refKey(p.Repo, p.Ref), func(st *refState) { st.ask(p.Push, sequence, notes) })
	if err != nil {
		return err
	}
	for i, e := range requests {
		if _, err := s.bus.Publish(ctx, e); err != nil {
			return fmt.Errorf("request bench %q: %w", pl.benches[i].Name, err)
		}
		d.Log.Info("bench requested", slog.String("bench_id", notes[i].Bench), slog.String("bench", pl.benches[i].Name), slog.String("commit", pl.commit))
	}
	return s.supersede(ctx, d, p, state, "a newer push to "+p.Ref)
}

// isBaseline tells whether others are compared with what is pushed here: every
// commit of such a branch is wanted. Tags don't move and keep theirs as well.
func (s *Service) isBaseline(p events.Push, f *repofile.File) bool {
	return p.Tag() != "" || slices.Contains(f.Baselines(), p.Branch())
}

// supersede cancels the benches that the newest push has made pointless, this
// push's own among them if it is not the newest.
func (s *Service) supersede(ctx context.Context, d *bus.Delivery, p events.Push, state refState, reason string) error {
	stale := state.stale()
	if len(stale) == 0 {
		return nil
	}
	for _, b := range stale {
		_, ended, err := s.bus.Ended(ctx, events.BenchEndFilter(b.Bench))
		if err != nil {
			return err
		}
		if ended {
			continue
		}
		cancel := events.CancelRequested{
			Bench: b.Bench, Reason: reason, By: s.bus.Source(), SupersededBy: state.Asker, QueuedOnly: !b.Running,
			Requester: &events.Requester{Right: events.RightRepository, Name: p.Repo.Name},
		}
		if _, err := d.Emit(ctx, b.Bench, cancel); err != nil {
			return err
		}
	}
	_, err := s.refs.update(ctx, refKey(p.Repo, p.Ref), func(st *refState) { st.settle(stale) })
	return err
}
