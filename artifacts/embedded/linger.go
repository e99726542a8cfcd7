package embedded

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/gofiber/fiber/v3"
)

// linger reads what a client still sends of a request that is answered already, such
// as the body of an object whose key is taken. A server that closes instead makes the
// client's kernel discard the answer: the client meets a reset while it writes, and
// never learns that it was refused. The gateway reads 256 KiB for that reason, and only
// while the client pauses no longer than a second; a log of fio is larger, and a busy
// machine slower.
type linger struct {
	idle  time.Duration // the longest pause of a client that still sends
	total time.Duration // the longest time for one request, however fast the client
}

// lingering has the limits of nginx's lingering_timeout and lingering_time, with more
// patience for pauses.
func lingering() linger { return linger{idle: 10 * time.Second, total: 30 * time.Second} }

// handle is a middleware.
func (l linger) handle(ctx fiber.Ctx) error {
	defer l.drain(ctx)
	return ctx.Next()
}

// drain reads the rest of a body of known length. What a limit leaves unread ends the
// connection, by the gateway.
func (l linger) drain(ctx fiber.Ctx) {
	body := ctx.Request().BodyStream()
	if body == nil || ctx.Request().Header.ContentLength() <= 0 {
		return // read whole before, or of a length that only its end says
	}
	conn := ctx.RequestCtx().Conn()
	if conn == nil {
		return
	}
	rest := &impatient{body: body, conn: conn, idle: l.idle, end: time.Now().Add(l.total)}
	_, _ = io.Copy(io.Discard, rest)      // how it ends shows in the next read
	_ = conn.SetReadDeadline(time.Time{}) // the next request may take its time
}

// impatient fails a read that waits for too long.
type impatient struct {
	body io.Reader
	conn net.Conn
	idle time.Duration
	end  time.Time
}

var errLingered = errors.New("client sends for too long")

// Read implements [io.Reader].
func (i *impatient) Read(p []byte) (int, error) {
	now := time.Now()
	if !now.Before(i.end) {
		return 0, errLingered // also where all that is read stands in a buffer
	}
	deadline := now.Add(i.idle)
	if deadline.After(i.end) {
		deadline = i.end
	}
	if err := i.conn.SetReadDeadline(deadline); err != nil {
		return 0, err
	}
	return i.body.Read(p)
}
