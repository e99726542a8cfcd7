package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/plot/archive"
	"github.com/fiord-bench/fiord/verdict"
)

// confirming is the request for the bench that confirms another, without its data.
// Its id follows from that bench alone: however often and by which replica it is
// published, it is one bench.
func (r *Reporter) confirming(bench string) events.Event {
	return events.New(r.bus.Source(), "confirm "+bench, nil, events.BenchRequested{})
}

// confirm decides about a bench once the one that confirms it has ended, and
// requests that until then.
func (r *Reporter) confirm(ctx context.Context, d *bus.Delivery, p *events.Placement, doc confirmation) (_ archive.Decision, over bool, err error) {
	if doc.Impossible != "" {
		made, err := r.unconfirmed(ctx, p, doc, "", doc.Impossible)
		return made, err == nil, err
	}
	id := events.BenchID(r.confirming(p.Bench))
	end, over, err := r.bus.Ended(ctx, events.BenchEndFilter(id))
	if err != nil {
		return archive.Decision{}, false, err
	}
	if wait := time.Until(doc.NotBefore); !over && wait > 0 {
		return archive.Decision{}, false, bus.RetryAfter(fmt.Errorf("bench %s is measured again in a session of its own", p.Bench), wait)
	}
	if !over {
		return archive.Decision{}, false, r.requestConfirmation(ctx, d, p.Bench, doc.Request)
	}
	switch end := end.Data.(type) {
	case events.BenchReported:
		made, err := r.decideBy(ctx, p, doc, end)
		return made, err == nil, err
	case events.BenchUnplaced:
		made, err := r.unconfirmed(ctx, p, doc, id, "it could not be measured again: "+end.Problems[0].Message)
		return made, err == nil, err
	case events.BenchCancelled:
		made, err := r.unconfirmed(ctx, p, doc, id, fmt.Sprintf("the confirming bench was cancelled by %s: %s", end.By, end.Reason))
		return made, err == nil, err
	}
	return archive.Decision{}, false, bus.Permanent(fmt.Errorf("bench %s ended with %s", id, end.Type))
}

// requestConfirmation publishes the request, unless it was archived: the stream
// recognises repeated requests for some minutes only, and a replay may come weeks
// later.
func (r *Reporter) requestConfirmation(ctx context.Context, d *bus.Delivery, bench string, data events.BenchRequested) error {
	e := r.confirming(bench)
	_, err := r.archive.Get(ctx, events.BenchID(e), archive.Requested)
	if !errors.Is(err, artifacts.ErrNotFound) {
		return bus.ForStore(err)
	}
	e.Data = data
	e.CorrelationID, e.CausationID = cmp.Or(d.Event.CorrelationID, d.Event.ID), d.Event.ID
	e.TraceParent, e.TraceState = d.Event.TraceParent, d.Event.TraceState
	receipt, err := r.bus.Publish(ctx, e)
	if err == nil && !receipt.Duplicate {
		d.Log.Info("regressed at first, measuring again", "bench_id", bench, "confirmed_by", events.BenchID(e))
	}
	return err
}

// decideBy decides by what the confirming bench measured.
func (r *Reporter) decideBy(ctx context.Context, p *events.Placement, doc confirmation, end events.BenchReported) (archive.Decision, error) {
	measured, err := r.archive.Measured(ctx, end.Bench)
	if err != nil {
		return archive.Decision{}, err
	}
	if measured == nil {
		return r.unconfirmed(ctx, p, doc, end.Bench, end.Headline)
	}
	second := doc.sides(*measured)
	if second.Differs, err = r.environmentsDiffer(ctx, end.Bench, doc.First.Baseline); err != nil {
		return archive.Decision{}, err
	}
	result, outcome := verdict.Confirm(doc.First.Result(), end.Bench, second, r.options(p))
	return r.conclude(ctx, p, doc, result, outcome)
}

// unconfirmed decides about a bench that cannot be confirmed.
func (r *Reporter) unconfirmed(ctx context.Context, p *events.Placement, doc confirmation, second, reason string) (archive.Decision, error) {
	result, outcome := verdict.Impossible(doc.First.Result(), second, events.Clip(reason, 500))
	return r.conclude(ctx, p, doc, result, outcome)
}

// conclude is the final decision about a bench that was to be confirmed.
func (r *Reporter) conclude(ctx context.Context, p *events.Placement, doc confirmation, result verdict.Result, outcome events.Confirmation) (archive.Decision, error) {
	made := doc.First.With(result)
	outcome.Reason = events.Clip(outcome.Reason, events.MaxHeadline)
	made.Confirmation = &outcome
	return r.inHistory(ctx, p, made)
}

// sides sorts what the confirming bench measured by sides, under the names that the
// job files had before.
func (d confirmation) sides(measured verdict.Bench) verdict.Second {
	sorted := verdict.Second{Of: d.Of, Stored: d.Stored, Same: d.Same, Before: verdict.Bench{Bench: measured.Bench}, After: verdict.Bench{Bench: measured.Bench, Counts: measured.Counts}}
	for _, r := range measured.Runs {
		i := slices.IndexFunc(d.Request.Jobs, func(j events.Job) bool { return j.Name == r.Job })
		if i < 0 {
			continue
		}
		var side events.Side
		if side, r.Job = d.Request.Jobs[i].Cut(); side == events.SideBefore {
			sorted.Before.Runs = append(sorted.Before.Runs, r)
		} else {
			sorted.After.Runs = append(sorted.After.Runs, r)
		}
	}
	return sorted
}

// judgeConfirming judges a bench that confirms another by what it was requested to
// measure: its own report states what it found, the other's what follows from that.
func (r *Reporter) judgeConfirming(ctx context.Context, p *events.Placement, made archive.Decision) (archive.Decision, error) {
	first := p.Request.Confirms
	doc, err := r.readConfirmation(ctx, first)
	if err != nil {
		return made, err
	}
	if doc == nil {
		return made.With(verdict.Result{Verdict: events.VerdictInconclusive, Headline: "Bench " + first + ", which this one is to confirm, needs no confirmation."}), nil
	}
	made.Baseline = doc.First.Baseline
	found := doc.sides(made.Bench).Judge(r.options(p))
	found.Headline = "Second look at bench " + first + ". " + found.Headline
	return made.With(found), nil
}

// Confirmed reacts to the end of a bench that confirms another, which waits for
// that.
func (r *Reporter) Confirmed(ctx context.Context, d *bus.Delivery) error {
	first := confirms(d.Event.Data)
	if first == "" {
		return nil
	}
	if err := r.archive.Put(ctx, d.Original()); err != nil {
		return err
	}
	return r.endIfComplete(ctx, d, first)
}

// confirms is the bench that a bench which has ended was to confirm.
func confirms(end events.Data) string {
	switch end := end.(type) {
	case events.BenchReported:
		return end.Confirms
	case events.BenchUnplaced:
		return end.Confirms
	case events.BenchCancelled:
		return end.Confirms
	}
	return ""
}

// ConfirmNothing is owed when what follows from a confirming bench cannot be
// decided: the first bench must not wait for ever.
func (r *Reporter) ConfirmNothing(ctx context.Context, d *bus.Delivery, cause error) error {
	if first := confirms(d.Event.Data); first != "" {
		return r.reportInvalid(ctx, d, first, cause)
	}
	return nil
}
