package follow

import (
	"context"
	"sync"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// Follow reads a bench's events from the stream's sequence from on, and its
// progress, until its end has been seen or ctx ends. changed is called after
// each piece of news, never twice at a time; the Bench is its to read then.
func Follow(ctx context.Context, b *bus.Bus, id string, from uint64, changed func(*Bench)) (*Bench, error) {
	bench := New(id)
	ended := make(chan struct{})
	var mu sync.Mutex
	apply := func(news func() bool) {
		mu.Lock()
		defer mu.Unlock()
		if bench.End != nil || !news() {
			return
		}
		changed(bench)
		if bench.End != nil {
			close(ended)
		}
	}
	live, err := b.WatchLive(ctx, id, func(p events.Progress) {
		apply(func() bool { bench.Show(p); return true })
	})
	if err != nil {
		return nil, err
	}
	defer live.Stop()
	view, err := b.Watch(ctx, bus.View{
		Types: Types(), FromSequence: from,
		See: func(_ context.Context, s bus.Seen) { apply(func() bool { return bench.Apply(s.Event) }) },
	})
	if err != nil {
		return nil, err
	}
	defer view.Stop()
	select {
	case <-ended:
		return bench, nil
	case <-ctx.Done():
		return bench, ctx.Err()
	}
}

// Load reads what is known of a bench now.
func Load(ctx context.Context, b *bus.Bus, id string) (*Bench, []bus.Seen, error) {
	bench := New(id)
	var chain []bus.Seen
	err := read(ctx, b, func(s bus.Seen) {
		if bench.Apply(s.Event) {
			chain = append(chain, s)
		}
	})
	return bench, chain, err
}
