package report

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/plot/archive"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// Cancel reacts to the command to stop a bench. A placed bench ends by its
// runs, each of which has an end, or with its confirmation if it waits for one;
// one that is not placed, and now will not be, is ended here.
func (r *Reporter) Cancel(ctx context.Context, d *bus.Delivery) error {
	c, err := bus.As[events.CancelRequested](d)
	if err != nil {
		return err
	}
	if err := r.archive.Put(ctx, d.Original()); err != nil {
		return err
	}
	if _, over, err := r.bus.Ended(ctx, events.BenchEndFilter(c.Bench)); err != nil || over {
		return err
	}
	p, err := r.placement(ctx, c.Bench)
	if err != nil {
		return err
	}
	if p != nil {
		return r.cancelConfirmation(ctx, d, p, c)
	}
	if wait := r.opt.Grace - sinceStored(d); wait > 0 {
		return bus.RetryAfter(errors.New("the bench may be being placed"), wait)
	}
	asked, err := r.archive.Get(ctx, c.Bench, archive.Requested)
	if errors.Is(err, artifacts.ErrNotFound) {
		if d.Event.Source == r.bus.Source() {
			return neverRequested(d, c)
		}
		return fmt.Errorf("cancel bench %s: it was never requested", c.Bench)
	}
	if err != nil {
		return bus.ForStore(err)
	}
	request, ok := asked.Event.Data.(events.BenchRequested)
	if !ok {
		return bus.Permanent(fmt.Errorf("cancel bench %s: its archived request is of %s", c.Bench, asked.Event.Type))
	}
	_, err = d.End(ctx, "", events.BenchCancelled{Bench: c.Bench, Name: request.Name, Reason: c.Reason, By: c.By, Origin: request.Origin, Confirms: request.Confirms})
	return err
}

// CancelAnyway is owed when a cancellation cannot be dealt with: a bench that
// was requested and is not placed must not wait for ever.
func (r *Reporter) CancelAnyway(ctx context.Context, d *bus.Delivery, _ error) error {
	c, err := bus.As[events.CancelRequested](d)
	if err != nil {
		return nil // no command, so nothing waits
	}
	b, known := r.model.Bench(c.Bench)
	if !known || b.Name == "" {
		return nil // there is no request for that bench
	}
	if p, err := r.placement(ctx, c.Bench); err != nil || p != nil {
		return err // a placed bench ends by its runs
	}
	_, err = d.End(ctx, "dead", events.BenchCancelled{Bench: c.Bench, Name: b.Name, Reason: c.Reason, By: c.By, Origin: b.Origin, Confirms: b.Confirms})
	return err
}

// endCancelled ends a bench that was cancelled, and reports whether it was.
func (r *Reporter) endCancelled(ctx context.Context, d *bus.Delivery, b model.Bench, waiting bool) (bool, error) {
	c, err := r.cancelled(ctx, b, waiting)
	if err != nil || c == nil {
		return false, err
	}
	_, err = d.End(ctx, "", *c)
	return true, err
}

// cancelled returns the end of a bench of which runs were cancelled; nil if
// none was. Runs that no worker was there to cancel have expired instead. A
// bench whose runs all ended before the command reached them is reported like
// any other, unless it waits to be confirmed: then that is not wanted either.
func (r *Reporter) cancelled(ctx context.Context, b model.Bench, waiting bool) (*events.BenchCancelled, error) {
	end := events.BenchCancelled{Bench: b.ID, Name: b.Name, Counts: b.Counts(), Origin: b.Origin}
	if b.Placed != nil {
		end.Confirms = b.Placed.Confirms
	}
	for _, r := range b.Runs {
		if c := r.Cancelled; c != nil && !c.NotNeeded() {
			end.Reason, end.By = c.Reason, c.By
			return &end, nil
		}
	}
	if end.Counts.Expired == 0 && !waiting {
		return nil, nil
	}
	c, asked, err := r.bus.Cancelled(ctx, b.ID)
	if err != nil || !asked {
		return nil, err
	}
	end.Reason, end.By = c.Reason, c.By
	return &end, nil
}

// cancelConfirmation passes the command to stop a bench on to the one that
// confirms it, and ends the bench, if it waits for that.
func (r *Reporter) cancelConfirmation(ctx context.Context, d *bus.Delivery, p *events.Placement, c events.CancelRequested) error {
	doc, err := r.confirmation(ctx, p)
	if err != nil || doc == nil {
		return err
	}
	_, err = d.Emit(ctx, "second", events.CancelRequested{
		Bench: events.BenchID(r.confirming(p.Bench)), By: c.By, SupersededBy: c.SupersededBy, QueuedOnly: c.QueuedOnly, Requester: c.Requester,
		Reason: events.Clip("it confirms bench "+p.Bench+", which was cancelled: "+c.Reason, events.MaxHeadline),
	})
	if err != nil {
		return err
	}
	return r.endIfComplete(ctx, d, p.Bench)
}

// requestWithin is how long after the command to stop a confirming bench its request
// may still come.
const requestWithin = 30 * time.Second

// neverRequested waits for the request of a confirming bench that is to stop. There
// may be none: the confirmation is stored before it is requested, and the command
// may come in between.
func neverRequested(d *bus.Delivery, c events.CancelRequested) error {
	if sinceStored(d) < requestWithin {
		return bus.RetryAfter(fmt.Errorf("cancel bench %s: it has not been asked for", c.Bench), time.Second)
	}
	return nil
}
