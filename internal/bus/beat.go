package bus

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// beats keeps the messages in a reaction's hands alive: one clock for all, so
// that an event that is handled at once costs an entry in a map and no timer.
type beats struct {
	mu    sync.Mutex
	alive map[jetstream.Msg]struct{}
}

func (b *beats) add(msg jetstream.Msg) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.alive[msg] = struct{}{}
}

func (b *beats) remove(msg jetstream.Msg) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.alive, msg)
}

func (b *beats) snapshot() []jetstream.Msg {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]jetstream.Msg, 0, len(b.alive))
	for msg := range b.alive {
		list = append(list, msg)
	}
	return list
}

// run beats for every message in hand until ctx ends. One that has been settled
// since is left alone.
func (b *beats) run(ctx context.Context, every time.Duration, failed func(error)) {
	clock := time.NewTicker(every)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
		}
		for _, msg := range b.snapshot() {
			if err := msg.InProgress(); err != nil && !errors.Is(err, jetstream.ErrMsgAlreadyAckd) {
				failed(err)
			}
		}
	}
}
