package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/nats-io/nats.go/jetstream"
)

// ledger keeps what became of each notice, and which commit statuses are final,
// in the bucket fiord-notices.
type ledger struct{ kv jetstream.KeyValue }

// The states of an entry.
const (
	stateSending = "sending"
	stateSent    = "sent"
	stateFailed  = "failed"
)

// entry is one notice, by its id.
type entry struct {
	State  string    `json:"state"`
	Target string    `json:"target"`
	Event  string    `json:"event"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
}

// begin enters a notice as being sent and returns what was known of it before.
func (l ledger) begin(ctx context.Context, target string, n notice.Notice) (before string, err error) {
	body, err := encode(entry{State: stateSending, Target: target, Event: n.Event.ID, At: time.Now().UTC()})
	if err != nil {
		return "", err
	}
	_, err = l.kv.Create(ctx, n.ID, body)
	if err == nil {
		return "", nil
	}
	if !errors.Is(err, jetstream.ErrKeyExists) {
		return "", fmt.Errorf("enter notice: %w", err)
	}
	found, err := l.kv.Get(ctx, n.ID)
	if err != nil {
		return "", fmt.Errorf("look up notice: %w", err)
	}
	var known entry
	if err := json.Unmarshal(found.Value(), &known); err != nil {
		return "", fmt.Errorf("read notice %s: %w", n.ID, err)
	}
	return known.State, nil
}

// finish enters how it went. Sent stands for good: whoever comes later with a
// worse end is late.
func (l ledger) finish(ctx context.Context, target string, n notice.Notice, state, reason string) error {
	body, err := encode(entry{State: state, Target: target, Event: n.Event.ID, At: time.Now().UTC(), Reason: reason})
	if err != nil {
		return err
	}
	if _, err := l.kv.Put(ctx, n.ID, body); err != nil {
		return fmt.Errorf("enter notice as %s: %w", state, err)
	}
	return nil
}

// statusKey names the statuses of one context of one bench or push at a target.
func statusKey(target string, n notice.Notice) string {
	return "status-" + events.HashID(target, n.Commit.Repo.Name, n.Commit.SHA, n.Status.Context, n.Status.About)
}

// settled tells whether a final status was written before.
func (l ledger) settled(ctx context.Context, target string, n notice.Notice) (bool, error) {
	_, err := l.kv.Get(ctx, statusKey(target, n))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up status: %w", err)
	}
	return true, nil
}

// settle enters that a final status is about to be written. It comes before the
// writing: a pending status that is late must find it.
func (l ledger) settle(ctx context.Context, target string, n notice.Notice) error {
	if _, err := l.kv.Put(ctx, statusKey(target, n), []byte(n.ID)); err != nil {
		return fmt.Errorf("enter status: %w", err)
	}
	return nil
}

func encode(e entry) ([]byte, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode notice: %w", err)
	}
	return body, nil
}
