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

// ledger keeps what became of each notice, which commit statuses are final,
// which shifts a target was told of, and which notices wait to be told
// together, in the bucket fiord-notices.
type ledger struct{ kv jetstream.KeyValue }

// The states of an entry.
const (
	stateSending  = "sending"
	stateWaiting  = "waiting" // for others to be told with
	stateSent     = "sent"
	stateFailed   = "failed"
	stateWithheld = "withheld"
)

// entry is one notice, by its id.
type entry struct {
	State  string    `json:"state"`
	Target string    `json:"target"`
	Event  string    `json:"event"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
	// Sequence of the delivery that it is about: an event that was given again
	// has another.
	Sequence uint64 `json:"sequence,omitempty"`
	// Silence that withheld it, Message that it was told under with others.
	Silence string `json:"silence,omitempty"`
	Message string `json:"message,omitempty"`
}

// givenUp tells that this very delivery has failed: its group was given up on,
// or giving up was interrupted.
func (e entry) givenUp(sequence uint64) bool {
	return e.State == stateFailed && e.Sequence == sequence
}

// begin enters a notice as being sent, unless it is known, and returns what was
// known of it before.
func (l ledger) begin(ctx context.Context, id string, e entry) (before entry, err error) {
	e.State, e.At = stateSending, time.Now().UTC()
	body, err := encode(e)
	if err != nil {
		return before, err
	}
	_, err = l.kv.Create(ctx, id, body)
	if err == nil {
		return before, nil
	}
	if !errors.Is(err, jetstream.ErrKeyExists) {
		return before, fmt.Errorf("enter notice: %w", err)
	}
	if _, err := l.load(ctx, id, &before); err != nil {
		return before, err
	}
	if before.State == stateFailed && before.Sequence != e.Sequence {
		// Somebody gave the event again: this is another try.
		if _, err := l.kv.Put(ctx, id, body); err != nil {
			return before, fmt.Errorf("enter notice: %w", err)
		}
	}
	return before, nil
}

// enter writes how a notice fares. Sent stands for good: whoever comes later
// with a worse end is late.
func (l ledger) enter(ctx context.Context, id string, e entry) error {
	e.At = time.Now().UTC()
	body, err := encode(e)
	if err != nil {
		return err
	}
	if _, err := l.kv.Put(ctx, id, body); err != nil {
		return fmt.Errorf("enter notice as %s: %w", e.State, err)
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

// load reads a key's JSON into v, which stays as it is if there is no such key;
// the revision is then 0.
func (l ledger) load(ctx context.Context, key string, v any) (revision uint64, err error) {
	found, err := l.kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look up %s: %w", key, err)
	}
	if err := json.Unmarshal(found.Value(), v); err != nil {
		return 0, fmt.Errorf("read %s: %w", key, err)
	}
	return found.Revision(), nil
}

// store writes v over whatever there is.
func (l ledger) store(ctx context.Context, key string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	if _, err := l.kv.Put(ctx, key, body); err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	return nil
}

// swap writes v if the key is still at the revision; false if it is not.
func (l ledger) swap(ctx context.Context, key string, v any, revision uint64) (bool, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return false, fmt.Errorf("encode %s: %w", key, err)
	}
	if revision == 0 {
		_, err = l.kv.Create(ctx, key, body)
	} else {
		_, err = l.kv.Update(ctx, key, body, revision)
	}
	if errors.Is(err, jetstream.ErrKeyExists) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("write %s: %w", key, err)
	}
	return true, nil
}

// markerTTL is how long the server keeps word that a key is gone: listing a group
// would read through all of them.
const markerTTL = time.Minute

// remove takes a key out.
func (l ledger) remove(ctx context.Context, key string) error {
	if err := l.kv.Purge(ctx, key, jetstream.PurgeTTL(markerTTL)); err != nil {
		return fmt.Errorf("remove %s: %w", key, err)
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
