// Package accesstest starts real NATS servers on which each user has the rights
// that were declared for it and no more, for tests that they suffice and bind.
package accesstest

import (
	"bytes"
	"crypto/sha256"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/fiord-bench/fiord/events"
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

// NewServer starts a server with these users until the test ends. Bench hosts and
// people, known by their names, are guests with an account of their own.
func NewServer(t testing.TB, users map[string]*server.Permissions) *Server {
	t.Helper()
	s := &Server{t: t, keys: map[string]nkeys.KeyPair{}}
	list := []natsd.User{s.user(Operator, nil)}
	for name, rights := range users {
		list = append(list, s.user(name, rights))
	}
	nsd, err := natsd.Start(natsd.Options{StoreDir: t.TempDir(), Port: -1, Users: list})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nsd.Close)
	s.nsd = nsd
	b := s.Bus("fiord/" + Operator)
	if err := b.Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ServeConsumers(); err != nil { // as any service does
		t.Fatal(err)
	}
	return s
}

func (s *Server) user(name string, rights *server.Permissions) natsd.User {
	s.t.Helper()
	s.keys[name] = pair(s.t, name)
	u := natsd.User{NKey: NKey(s.t, name), Permissions: rights}
	if IsGuest(name) {
		u.Account = name
	}
	if strings.HasPrefix(name, "bench") {
		u.Answers = access.Answers()
	}
	return u
}

// IsGuest tells whether a user of that name gets an account of its own.
func IsGuest(name string) bool {
	return strings.HasPrefix(name, "bench") || strings.HasPrefix(name, "pe")
}

func pair(t testing.TB, name string) nkeys.KeyPair {
	t.Helper()
	raw := sha256.Sum256([]byte(name))
	pair, err := nkeys.FromRawSeed(nkeys.PrefixByteUser, raw[:])
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// NKey is the public key of the user of that name, the same on every server.
func NKey(t testing.TB, name string) string {
	t.Helper()
	public, err := pair(t, name).PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func (s *Server) public(name string) string {
	s.t.Helper()
	if s.keys[name] == nil {
		s.t.Fatalf("no user %q on this server", name)
	}
	return NKey(s.t, name)
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
	if strings.HasPrefix(user, "pe") {
		c.InboxPrefix = access.InboxPrefix(events.People)
	}
	if IsGuest(user) {
		o.Guest = s.public(user)
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
