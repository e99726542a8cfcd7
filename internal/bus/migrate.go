package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// move takes keys from a bucket in which they stood beside others of another
// meaning to one of their own.
type move struct {
	from, keys string // keys as a filter
	to         string
	rename     func(key string) string
}

// moves lead from the layout of versions before, in which bench counted starts in
// the bucket of attempts at events, and plot what it had drawn in the tally.
//
// Arrivals at a common start, also among the attempts once, are not moved: what
// counts of them is when they were written, and they are over within a minute.
func moves() []move {
	return []move{
		{BucketTally, "*.*.drawn", BucketDrawn, func(key string) string { return strings.TrimSuffix(key, ".drawn") }},
		{BucketAttempts, "starts.*", BucketStarts, func(key string) string { return strings.TrimPrefix(key, "starts.") }},
	}
}

// migrate brings keys to the buckets they belong to. It may run any number of
// times: keys that are at their new place already stay as they are there.
func (b *Bus) migrate(ctx context.Context) error {
	for _, m := range moves() {
		if err := b.move(ctx, m); err != nil {
			return fmt.Errorf("move %s from bucket %s to %s: %w", m.keys, m.from, m.to, err)
		}
	}
	return nil
}

func (b *Bus) move(ctx context.Context, m move) error {
	stream, err := b.js.Stream(ctx, "KV_"+m.from)
	if err != nil {
		return err
	}
	info, err := stream.Info(ctx)
	if err != nil {
		return err
	}
	moved, err := b.copyKeys(ctx, m)
	if err != nil || moved == 0 {
		return err
	}
	b.log.Info("moved keys of the layout before", "keys", moved, "from", m.from, "to", m.to)
	// What a worker of the version before has written meanwhile stays, for the
	// next time.
	return stream.Purge(ctx, jetstream.WithPurgeSubject("$KV."+m.from+"."+m.keys), jetstream.WithPurgeSequence(info.State.LastSeq+1))
}

// copyKeys returns how many keys there were.
func (b *Bus) copyKeys(ctx context.Context, m move) (n int, err error) {
	from, err := b.js.KeyValue(ctx, m.from)
	if err != nil {
		return 0, err
	}
	to, err := b.js.KeyValue(ctx, m.to)
	if err != nil {
		return 0, err
	}
	watch, err := from.WatchFiltered(ctx, []string{m.keys}, jetstream.IgnoreDeletes())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, watch.Stop()) }()
	for {
		select {
		case <-ctx.Done():
			return n, ctx.Err()
		case entry := <-watch.Updates():
			if entry == nil {
				return n, nil // that was all
			}
			if _, err := to.Create(ctx, m.rename(entry.Key()), entry.Value()); err != nil && !errors.Is(err, jetstream.ErrKeyExists) {
				return n, err
			}
			n++
		}
	}
}
