package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Attempt is one try at an event that did not succeed.
type Attempt struct {
	At time.Time `json:"at"`
	// Delivery counts from 1.
	Delivery int    `json:"delivery"`
	Error    string `json:"error"`
	// PutOff tells that it does not count: the handler asked for a later time.
	PutOff bool `json:"put_off,omitempty"`
}

// history is what is remembered of an unsettled event between deliveries. The
// last attempts are kept, and how many were only put off.
type history struct {
	Attempts []Attempt `json:"attempts"`
	PutOff   int       `json:"put_off"`
}

const keepAttempts = 20

func attemptKey(durable string, seq uint64) string {
	return fmt.Sprintf("%s.%d", ownToken(durable), seq)
}

// remember adds an attempt. Losing it costs a line of the dead letter or makes
// a postponement count; neither is worth failing for.
func (b *Bus) remember(ctx context.Context, durable string, d *Delivery, cause error, putOff bool) {
	h, err := b.history(ctx, durable, d.Sequence)
	if err == nil {
		if putOff {
			h.PutOff++
		}
		h.Attempts = append(h.Attempts, Attempt{At: time.Now().UTC(), Delivery: d.Attempt, Error: truncate(cause.Error(), 1024), PutOff: putOff})
		if n := len(h.Attempts) - keepAttempts; n > 0 {
			h.Attempts = h.Attempts[n:]
		}
		err = b.storeHistory(ctx, durable, d.Sequence, h)
	}
	if err != nil {
		d.Log.Warn("attempt not remembered", "error", err)
	}
}

func (b *Bus) storeHistory(ctx context.Context, durable string, seq uint64, h history) error {
	kv, err := b.js.KeyValue(ctx, BucketAttempts)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(h)
	if err != nil {
		return err
	}
	_, err = kv.Put(ctx, attemptKey(durable, seq), raw)
	return err
}

// snoozed is how many deliveries of an event were only put off.
func (b *Bus) snoozed(ctx context.Context, durable string, seq uint64) int {
	h, err := b.history(ctx, durable, seq)
	if err != nil {
		return 0
	}
	return h.PutOff
}

func (b *Bus) history(ctx context.Context, durable string, seq uint64) (history, error) {
	var h history
	kv, err := b.js.KeyValue(ctx, BucketAttempts)
	if err != nil {
		return h, err
	}
	entry, err := kv.Get(ctx, attemptKey(durable, seq))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	return h, json.Unmarshal(entry.Value(), &h)
}

func truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "…"
}
