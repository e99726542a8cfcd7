package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// missing says what is not there and what makes it.
func missing(kind, name string, err error) error {
	if errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrBucketNotFound) || errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fmt.Errorf("%s %s is not there: fiord provision makes streams and buckets, each service its consumers", kind, name)
	}
	return fmt.Errorf("look up %s %s: %w", kind, name, err)
}

// readyState looks for what every service needs besides the events: a place for what
// is given up on, the memory of attempts, and the buckets that it has opened. A
// verifier needs the list of grants that were taken back.
func (b *Bus) readyState(ctx context.Context) error {
	used := map[string]bool{BucketAttempts: true}
	if b.opts.Verifier != nil {
		used[BucketTakenBack] = true
	}
	b.mu.Lock()
	maps.Copy(used, b.opened)
	b.mu.Unlock()
	names := []string{StreamDead}
	for _, bucket := range slices.Sorted(maps.Keys(used)) {
		names = append(names, "KV_"+bucket)
	}
	return each(names, func(name string) error {
		if _, err := b.js.Stream(ctx, name); err != nil {
			return missing("stream", name, err)
		}
		return nil
	})
}

// uses notes that a bucket is used here.
func (b *Bus) uses(bucket string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.opened == nil {
		b.opened = map[string]bool{}
	}
	b.opened[bucket] = true
}

// readyConsumers looks at the consumers of the reactions that run here.
func (b *Bus) readyConsumers(ctx context.Context) error {
	b.mu.Lock()
	var durables []string
	for name := range b.reactions {
		durables = append(durables, name)
	}
	b.mu.Unlock()
	slices.Sort(durables)
	return each(durables, func(name string) error {
		c, err := b.js.Consumer(ctx, StreamEvents, name)
		if err != nil {
			return missing("consumer", name, err)
		}
		if info := c.CachedInfo(); info.Paused {
			return fmt.Errorf("consumer %s is paused for %s more: nats consumer resume %s %s", name, info.PauseRemaining.Round(time.Second), StreamEvents, name)
		}
		return nil
	})
}

// each looks at several things side by side.
func each(names []string, look func(string) error) error {
	errs := make([]error, len(names))
	var looking sync.WaitGroup
	for i, name := range names {
		looking.Go(func() { errs[i] = look(name) })
	}
	looking.Wait()
	return errors.Join(errs...)
}

// running notes that a reaction is handled here until the returned function is
// called.
func (b *Bus) running(durable string) (ended func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reactions == nil {
		b.reactions = map[string]bool{}
	}
	b.reactions[durable] = true
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.reactions, durable)
	}
}
