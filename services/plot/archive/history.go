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
// bench that confirms another has none: it is part of the other's. One that no
// commit asked for is in the history of its name.
func (a *Archive) Remember(ctx context.Context, d events.BenchReported, at time.Time) error {
	if d.Confirms != "" {
		return nil
	}
	e := history.Entry{
		Bench: d.Bench, Commit: commitOf(d.Origin), At: at, Verdict: d.Verdict,
		Unconfirmed: d.Confirmation != nil && d.Confirmation.Outcome != events.OutcomeConfirmed,
	}
	list := d.Comparisons
	if d.Shift != nil || d.Settled != nil { // the event has only the greatest of what regressed
		whole, err := a.Decision(ctx, d.Bench)
		if err != nil {
			return err
		}
		if whole != nil {
			list = whole.Comparisons
		}
	}
	return a.changeHistory(ctx, d.Name, d.Origin, func(h *history.History) bool {
		return h.Report(e, history.Outcome{Shift: d.Shift, Recovered: d.Recovered, Settled: d.Settled}, list)
	})
}

// Accept marks a bench as the baseline from now on, if that is allowed for its
// repository.
func (a *Archive) Accept(ctx context.Context, d events.BaselineAccepted, allowed func(*events.Repo) error) error {
	seen, err := a.Get(ctx, d.Bench, Ended)
	if err != nil {
		return fmt.Errorf("accept bench %s: %w", d.Bench, err)
	}
	r, ok := seen.Event.Data.(events.BenchReported)
	if !ok {
		return nil // it was never measured
	}
	var repo *events.Repo
	if r.Origin != nil {
		repo = &r.Origin.Repo
	}
	if err := allowed(repo); err != nil {
		return bus.Permanent(fmt.Errorf("accept bench %s: %w", d.Bench, err))
	}
	if err := a.Remember(ctx, r, seen.Event.Time); err != nil {
		return err
	}
	return a.changeHistory(ctx, r.Name, r.Origin, func(h *history.History) bool { return h.Accept(d.Bench) })
}

// commitOf is the commit that a bench measured, if any.
func commitOf(o *events.Origin) string {
	if o == nil {
		return ""
	}
	return o.Commit
}

// historyReads is how often a history is read that is replaced meanwhile.
const historyReads = 10

// readHistory reads one document; an empty one if there is none. It is the one
// kind of document that changes: replaced between the look at its hash and the
// reading, it does not fit, and is read again.
func (a *Archive) readHistory(ctx context.Context, key string) (h history.History, err error) {
	for range historyReads {
		h = history.History{}
		if err = readJSON(ctx, a.store, key, MaxDocument, &h); !errors.Is(err, artifacts.ErrCorrupt) {
			break
		}
	}
	if errors.Is(err, artifacts.ErrNotFound) {
		return h, nil
	}
	return h, err
}

// History reads the benches of a name that the commits of a ref asked for; those
// that no commit asked for without an origin. It is empty if there is none.
func (a *Archive) History(ctx context.Context, name string, o *events.Origin) (history.History, error) {
	_, h, err := a.find(ctx, name, o)
	return h, err
}

// find reads a history and returns where it is, or will be, kept: under the
// forge's id of the repository where that is known, so that a repository that was
// renamed keeps its history. The document under the repository's name leads there,
// for what knows the name alone. A name may have been given to another repository
// since: what leads to another id is not followed by who has one.
func (a *Archive) find(ctx context.Context, name string, o *events.Origin) (string, history.History, error) {
	byName, byID := history.Keys(name, o)
	if byID != "" {
		h, err := a.readHistory(ctx, byID)
		if err != nil || len(h.Entries) > 0 {
			return byID, h, err
		}
	}
	h, err := a.readHistory(ctx, byName)
	switch {
	case err != nil:
		return "", h, err
	case byID != "" && h.Successor != "":
		return byID, history.History{}, nil
	case byID != "":
		return byID, h, nil
	case h.Successor != "":
		next := h.Successor
		h, err = a.readHistory(ctx, next)
		return next, h, err
	}
	return byName, h, nil
}

// changeHistory changes a history by compare-and-set.
func (a *Archive) changeHistory(ctx context.Context, name string, o *events.Origin, change func(*history.History) bool) error {
	key, known, err := a.find(ctx, name, o)
	if err != nil {
		return err
	}
	known.Name = name
	if o != nil {
		known.Repo, known.Ref = o.Repo.Name, o.Ref
	}
	err = a.updateHistory(ctx, key, known, change)
	byName, byID := history.Keys(name, o)
	if err != nil || byID == "" {
		return err
	}
	return a.updateHistory(ctx, byName, known, func(h *history.History) bool {
		if h.Successor == byID {
			return false
		}
		h.Successor = byID
		return true
	})
}

// updateHistory changes one document; fresh is what it begins with.
func (a *Archive) updateHistory(ctx context.Context, key string, fresh history.History, change func(*history.History) bool) error {
	return a.store.Update(ctx, key, "application/json", func(current []byte) ([]byte, error) {
		h := fresh
		if current != nil {
			h = history.History{}
			if err := json.Unmarshal(current, &h); err != nil {
				return nil, fmt.Errorf("decode history of %s: %w", fresh.Name, err)
			}
			h.Repo = fresh.Repo
		}
		if !change(&h) {
			return nil, nil
		}
		return json.Marshal(h)
	})
}
