package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/notify/notice"
)

// concurrency of one target; statuses go one by one, in order.
const concurrency = 4

// forgotten is when the server drops the queue of a target that was taken out
// of the configuration: as old as the oldest event.
const forgotten = 30 * 24 * time.Hour

// target is a reaction that tells one target.
type target struct {
	name, kind string
	giveUp     time.Duration
	pages      string
	filter     filter
	sender     sender
	ordered    bool
	breaker    breaker
	ledger     *ledger
	metrics    *metrics
}

func (t *target) reaction() bus.Reaction {
	return bus.Reaction{
		Service: "notify", Name: t.name,
		Types:  t.filter.types,
		Handle: t.handle, OnDead: t.dead,
		Concurrency: concurrency, Ordered: t.ordered,
		GiveUpAfter: t.giveUp,
		// A target that is new is not told of the past.
		OnlyNew: true, InactiveThreshold: forgotten,
	}
}

// handle tells the target of one event, once.
func (t *target) handle(ctx context.Context, d *bus.Delivery) error {
	n, ok := notice.Compose(t.name, d.Event, t.pages)
	if !ok {
		return bus.Permanent(fmt.Errorf("event type %s is nothing to tell of", d.Event.Type))
	}
	if !t.filter.wants(n) {
		t.metrics.skipped.WithLabelValues(t.name).Inc()
		return nil
	}
	before, err := t.ledger.begin(ctx, t.name, n)
	if err != nil {
		return bus.Unavailable(err)
	}
	if before != stateSent {
		if before == stateFailed && d.Replayed {
			return nil // given up on; that is told again by a redrive, not by a replay
		}
		if err := t.tell(ctx, n); err != nil {
			return err
		}
	}
	_, err = d.Emit(ctx, t.name, events.NoticeSent{Notice: t.about(n)})
	return err
}

// tell sends, unless a later word has been given, and enters the success.
func (t *target) tell(ctx context.Context, n notice.Notice) error {
	stale, err := t.outdated(ctx, n)
	if err != nil {
		return bus.Unavailable(err)
	}
	if !stale {
		if err := t.send(ctx, n); err != nil {
			return err
		}
	}
	// The notice is out: entering that must not fail because the service stops.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), enterTimeout)
	defer cancel()
	return t.ledger.finish(ctx, t.name, n, stateSent, "")
}

// enterTimeout bounds the entry that follows a sent notice.
const enterTimeout = 10 * time.Second

// outdated tells a pending status that comes after a final one: redrives and
// retries may bring it late.
func (t *target) outdated(ctx context.Context, n notice.Notice) (bool, error) {
	if !t.ordered || n.Status == nil {
		return false, nil
	}
	if n.Status.State.Final() {
		return false, t.ledger.settle(ctx, t.name, n)
	}
	return t.ledger.settled(ctx, t.name, n)
}

// send asks the target once, if its breaker allows, and says what a failure
// means for the event.
func (t *target) send(ctx context.Context, n notice.Notice) error {
	if ok, wait := t.breaker.allow(); !ok {
		return bus.Unavailable(fmt.Errorf("target %s is being spared for another %s", t.name, wait.Round(time.Second)))
	}
	start := time.Now()
	err := t.sender.Send(ctx, n)
	failure, _ := errors.AsType[*notice.SendError](err)
	t.breaker.report(failure != nil && failure.Outcome == notice.Away)
	t.metrics.sent(t.name, t.breaker.open(), err, time.Since(start))
	return disposition(err)
}

// disposition turns a sender's error into the bus's.
func disposition(err error) error {
	failure, ok := errors.AsType[*notice.SendError](err)
	if !ok {
		return err
	}
	switch failure.Outcome {
	case notice.Refused:
		return bus.Permanent(err)
	case notice.Busy:
		return bus.RetryAfter(err, failure.After)
	case notice.Away:
		return bus.Unavailable(err)
	default:
		return err
	}
}

// dead enters and tells that the target was given up on for this event.
func (t *target) dead(ctx context.Context, d *bus.Delivery, cause error) error {
	n, ok := notice.Compose(t.name, d.Event, t.pages)
	if !ok || !t.filter.wants(n) {
		return nil
	}
	before, err := t.ledger.begin(ctx, t.name, n)
	if err != nil || before == stateSent {
		return err
	}
	reason := notice.Cut(cause.Error(), 2000)
	if err := t.ledger.finish(ctx, t.name, n, stateFailed, reason); err != nil {
		return err
	}
	t.metrics.failed.WithLabelValues(t.name).Inc()
	_, err = d.Emit(ctx, t.name, events.NoticeFailed{Notice: t.about(n), Reason: reason})
	return err
}

// about is what an event says of the notice; addresses are not told.
func (t *target) about(n notice.Notice) events.Notice {
	return events.Notice{Notice: n.ID, Target: t.name, Kind: t.kind, Told: n.Event.ID, ToldType: string(n.Event.Type)}
}
