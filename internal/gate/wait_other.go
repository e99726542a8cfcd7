//go:build unix && !linux

package gate

import (
	"context"
	"time"
)

// retry is how often a waiter tries where nothing can wake it.
const retry = 50 * time.Millisecond

type watcher struct{}

func watch(string) (*watcher, error) { return &watcher{}, nil }

func (*watcher) wait(ctx context.Context, retry time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(retry):
		return nil
	}
}

func (*watcher) close() {}
