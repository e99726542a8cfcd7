package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Read returns all hosts of the bucket as they are now.
func Read(ctx context.Context, kv jetstream.KeyValue, cfg ViewConfig) ([]Sighting, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	view := NewView(kv, cfg)
	ended := make(chan error, 1)
	go func() { ended <- view.Run(ctx) }()
	select {
	case <-view.Ready():
		hosts := view.Hosts()
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			return nil, fmt.Errorf("read registry of hosts: %w", err)
		}
		return hosts, nil
	case err := <-ended:
		return nil, fmt.Errorf("read registry of hosts: %w", err)
	}
}
