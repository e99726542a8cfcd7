package bus

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// session follows the connection for a subscription. A request that waits for
// events when the connection is lost would wait for heartbeats that never come;
// its context ends at once instead, so that it is asked again as soon as there is
// somebody to ask.
type session struct {
	nc  *nats.Conn
	mu  sync.Mutex
	ctx context.Context //nolint:containedctx // it is what a session is: it ends with each connection
	end context.CancelFunc
}

// follow starts a session that lasts until ctx ends.
func (b *Bus) follow(ctx context.Context) *session {
	s := &session{nc: b.nc}
	s.ctx, s.end = context.WithCancel(ctx)
	lost := b.nc.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	go func() {
		defer b.nc.RemoveStatusListener(lost)
		defer s.renew(ctx)
		for {
			select {
			case <-ctx.Done():
				return
			case <-lost:
				s.renew(ctx)
			}
		}
	}()
	return s
}

// renew ends what is under way and lets the next begin.
func (s *session) renew(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	s.ctx, s.end = context.WithCancel(ctx)
}

// current is the context of a request made now.
func (s *session) current() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ctx
}

// connectedPause is the pause between two looks at the connection.
const connectedPause = 50 * time.Millisecond

// pause waits for lostWait, and then until there is a connection, or ctx ends.
func (s *session) pause(ctx context.Context) {
	for wait := lostWait; ; wait = connectedPause {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if s.nc.IsConnected() {
			return
		}
	}
}
