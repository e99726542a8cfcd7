package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The bucket of what was taken back holds an entry per key, signed by the authority:
// who may write there can add none, and only the operator may.

// voidedPause and voidedGuestPause are the pauses between two looks for what was
// taken back meanwhile.
const (
	voidedPause      = 2 * time.Second
	voidedGuestPause = 20 * time.Second
)

// FollowTakenBack reads which grants were taken back, waiting until the bucket
// answers, and goes on doing so until ctx ends. It does nothing without a verifier.
func (b *Bus) FollowTakenBack(ctx context.Context) error {
	if b.opts.Verifier == nil {
		return nil
	}
	next, warned := uint64(1), false
	for {
		var err error
		if next, err = b.readTakenBack(ctx, next); err == nil {
			break
		}
		if !warned {
			b.log.Warn("waiting for the list of grants that were taken back: fiord provision makes it", "bucket", BucketTakenBack, "error", err)
			warned = true
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("read bucket %s: %w", BucketTakenBack, err)
		case <-time.After(orderPause):
		}
	}
	pause := voidedPause
	if b.opts.Guest != "" {
		pause = voidedGuestPause
	}
	go func() {
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			var err error
			if next, err = b.readTakenBack(ctx, next); err != nil {
				b.log.Debug("list of grants that were taken back not read", "error", err)
			}
		}
	}()
	return nil
}

// readTakenBack reads the list from a sequence of its bucket on and returns where to
// go on.
func (b *Bus) readTakenBack(ctx context.Context, next uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, b.opts.PublishTimeout)
	defer cancel()
	stream, err := b.js.Stream(ctx, "KV_"+BucketTakenBack)
	if err != nil {
		return next, err
	}
	for {
		msg, err := stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject("$KV."+BucketTakenBack+".>"))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return next, nil
		}
		if err != nil {
			return next, err
		}
		next = msg.Sequence + 1
		if err := b.opts.Verifier.Void(string(msg.Data)); err != nil {
			b.log.Warn("an entry of the list of grants that were taken back is not the authority's", "subject", msg.Subject, "error", err)
		}
	}
}

// TakeBack puts an entry of the authority's on the list, see [proof.Authority.Void].
func (b *Bus) TakeBack(ctx context.Context, key, entry string) error {
	kv, err := b.js.KeyValue(ctx, BucketTakenBack)
	if err != nil {
		return fmt.Errorf("look up bucket %s: %w", BucketTakenBack, err)
	}
	if old, err := kv.Get(ctx, key); err == nil && string(old.Value()) == entry {
		return nil
	}
	if _, err := kv.PutString(ctx, key, entry); err != nil {
		return fmt.Errorf("take back what was granted to %s: %w", key, err)
	}
	return nil
}
