package plot

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
	"github.com/fiord-bench/fiord/verdict"
)

// second is the request for the second look at a bench, without its data. Its
// id follows from the bench alone, so that however often and by whomever it is
// published, it is one bench.
func (s *Service) second(bench string) events.Event {
	return events.New(s.bus.Source(), "confirm "+bench, nil, events.BenchRequested{})
}

// lookAgain decides about a bench in doubt once its second look has ended, and
// sees to it that there is one until then.
func (s *Service) lookAgain(ctx context.Context, d *bus.Delivery, p *events.Placement, doc doubt) (_ decision, over bool, err error) {
	if doc.Impossible != "" {
		made, err := s.unconfirmed(ctx, p, doc, "", doc.Impossible)
		return made, err == nil, err
	}
	id := events.BenchID(s.second(p.Bench))
	end, over, err := s.bus.Ended(ctx, events.BenchEndFilter(id))
	if err != nil {
		return decision{}, false, err
	}
	if !over {
		return decision{}, false, s.request(ctx, d, p.Bench, doc.Request)
	}
	switch end := end.Data.(type) {
	case events.BenchReported:
		made, err := s.confirm(ctx, p, doc, end)
		return made, err == nil, err
	case events.BenchUnplaced:
		made, err := s.unconfirmed(ctx, p, doc, id, "nobody could measure it again: "+end.Problems[0].Message)
		return made, err == nil, err
	case events.BenchCancelled:
		made, err := s.unconfirmed(ctx, p, doc, id, fmt.Sprintf("the second look was cancelled by %s: %s", end.By, end.Reason))
		return made, err == nil, err
	}
	return decision{}, false, bus.Permanent(fmt.Errorf("bench %s ended with %s", id, end.Type))
}

// request asks for the second look, unless that was archived: the stream tells
// repeated requests for some minutes only, and a replay may come in weeks.
func (s *Service) request(ctx context.Context, d *bus.Delivery, bench string, data events.BenchRequested) error {
	e := s.second(bench)
	_, err := s.archive.get(ctx, events.BenchID(e), "requested")
	if !errors.Is(err, artifacts.ErrNotFound) {
		return away(err)
	}
	e.Data = data
	e.CorrelationID, e.CausationID = cmp.Or(d.Event.CorrelationID, d.Event.ID), d.Event.ID
	e.TraceParent, e.TraceState = d.Event.TraceParent, d.Event.TraceState
	receipt, err := s.bus.Publish(ctx, e)
	if err == nil && !receipt.Duplicate {
		d.Log.Info("regressed at first, measuring again", "bench_id", bench, "confirmed_by", events.BenchID(e))
	}
	return err
}

// confirm decides by what the second look measured.
func (s *Service) confirm(ctx context.Context, p *events.Placement, doc doubt, end events.BenchReported) (decision, error) {
	measured, err := s.judged(ctx, end.Bench)
	if err != nil {
		return decision{}, err
	}
	if measured == nil {
		return s.unconfirmed(ctx, p, doc, end.Bench, end.Headline)
	}
	result, told := verdict.Confirm(doc.First.result(), end.Bench, doc.look(*measured), s.options(p))
	return s.ruled(ctx, p, doc, result, told)
}

// unconfirmed decides about a bench whose second look cannot be had.
func (s *Service) unconfirmed(ctx context.Context, p *events.Placement, doc doubt, second, reason string) (decision, error) {
	result, told := verdict.Impossible(doc.First.result(), second, clip(reason, 500))
	return s.ruled(ctx, p, doc, result, told)
}

// ruled is the final decision about a bench that was in doubt.
func (s *Service) ruled(ctx context.Context, p *events.Placement, doc doubt, r verdict.Result, told events.Confirmation) (decision, error) {
	made := doc.First.ruled(r)
	told.Reason = clip(told.Reason, maxHeadline)
	made.Confirmation = &told
	return s.told(ctx, p, made)
}

// look sorts what the second look measured by sides, under the names that the
// job files had at the first.
func (d doubt) look(measured verdict.Bench) verdict.Second {
	look := verdict.Second{Of: d.Of, Stored: d.Stored, Before: verdict.Bench{Bench: measured.Bench}, After: verdict.Bench{Bench: measured.Bench, Counts: measured.Counts}}
	for _, r := range measured.Runs {
		i := slices.IndexFunc(d.Request.Jobs, func(j events.Job) bool { return j.Name == r.Job })
		if i < 0 {
			continue
		}
		var side events.Side
		if side, r.Job = d.Request.Jobs[i].Cut(); side == events.SideBefore {
			look.Before.Runs = append(look.Before.Runs, r)
		} else {
			look.After.Runs = append(look.After.Runs, r)
		}
	}
	return look
}

// judgeSecond judges a bench that confirms another by what it was asked to look
// at: its own report says what it saw, the other's what follows from that.
func (s *Service) judgeSecond(ctx context.Context, p *events.Placement, made decision) (decision, error) {
	first := p.Request.Confirms
	doc, err := s.doubtOf(ctx, first)
	if err != nil {
		return made, err
	}
	if doc == nil {
		return made.ruled(verdict.Result{Verdict: events.VerdictInconclusive, Headline: "Bench " + first + ", which this one is to confirm, is in no doubt."}), nil
	}
	made.Baseline = doc.First.Baseline
	r := doc.look(made.Bench).Judge(s.options(p))
	r.Headline = "Second look at bench " + first + ". " + r.Headline
	return made.ruled(r), nil
}

// confirmed reacts to the end of a bench that confirms another, which waits for
// that.
func (s *Service) confirmed(ctx context.Context, d *bus.Delivery) error {
	first := confirms(d.Event.Data)
	if first == "" {
		return nil
	}
	if err := s.archive.put(ctx, d.Event, d.Stored); err != nil {
		return err
	}
	return s.settle(ctx, d, first)
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

// confirmNothing is owed when what follows from a second look cannot be told:
// the first bench must not wait for ever.
func (s *Service) confirmNothing(ctx context.Context, d *bus.Delivery, cause error) error {
	if first := confirms(d.Event.Data); first != "" {
		return s.reportInvalid(ctx, d, first, cause)
	}
	return nil
}

// cancelSecond passes the command to stop a bench on to its second look, and
// ends the bench, if it waits for one.
func (s *Service) cancelSecond(ctx context.Context, d *bus.Delivery, p *events.Placement, c events.CancelRequested) error {
	doc, err := s.doubted(ctx, p)
	if err != nil || doc == nil {
		return err
	}
	_, err = d.Emit(ctx, "second", events.CancelRequested{
		Bench: events.BenchID(s.second(p.Bench)), By: c.By, SupersededBy: c.SupersededBy, QueuedOnly: c.QueuedOnly, Requester: c.Requester,
		Reason: clip("it confirms bench "+p.Bench+", which was cancelled: "+c.Reason, maxHeadline),
	})
	if err != nil {
		return err
	}
	return s.settle(ctx, d, p.Bench)
}

// askedWithin is how long after the command to stop a second look its request
// may still come.
const askedWithin = 30 * time.Second

// neverAsked waits for the request of a second look that is to stop. There may
// be none: the doubt is stored before it is asked for, and the command may come
// in between.
func neverAsked(d *bus.Delivery, c events.CancelRequested) error {
	if sinceStored(d) < askedWithin {
		return bus.RetryAfter(fmt.Errorf("cancel bench %s: it has not been asked for", c.Bench), time.Second)
	}
	return nil
}
