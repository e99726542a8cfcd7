package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// maxTogether bounds what one target has in hand, and so what one message
	// tells; more stays in the stream.
	maxTogether = 1000
	// maxSwaps is how often a delivery tries to write a round that others write.
	maxSwaps = 8
)

var (
	errWaiting   = errors.New("waits to be told with others")
	errContended = errors.New("others write the state of the group")
)

// labels that notices can be grouped by.
var labels = []string{"type", "repo", "ref", "bench", "push"}

// ungrouped is Alertmanager's word for no aggregation.
const ungrouped = "..."

// label is a notice's value of one.
func label(n notice.Notice, name string) string {
	switch name {
	case "type":
		return string(n.Event.Type)
	case "bench":
		return n.Bench
	case "push":
		return n.Event.CorrelationID
	}
	if n.Commit == nil {
		return ""
	}
	if name == "ref" {
		return n.Commit.Ref
	}
	return n.Commit.Repo.Name
}

// member is a notice that waits, in full: whoever leads the round words it.
type member struct {
	Notice   notice.Notice `json:"notice"`
	Sequence uint64        `json:"sequence"`
}

// groupKey names a notice's group; its members' keys begin with it and a dot.
func (t *target) groupKey(n notice.Notice) string {
	parts := []string{t.name}
	for _, name := range t.group.by {
		parts = append(parts, name, label(n, name))
	}
	return "group." + events.HashID(parts...)
}

// together tells the target of a notice with the others of its group. It returns
// nil when that has been done; until then the event is put off, which keeps it in
// the target's queue and so needs no memory and no clock of this process.
func (t *target) together(ctx context.Context, d *bus.Delivery, n notice.Notice, waits bool) error {
	key := t.groupKey(n)
	if done, err := t.join(ctx, key, d.Sequence, n, waits); done || err != nil {
		return err
	}
	for range maxSwaps {
		var r round
		revision, err := t.ledger.load(ctx, key, &r)
		if err != nil {
			return bus.Unavailable(err)
		}
		m, wait, due := r.next(n.ID, t.group, t.giveUp, time.Now())
		switch m {
		case moveWait:
			return bus.RetryAfter(errWaiting, wait)
		case moveSend:
			return t.sendRound(ctx, key, r)
		case moveFinish:
			return t.finishRound(ctx, key, r)
		case moveOpen:
			if told, err := t.wasTold(ctx, n.ID); told || err != nil {
				return err // in a round that came and went meanwhile
			}
			r = r.open(due)
		case moveClose:
			waiting, err := t.members(ctx, key)
			if err != nil {
				return bus.Unavailable(err)
			}
			r = r.close(n.ID, ids(waiting), time.Now())
		}
		if _, err := t.ledger.swap(ctx, key, r, revision); err != nil {
			return bus.Unavailable(err)
		}
	}
	return bus.RetryAfter(errContended, time.Second)
}

// join makes the notice a member of its group. Done means that meanwhile it was
// told: the entry says so before the member's key goes, so a missing key with an
// entry that waits is one that was never written.
func (t *target) join(ctx context.Context, key string, sequence uint64, n notice.Notice, waits bool) (done bool, err error) {
	if !waits {
		if err := t.ledger.enter(ctx, n.ID, t.entry(stateWaiting, sequence, n)); err != nil {
			return false, bus.Unavailable(err)
		}
	} else {
		var found member
		revision, err := t.ledger.load(ctx, key+"."+n.ID, &found)
		if err != nil {
			return false, bus.Unavailable(err)
		}
		if revision != 0 {
			return false, nil
		}
		if told, err := t.wasTold(ctx, n.ID); told || err != nil {
			return told, err
		}
	}
	m := member{Notice: n, Sequence: sequence}
	m.Notice.Event.Data = nil // a message of many has no event of its own
	if err := t.ledger.store(ctx, key+"."+n.ID, m); err != nil {
		return false, bus.Unavailable(err)
	}
	return false, nil
}

// wasTold looks at a waiting notice's entry again.
func (t *target) wasTold(ctx context.Context, id string) (bool, error) {
	var now entry
	if _, err := t.ledger.load(ctx, id, &now); err != nil {
		return false, bus.Unavailable(err)
	}
	switch now.State {
	case stateSent:
		return true, nil
	case stateWaiting:
		return false, nil
	default: // its round was given up on just now
		return false, bus.RetryAfter(errContended, time.Second)
	}
}

