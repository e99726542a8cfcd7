package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/post"
	"github.com/fiord-bench/fiord/services/notify/silence"
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
	undecided  notice.State  // of what shows nothing either way; empty for the notice's own
	ordered    bool          // a forge: statuses in order
	comments   commenter     // nil where pull requests get no comments
	once       bool          // of each shift
	repeat     time.Duration // of a shift that lasts; 0 for never
	group      grouping
	silenced   bool // takes silences
	silences   *silence.View
	breaker    breaker
	ledger     *ledger
	metrics    *metrics
	log        *slog.Logger
}

func (t *target) reaction() bus.Reaction {
	r := bus.Reaction{
		Service: "notify", Name: t.name,
		Types:  t.filter.types,
		Handle: t.handle, OnDead: t.dead,
		Concurrency: concurrency, Ordered: t.ordered,
		GiveUpAfter: t.giveUp,
		// A target that is new is not told of the past.
		OnlyNew: true, InactiveThreshold: forgotten,
	}
	if t.group.by != nil {
		r.MaxAckPending = maxTogether
	}
	return r
}

// handle tells the target of one event, once.
func (t *target) handle(ctx context.Context, d *bus.Delivery) error {
	n, ok, err := t.compose(ctx, d)
	if err != nil || !ok {
		return err
	}
	before, err := t.ledger.begin(ctx, n.ID, t.entry(stateSending, d.Sequence, n))
	if err != nil {
		return bus.Unavailable(err)
	}
	switch {
	case before.State == stateSent, before.State == stateWithheld:
		return t.announce(ctx, d, n, before)
	case before.State == stateFailed && d.Replayed:
		return nil // given up on; that is told again by a redrive, not by a replay
	case before.givenUp(d.Sequence):
		return bus.Permanent(errors.New(before.Reason))
	}
	after := t.entry(stateSent, d.Sequence, n)
	if before.State != stateWaiting {
		after.Reason, after.Silence, err = t.withhold(ctx, n)
		if err != nil {
			return err
		}
		if after.Reason != "" {
			after.State = stateWithheld
			t.metrics.withheld.WithLabelValues(t.name).Inc()
			if err := t.ledger.enter(ctx, n.ID, after); err != nil {
				return bus.Unavailable(err)
			}
			return t.announce(ctx, d, n, after)
		}
	}
	if t.group.by == nil {
		err = t.tell(ctx, n, after)
	} else if err = t.together(ctx, d, n, before.State == stateWaiting); err == nil {
		_, err = t.ledger.load(ctx, n.ID, &after) // which message it was in
	}
	if err != nil {
		return err
	}
	return t.announce(ctx, d, n, after)
}

// compose words the event, if the target wants it.
func (t *target) compose(ctx context.Context, d *bus.Delivery) (n notice.Notice, wanted bool, err error) {
	n, ok := notice.Compose(t.name, d.Event, t.pages)
	if !ok {
		return n, false, bus.Permanent(fmt.Errorf("event type %s is nothing to tell of", d.Event.Type))
	}
	if err := t.recall(ctx, &n); err != nil {
		return n, false, bus.Unavailable(err)
	}
	if !t.filter.wants(n) {
		t.metrics.skipped.WithLabelValues(t.name).Inc()
		return n, false, nil
	}
	return n, true, nil
}

// announce publishes what became of a notice.
func (t *target) announce(ctx context.Context, d *bus.Delivery, n notice.Notice, e entry) error {
	about := t.about(n)
	about.Message = e.Message
	var data events.Data = events.NoticeSent{Notice: about}
	if e.State == stateWithheld {
		data = events.NoticeWithheld{Notice: about, Reason: notice.Cut(e.Reason, 2000), Silence: e.Silence}
	}
	_, err := d.Emit(ctx, t.name, data)
	return err
}

// tell sends, unless a later word has been given, and enters the success.
func (t *target) tell(ctx context.Context, n notice.Notice, after entry) error {
	stale, err := t.outdated(ctx, n)
	if err != nil {
		return bus.Unavailable(err)
	}
	if !stale {
		if err := t.send(ctx, n); err != nil {
			return err
		}
		if err := t.comment(ctx, n); err != nil {
			return err
		}
	}
	// The notice is out: entering that must not fail because the service stops.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), enterTimeout)
	defer cancel()
	return errors.Join(t.hold(ctx, n), t.remember(ctx, n), t.ledger.enter(ctx, n.ID, after))
}

// entry is one of the ledger about a notice to this target.
func (t *target) entry(state string, sequence uint64, n notice.Notice) entry {
	return entry{State: state, Target: t.name, Event: n.Event.ID, Sequence: sequence}
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

// send asks the target to take a notice.
func (t *target) send(ctx context.Context, n notice.Notice) error {
	return t.ask(func() error {
		err := t.sender.Send(ctx, n.WithUndecided(t.undecided))
		if t.ordered {
			err = post.Hint(err)
		}
		return err
	})
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
	if !slices.Contains(notice.Types(), d.Event.Type) {
		return nil
	}
	n, wanted, err := t.compose(ctx, d)
	if err != nil || !wanted {
		return err
	}
	e := t.entry(stateFailed, d.Sequence, n)
	before, err := t.ledger.begin(ctx, n.ID, e)
	if err != nil || before.State == stateSent || before.State == stateWithheld {
		return err
	}
	e.Reason = notice.Cut(cause.Error(), 2000)
	if err := errors.Join(t.ledger.enter(ctx, n.ID, e), t.release(ctx, n)); err != nil {
		return err
	}
	if t.group.by != nil {
		if err := t.disband(ctx, n, e.Reason); err != nil {
			return err
		}
	}
	t.metrics.failed.WithLabelValues(t.name).Inc()
	t.log.Error("somebody was not told", "target", t.name, "notice", n.ID, "title", n.Title, "error", e.Reason,
		"see", "fiord dead ls --reaction notify-"+t.name)
	_, err = d.Emit(ctx, t.name, events.NoticeFailed{Notice: t.about(n), Reason: e.Reason})
	return err
}

// about is what an event says of the notice; addresses are not told.
func (t *target) about(n notice.Notice) events.Notice {
	return events.Notice{Notice: n.ID, Target: t.name, Kind: t.kind, Told: n.Event.ID, ToldType: string(n.Event.Type)}
}
