package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// An Announcer writes one host's records. It is safe for concurrent use.
type Announcer struct {
	kv jetstream.KeyValue

	mu       sync.Mutex
	token    string
	details  []byte    // as last written
	written  time.Time // when that was
	revision uint64    // of the last write; the bucket's revisions only grow
	refresh  time.Duration
}

// NewAnnouncer announces into the bucket.
func NewAnnouncer(kv jetstream.KeyValue) *Announcer {
	return &Announcer{kv: kv}
}

// Announce writes the host's beat and, when they changed, its details. Call it
// every BeatEvery, and at once when what the host runs has changed.
func (a *Announcer) Announce(ctx context.Context, h Host) error {
	if err := h.Validate(); err != nil {
		return err
	}
	details, err := encode(h.Details, maxDetailLen)
	if err != nil {
		return fmt.Errorf("announce %s: facts: %w", h.Name, err)
	}
	beat, err := encode(h.Beat, maxBeatSize)
	if err != nil {
		return fmt.Errorf("announce %s: beat: %w", h.Name, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.token = h.Token
	// Details go first: a reader that sees a host's first beat may place work
	// on it at once, and must not find it without facts.
	if !bytes.Equal(details, a.details) || time.Since(a.written) > a.refreshAfter(ctx) {
		if err := a.putDetails(ctx, details); err != nil {
			return err
		}
	}
	revision, err := a.kv.Put(ctx, BeatKey(h.Token), beat)
	if err != nil {
		return fmt.Errorf("announce %s: %w", h.Name, err)
	}
	if revision < a.revision {
		// The server restarted and its memory with it.
		return a.putDetails(ctx, details)
	}
	a.revision = revision
	return nil
}

// putDetails writes details and remembers them. The caller holds the lock.
func (a *Announcer) putDetails(ctx context.Context, details []byte) error {
	revision, err := a.kv.Put(ctx, DetailsKey(a.token), details)
	if err != nil {
		a.details = nil
		return fmt.Errorf("announce %s: facts: %w", a.token, err)
	}
	a.details, a.revision, a.written = details, revision, time.Now()
	return nil
}

// refreshAfter is when details are written again though they didn't change:
// well before the bucket lets them expire.
func (a *Announcer) refreshAfter(ctx context.Context) time.Duration {
	if a.refresh == 0 {
		status, err := a.kv.Status(ctx)
		if err != nil || status.TTL() <= 0 {
			return ForgetAfter / 3 // and ask again next time
		}
		a.refresh = status.TTL() / 3
	}
	return a.refresh
}

// Leave removes the host's records: it stopped on purpose and isn't lost.
func (a *Announcer) Leave(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token == "" {
		return nil
	}
	err := errors.Join(a.kv.Delete(ctx, BeatKey(a.token)), a.kv.Delete(ctx, DetailsKey(a.token)))
	if err != nil {
		return fmt.Errorf("leave registry: %w", err)
	}
	a.details = nil
	return nil
}
