package embedded

import (
	"net"
	"sync"

	"github.com/gofiber/fiber/v3"
)

// underway are the connections on which a request is being answered. The gateway stops
// waiting for them some seconds after it was asked to end, and goes on serving them: on
// a connection that stays, a client would be answered by a server whose files are closed.
type underway struct {
	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

// handle is a middleware.
func (u *underway) handle(ctx fiber.Ctx) error {
	conn := ctx.RequestCtx().Conn()
	if conn == nil {
		return ctx.Next()
	}
	u.mu.Lock()
	if u.closed {
		u.mu.Unlock()
		ctx.RequestCtx().SetConnectionClose()
		return ctx.SendStatus(fiber.StatusServiceUnavailable)
	}
	if u.conns == nil {
		u.conns = map[net.Conn]struct{}{}
	}
	u.conns[conn] = struct{}{}
	u.mu.Unlock()
	defer func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.conns, conn)
	}()
	return ctx.Next()
}

// cut closes the connections of all requests that are under way, and those of later
// ones with their answer.
func (u *underway) cut() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	for conn := range u.conns {
		_ = conn.Close() // its client meets the end either way
	}
}
