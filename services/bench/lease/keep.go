package lease

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// renewals of a lease within its TTL: so many may fail but one.
const renewals = 6

// finishPatience is how long giving a lease back may take. What is not given
// back expires.
const finishPatience = 2 * time.Second

// Tokens are the fencing tokens by device.
func (l *Lease) Tokens() map[string]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[string]uint64, len(l.grants))
	for _, g := range l.grants {
		out[g.device] = g.token
	}
	return out
}

// Deadline is until when the holder may use the devices.
func (l *Lease) Deadline() Clock {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.deadline
}

// Keep renews until ctx ends, which gives nil, or until the lease is lost or
// may be, which gives ErrLost. extended gets each new deadline.
func (l *Lease) Keep(ctx context.Context, extended func(Clock)) error {
	every := l.keeper.ttl / renewals
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := l.extend(ctx, every)
		switch {
		case err == nil:
			extended(l.Deadline())
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ErrLost):
			return err
		case l.Deadline().Until() <= 0:
			return fmt.Errorf("%w: it could not be renewed in time: %w", ErrLost, err)
		}
	}
}

// extend renews every grant, in at most the time given.
func (l *Lease) extend(ctx context.Context, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost || l.deadline.Until() <= 0 {
		l.lost = true // it may be another's by now: too late to extend
		return ErrLost
	}
	deadline := l.keeper.deadline()
	for i := range l.grants {
		if err := l.keeper.renew(ctx, &l.grants[i], l.value); err != nil {
			l.lost = l.lost || errors.Is(err, ErrLost)
			return err
		}
	}
	l.deadline = deadline
	return nil
}

// Finish gives the devices back after their use has ended. nil says that the
// lease held until then, so that what was measured counts. When the server
// cannot be asked, the host's own clock decides.
func (l *Lease) Finish(ctx context.Context) error {
	held := l.Deadline().Until() > 0
	lost, err := l.giveBack(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case lost || l.lost:
		return ErrLost
	case err != nil && !held:
		return fmt.Errorf("%w: its time is over, and the server does not answer: %w", ErrLost, err)
	default:
		return nil
	}
}

// giveBack removes the keys that are still ours. lost reports that one was not;
// err, that the server does not answer.
func (l *Lease) giveBack(ctx context.Context) (lost bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, finishPatience)
	defer cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.grants {
		g, kv := &l.grants[i], l.keeper.kv
		e := l.keeper.ifOurs(ctx, g, l.value, func() error {
			return kv.Delete(ctx, g.device, jetstream.LastRevision(g.revision))
		})
		if errors.Is(e, ErrLost) {
			lost = true
		} else {
			err = errors.Join(err, e)
		}
	}
	return lost, err
}
