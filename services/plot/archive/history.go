package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/verdict/history"
)

// Remember adds a report to its history. Doing so twice changes nothing. A
// bench that confirms another has none: it is part of the other's.
func (a *Archive) Remember(ctx context.Context, d events.BenchReported, at time.Time) error {
	if d.Origin == nil || d.Confirms != "" {
		return nil
	}
	e := history.Entry{
		Bench: d.Bench, Commit: d.Origin.Commit, At: at, Verdict: d.Verdict,
		Unconfirmed: d.Confirmation != nil && d.Confirmation.Outcome != events.OutcomeConfirmed,
	}
	list := d.Comparisons
	if d.Shift != nil { // the event has only the greatest of what regressed
		whole, err := a.Decision(ctx, d.Bench)
		if err != nil {
			return err
		}
		if whole != nil {
			list = whole.Comparisons
		}
	}
	return a.changeHistory(ctx, d.Origin.Repo.Name, d.Name, d.Origin.Ref, func(h *history.History) bool {
		return h.Report(e, history.Outcome{Shift: d.Shift, Recovered: d.Recovered}, list)
	})
}

// Accept marks a bench as the baseline from now on, if that is allowed for its
// repository.
func (a *Archive) Accept(ctx context.Context, d events.BaselineAccepted, allowed func(events.Repo) error) error {
	seen, err := a.Get(ctx, d.Bench, Ended)
	if err != nil {
		return fmt.Errorf("accept bench %s: %w", d.Bench, err)
	}
	r, ok := seen.Event.Data.(events.BenchReported)
	if !ok || r.Origin == nil {
		return nil // nothing is ever held against a bench that no commit asked for
	}
	if err := allowed(r.Origin.Repo); err != nil {
		return bus.Permanent(fmt.Errorf("accept bench %s: %w", d.Bench, err))
	}
	if err := a.Remember(ctx, r, seen.Event.Time); err != nil {
		return err
	}
	return a.changeHistory(ctx, r.Origin.Repo.Name, r.Name, r.Origin.Ref, func(h *history.History) bool { return h.Accept(d.Bench) })
}

// historyReads is how often a history is read that is replaced meanwhile.
const historyReads = 10

// History reads the benches of a name on a ref; none if there is no history. It
// is the one document that changes: replaced between the look at its hash and
// the reading, it does not fit, and is read again.
func (a *Archive) History(ctx context.Context, repo, name, ref string) (h history.History, err error) {
	for range historyReads {
		h = history.History{}
		if err = readJSON(ctx, a.store, history.Key(repo, name, ref), MaxDocument, &h); !errors.Is(err, artifacts.ErrCorrupt) {
			break
		}
	}
	if errors.Is(err, artifacts.ErrNotFound) {
		return h, nil
	}
	return h, err
}

// changeHistory changes a history by compare-and-set.
func (a *Archive) changeHistory(ctx context.Context, repo, name, ref string, change func(*history.History) bool) error {
	return a.store.Update(ctx, history.Key(repo, name, ref), "application/json", func(current []byte) ([]byte, error) {
		h := history.History{Repo: repo, Name: name, Ref: ref}
		if current != nil {
			if err := json.Unmarshal(current, &h); err != nil {
				return nil, fmt.Errorf("decode history of %s: %w", name, err)
			}
		}
		if !change(&h) {
			return nil, nil
		}
		return json.Marshal(h)
	})
}
