package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// KeyValue opens a bucket; from then on [Bus.Ready] looks whether it is there. A
// guest's WatchAll reads what the bucket holds, entry by entry, and looks for news
// every second: there is no consumer behind it. Other ways to watch or list are not
// a guest's.
func (b *Bus) KeyValue(ctx context.Context, bucket string) (jetstream.KeyValue, error) {
	kv, err := b.js.KeyValue(ctx, bucket)
	if err != nil {
		return nil, err
	}
	b.uses(bucket)
	if b.opts.Guest == "" {
		return kv, nil
	}
	stream, err := b.js.Stream(ctx, "KV_"+bucket)
	if err != nil {
		return nil, err
	}
	return guestKeys{kv, stream}, nil
}

type guestKeys struct {
	jetstream.KeyValue
	stream jetstream.Stream
}

// guestKeysPause is the pause between two looks for news.
const guestKeysPause = time.Second

// WatchAll is [jetstream.KeyValue]'s, without its options.
func (k guestKeys) WatchAll(ctx context.Context, opts ...jetstream.WatchOpt) (jetstream.KeyWatcher, error) {
	if len(opts) > 0 {
		return nil, errors.New("watch bucket: a guest has no options")
	}
	ctx, stop := context.WithCancel(ctx)
	w := &guestWatcher{updates: make(chan jetstream.KeyValueEntry, 64), stop: stop}
	go w.run(ctx, k)
	return w, nil
}

type guestWatcher struct {
	updates chan jetstream.KeyValueEntry
	stop    context.CancelFunc
	err     error
}

func (w *guestWatcher) Updates() <-chan jetstream.KeyValueEntry { return w.updates }
func (w *guestWatcher) Stop() error                             { w.stop(); return nil }

// Error is what ended the watch; it is set before the updates are closed.
func (w *guestWatcher) Error() error { return w.err }

func (w *guestWatcher) run(ctx context.Context, k guestKeys) {
	defer close(w.updates)
	prefix := "$KV." + k.Bucket() + "."
	next, caughtUp := uint64(1), false
	for {
		msg, err := k.stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject(prefix+">"))
		switch {
		case err == nil:
			next = msg.Sequence + 1
			if !w.send(ctx, guestEntry{k.Bucket(), strings.TrimPrefix(msg.Subject, prefix), msg}) {
				return
			}
			continue
		case !errors.Is(err, jetstream.ErrMsgNotFound):
			w.err = fmt.Errorf("read bucket %s: %w", k.Bucket(), err)
			return
		case !caughtUp:
			caughtUp = true
			if !w.send(ctx, nil) {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(guestKeysPause):
		}
	}
}

func (w *guestWatcher) send(ctx context.Context, e jetstream.KeyValueEntry) bool {
	select {
	case w.updates <- e:
		return true
	case <-ctx.Done():
		return false
	}
}

// guestEntry is a stored message as an entry of its bucket.
type guestEntry struct {
	bucket, key string
	msg         *jetstream.RawStreamMsg
}

func (e guestEntry) Bucket() string     { return e.bucket }
func (e guestEntry) Key() string        { return e.key }
func (e guestEntry) Value() []byte      { return e.msg.Data }
func (e guestEntry) Revision() uint64   { return e.msg.Sequence }
func (e guestEntry) Created() time.Time { return e.msg.Time }
func (e guestEntry) Delta() uint64      { return 0 }

func (e guestEntry) Operation() jetstream.KeyValueOp {
	switch first(e.msg.Header, "KV-Operation") {
	case "DEL":
		return jetstream.KeyValueDelete
	case "PURGE":
		return jetstream.KeyValuePurge
	}
	if first(e.msg.Header, jetstream.MarkerReasonHeader) != "" {
		return jetstream.KeyValuePurge
	}
	return jetstream.KeyValuePut
}