// members are all that wait in a group.
func (t *target) members(ctx context.Context, key string) (list []member, err error) {
	w, err := t.ledger.kv.Watch(ctx, key+".*", jetstream.IgnoreDeletes())
	if err != nil {
		return nil, fmt.Errorf("list group: %w", err)
	}
	defer func() { _ = w.Stop() }()
	for {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("list group: %w", ctx.Err())
		case e, ok := <-w.Updates():
			if !ok {
				return nil, errors.New("list group: ended early")
			}
			if e == nil {
				return list, nil
			}
			var m member
			if err := json.Unmarshal(e.Value(), &m); err != nil {
				return nil, fmt.Errorf("read %s: %w", e.Key(), err)
			}
			list = append(list, m)
		}
	}
}

func ids(list []member) (ids []string) {
	for _, m := range list {
		ids = append(ids, m.Notice.ID)
	}
	return ids
}

// of leaves those that a closed round tells; who was given up on is gone.
func of(r round, list []member) []member {
	return slices.DeleteFunc(list, func(m member) bool { return !slices.Contains(r.Members, m.Notice.ID) })
}

// message is the id that a round's notices are told under: the same at every try.
func message(key string, r round) string { return events.HashID("message", key, r.Leader) }

// sendRound sends the message of a closed round and enters that it was taken.
func (t *target) sendRound(ctx context.Context, key string, r round) error {
	all, err := t.members(ctx, key)
	if err != nil {
		return bus.Unavailable(err)
	}
	list := of(r, all)
	notices := make([]notice.Notice, len(list))
	for i, m := range list {
		notices[i] = m.Notice
	}
	if len(notices) > 0 {
		if err := t.send(ctx, notice.Together(message(key, r), notices)); err != nil {
			return err
		}
	}
	r.Sent = true
	return t.finishRound(ctx, key, r)
}

// finishRound enters of each member that it was told, and makes the group idle.
// Whatever stops it on the way, the leader's next delivery goes on from there.
func (t *target) finishRound(ctx context.Context, key string, r round) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), roundTimeout)
	defer cancel()
	if err := t.ledger.store(ctx, key, r); err != nil {
		return bus.Unavailable(err)
	}
	all, err := t.members(ctx, key)
	if err != nil {
		return bus.Unavailable(err)
	}
	list := of(r, all)
	for _, m := range list {
		e := t.entry(stateSent, m.Sequence, m.Notice)
		if len(r.Members) > 1 {
			e.Message = message(key, r)
		}
		err := errors.Join(t.remember(ctx, m.Notice), t.ledger.enter(ctx, m.Notice.ID, e))
		if err == nil {
			err = t.leave(ctx, key, m.Notice.ID)
		}
		if err != nil {
			return bus.Unavailable(err)
		}
	}
	t.metrics.together.WithLabelValues(t.name).Observe(float64(len(list)))
	return unavailable(t.ledger.store(ctx, key, round{Told: time.Now().UTC()}))
}

// roundTimeout bounds entering what a message told.
const roundTimeout = time.Minute

// leave takes a member out of its group.
func (t *target) leave(ctx context.Context, key, id string) error {
	return t.ledger.remove(ctx, key+"."+id)
}

// disband is what the target owes when it is given up on for one notice: if that
// led a round, the message was the others' too, and they go the same way.
func (t *target) disband(ctx context.Context, n notice.Notice, reason string) error {
	key := t.groupKey(n)
	if err := t.leave(ctx, key, n.ID); err != nil {
		return err
	}
	var r round
	revision, err := t.ledger.load(ctx, key, &r)
	if err != nil || r.Leader != n.ID || r.Sent {
		return err
	}
	all, err := t.members(ctx, key)
	if err != nil {
		return err
	}
	for _, m := range of(r, all) {
		e := t.entry(stateFailed, m.Sequence, m.Notice)
		e.Reason = reason
		if err := errors.Join(t.ledger.enter(ctx, m.Notice.ID, e), t.release(ctx, m.Notice), t.leave(ctx, key, m.Notice.ID)); err != nil {
			return err
		}
	}
	_, err = t.ledger.swap(ctx, key, round{Told: r.Told}, revision)
	return err
}

func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return bus.Unavailable(err)
}

// checkLabels reports what notices cannot be grouped by.
func checkLabels(by []string) error {
	if slices.Equal(by, []string{ungrouped}) {
		return nil
	}
	for _, name := range by {
		if !slices.Contains(labels, name) {
			return fmt.Errorf("group_by: %q is none of %s; [%q] tells each alone", name, strings.Join(labels, ", "), ungrouped)
		}
	}
	return nil
}
