// Package accesstest starts real NATS servers on which each user has the rights
// that were declared for it and no more, for tests that they suffice and bind.
package accesstest

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/natsd"
)

// Operator is the user who may do everything; each server has one.
const Operator = "operator"

// Server is a provisioned server with one user per party.
type Server struct {
	t    testing.TB
	nsd  *natsd.Server
	keys map[string]nkeys.KeyPair
	log  locked
}

// NewServer starts a server with these users until the test ends.
func NewServer(t testing.TB, users map[string]*server.Permissions) *Server {
	t.Helper()
	s := &Server{t: t, keys: map[string]nkeys.KeyPair{}}
	list := []*server.NkeyUser{s.user(Operator, nil)}
	for name, rights := range users {
		list = append(list, s.user(name, rights))
	}
	nsd, err := natsd.Start(natsd.Options{StoreDir: t.TempDir(), Port: -1, Users: list})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nsd.Close)
	s.nsd = nsd
	if err := s.Bus("fiord/" + Operator).Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *Server) user(name string, rights *server.Permissions) *server.NkeyUser {
	s.t.Helper()
	pair, err := nkeys.CreateUser()
	if err != nil {
		s.t.Fatal(err)
	}
	s.keys[name] = pair
	return &server.NkeyUser{Nkey: s.public(name), Permissions: rights}
}

func (s *Server) public(name string) string {
	s.t.Helper()
	pair, ok := s.keys[name]
	if !ok {
		s.t.Fatalf("no user %q on this server", name)
	}
	public, err := pair.PublicKey()
	if err != nil {
		s.t.Fatal(err)
	}
	return public
}

// Bus connects as the user that the source fiord/<user> names.
func (s *Server) Bus(source string) *bus.Bus {
	s.t.Helper()
	return s.BusWith(bus.Options{Source: source})
}

// BusWith is Bus with options; the connection is made here.
func (s *Server) BusWith(o bus.Options) *bus.Bus {
	s.t.Helper()
	user := strings.TrimPrefix(o.Source, "fiord/")
	c := bus.Connection{
		Name: user, Log: slog.New(slog.NewTextHandler(&s.log, nil)),
		Extra: []nats.Option{nats.Nkey(s.public(user), s.keys[user].Sign), s.nsd.InProcess()},
	}
	if user != Operator {
		c.InboxPrefix = access.InboxPrefix(user)
	}
	nc, err := bus.Connect(s.t.Context(), c)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(nc.Close)
	o.Conn = nc
	b, err := bus.New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// ExpectNoViolation fails the test if a user was refused anything so far.
func (s *Server) ExpectNoViolation() {
	s.t.Helper()
	if log := s.log.String(); strings.Contains(strings.ToLower(log), "permission") {
		s.t.Errorf("the declared rights do not suffice:\n%s", log)
	}
}

// locked takes log lines of several goroutines.
type locked struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
