// Package bustest gives tests a real NATS server with JetStream in their own
// process, ready in milliseconds and without a port.
package bustest

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/natsd"
)

// Server is a NATS server of one test.
type Server struct {
	t      testing.TB
	nsd    *natsd.Server
	dir    string
	synced bool
}

// NewServer starts a server that ends with the test. Its streams are
// provisioned.
func NewServer(t testing.TB) *Server { t.Helper(); return newServer(t, false) }

// NewSyncedServer is NewServer with every message on disk before it is
// acknowledged, as fiord up runs it.
func NewSyncedServer(t testing.TB) *Server { t.Helper(); return newServer(t, true) }

func newServer(t testing.TB, synced bool) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir(), synced: synced}
	s.start()
	t.Cleanup(func() { s.nsd.Close() })
	if err := s.Bus("fiord/test").Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// New is a bus of a fresh server, publishing as fiord/test.
func New(t testing.TB) *bus.Bus {
	t.Helper()
	return NewServer(t).Bus("fiord/test")
}

func (s *Server) start() {
	s.t.Helper()
	nsd, err := natsd.Start(natsd.Options{StoreDir: s.dir, Port: -1, Synced: s.synced})
	if err != nil {
		s.t.Fatal(err)
	}
	s.nsd = nsd
}

// Bus connects another bus, as one more service or replica would.
func (s *Server) Bus(source string) *bus.Bus {
	s.t.Helper()
	return s.BusWith(bus.Options{Source: source})
}

// BusWith connects another bus with options of the test's; Conn is set here.
func (s *Server) BusWith(opts bus.Options) *bus.Bus {
	s.t.Helper()
	opts.Conn = s.Connect()
	if opts.Log == nil {
		opts.Log = slog.New(slog.NewTextHandler(testWriter{s.t}, &slog.HandlerOptions{Level: slog.LevelInfo}))
	}
	b, err := bus.New(opts)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// Connect opens a connection that ends with the test.
func (s *Server) Connect(opts ...nats.Option) *nats.Conn {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	nc, err := bus.Connect(ctx, bus.Connection{Name: s.t.Name(), Extra: append(opts, nats.InProcessServer(s))})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(nc.Close)
	return nc
}

// testWriter sends log lines to the test, which prints them only if it fails.
type testWriter struct{ t testing.TB }

// Write logs one line. A handler that outlives its test by a moment must not
// bring the process down, hence the recover.
func (w testWriter) Write(line []byte) (int, error) {
	defer func() { _ = recover() }()
	w.t.Logf("%s", line)
	return len(line), nil
}

// Restart stops the server and starts it again over the same streams. Clients
// in this process reconnect to the new one.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	s.start()
}

// Stop stops the server; Restart brings it back.
func (s *Server) Stop() { s.nsd.Close() }

// InProcessConn dials the server that runs now; it is what lets clients find
// the one after a restart.
func (s *Server) InProcessConn() (net.Conn, error) { return s.nsd.NATS().InProcessConn() }
