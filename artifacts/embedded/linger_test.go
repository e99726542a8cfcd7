package embedded

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
)

// dial connects to a server and ends the test's reads and writes at some time.
func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	return c
}

// announce sends the header of a PUT.
func announce(t *testing.T, c net.Conn, size int) {
	t.Helper()
	if _, err := fmt.Fprintf(c, "PUT /bench/key HTTP/1.1\r\nHost: s3\r\nContent-Length: %d\r\n\r\n", size); err != nil {
		t.Fatal(err)
	}
}

// A refusal is decided when the header is read. The client that still sends a body far
// larger than the buffers between, and pauses, has it nonetheless, and can go on.
func TestARefusedClientThatStillSendsHasItsAnswer(t *testing.T) {
	s, err := Start(t.Context(), Options{Dir: t.TempDir(), Bucket: "bench", AccessKey: "root", SecretKey: "root-secret"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := dial(t, s.addr)
	answers := bufio.NewReader(c)
	for range 2 { // the second on the same connection
		part := make([]byte, 4<<20)
		announce(t, c, 4*len(part))
		for i := range 4 {
			if i == 2 {
				time.Sleep(1500 * time.Millisecond) // longer than the gateway's own patience
			}
			if _, err := c.Write(part); err != nil {
				t.Fatalf("after %d MiB: %v", 4*i, err)
			}
		}
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusForbidden || !strings.Contains(string(body), "<Code>AccessDenied</Code>") {
			t.Errorf("%s, %v, %s", resp.Status, err, body)
		}
	}
}

// refusing serves what answers before it reads.
func refusing(t *testing.T, l linger) (addr string) {
	t.Helper()
	app := fiber.New(fiber.Config{StreamRequestBody: true})
	app.Use("/", l.handle)
	app.Put("/bench/key", func(ctx fiber.Ctx) error { return ctx.SendStatus(http.StatusPreconditionFailed) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- app.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() {
		_ = app.ShutdownWithTimeout(time.Second)
		if err := <-served; err != nil {
			t.Errorf("serving ended: %v", err)
		}
	})
	return listener.Addr().String()
}

func TestLingeringIsBounded(t *testing.T) {
	for name, tt := range map[string]struct {
		limits linger
		send   func(c net.Conn)
	}{
		"for a client that stops sending": {linger{idle: 100 * time.Millisecond, total: time.Hour}, func(net.Conn) {}},
		"for a client that never ends": {linger{idle: time.Hour, total: 300 * time.Millisecond}, func(c net.Conn) {
			for {
				if _, err := c.Write(make([]byte, 1024)); err != nil {
					return
				}
				time.Sleep(time.Millisecond)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, refusing(t, tt.limits))
			announce(t, c, 1<<40)
			if _, err := c.Write(make([]byte, 16<<10)); err != nil { // what is read ahead
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				tt.send(c)
			}()
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != http.StatusPreconditionFailed {
				t.Error(resp.Status)
			}
			_ = c.Close()
			<-ended
		})
	}
}
