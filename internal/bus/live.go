package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
)

// Live shows progress. It waits for no acknowledgement and may be lost: the
// next one, a second later, replaces it.
func (b *Bus) Live(p events.Progress) error {
	if p.At.IsZero() {
		p.At = time.Now().UTC()
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("write progress: %w", err)
	}
	if err := b.nc.Publish(p.Subject(), raw); err != nil {
		return fmt.Errorf("show progress: %w", err)
	}
	return nil
}

// WatchLive calls see with the latest progress of each run of a bench, or of
// all benches if bench is empty, and with each that follows.
func (b *Bus) WatchLive(ctx context.Context, bench string, see func(events.Progress)) (*Subscription, error) {
	cfg := jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{events.LiveFilter(bench)},
		DeliverPolicy:  jetstream.DeliverLastPerSubjectPolicy,
	}
	show := func(msg jetstream.Msg) {
		var p events.Progress
		if err := json.Unmarshal(msg.Data(), &p); err != nil {
			b.log.Debug("unreadable progress", "subject", msg.Subject(), "error", err)
			return
		}
		see(p)
	}
	if b.opts.Guest != "" {
		g := &guestView{bus: b, stream: StreamLive, cfg: cfg}
		if err := g.open(ctx); err != nil {
			return nil, err
		}
		return b.goOn(ctx, g, func(_ context.Context, msg parcel, _ *jetstream.MsgMetadata) { show(msg) }), nil
	}
	consumer, err := b.js.OrderedConsumer(ctx, StreamLive, cfg)
	if err != nil {
		return nil, fmt.Errorf("watch progress: %w", err)
	}
	running, err := consumer.Consume(show)
	if err != nil {
		return nil, fmt.Errorf("watch progress: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	s := &Subscription{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		<-ctx.Done()
		running.Stop()
		<-running.Closed()
	}()
	return s, nil
}
