package artifacts

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// retry calls fn until it succeeds, fails for good, the attempts are used up or
// ctx ends. Only [ErrUnavailable] is worth another try. The error is fn's last,
// named with op and key.
func (s *Store) retry(ctx context.Context, op, key string, fn func(ctx context.Context) error) error {
	var err error
	for attempt := range s.cfg.Attempts {
		if attempt > 0 && !pause(ctx, s.cfg.Backoff, attempt) {
			break
		}
		if err = fn(ctx); err == nil {
			return nil
		}
		if !errors.Is(classOf(err), ErrUnavailable) || ctx.Err() != nil {
			break
		}
	}
	return opError(op, key, err)
}

// pause waits before the given attempt (1 = the second try): up to first,
// doubled each time, capped, with full jitter so that clients of one recovering
// server do not return together. It reports false when ctx ended first.
func pause(ctx context.Context, first time.Duration, attempt int) bool {
	longest := max(min(first<<min(attempt-1, 16), maxBackoff), time.Millisecond)
	timer := time.NewTimer(rand.N(longest)) // #nosec G404 -- jitter
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
