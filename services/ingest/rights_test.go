package ingest_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/natsd"
	"github.com/fiord-bench/fiord/services/ingest"
)

// guarded is a server on which ingest has its own rights and no more, and a
// user who may do everything.
func guarded(t *testing.T, violations *slog.Logger) func(user string) *bus.Bus {
	t.Helper()
	pairs := map[string]nkeys.KeyPair{}
	var users []*server.NkeyUser
	for user, rights := range map[string]*server.Permissions{"ingest": ingest.Needs(ingest.DefaultConfig()).Permissions(), "test": nil} {
		pair, err := nkeys.CreateUser()
		if err != nil {
			t.Fatal(err)
		}
		public, err := pair.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		pairs[user] = pair
		users = append(users, &server.NkeyUser{Nkey: public, Permissions: rights})
	}
	nsd, err := natsd.Start(natsd.Options{StoreDir: t.TempDir(), Port: -1, Users: users})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nsd.Close)
	connect := func(user string) *bus.Bus {
		public, err := pairs[user].PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		c := bus.Connection{Name: user, Log: violations, Extra: []nats.Option{nsd.InProcess(), nats.Nkey(public, pairs[user].Sign)}}
		if user == "ingest" {
			c.InboxPrefix = access.InboxPrefix(user)
		}
		nc, err := bus.Connect(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		b, err := bus.New(bus.Options{Conn: nc, Source: "fiord/" + user})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if err := connect("test").Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	return connect
}

// lockedBuffer takes log lines of several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// TestDeclaredRightsSuffice runs everything that ingest does with the rights
// that it declares: pushes, supersession, schedules, approvals, and dead letters.
func TestDeclaredRightsSuffice(t *testing.T) {
	var log lockedBuffer
	s := newSiteOn(t, guarded(t, slog.New(slog.NewTextHandler(&log, nil))))
	c := s.repository("jobs", s.replica(func(cfg *ingest.Config) { cfg.ReconcileEvery = 100 * time.Millisecond }))
	c.write("fiord.yaml", "version: 1\non: {push: {}, schedule: [\"0 3 * * *\"]}\nbenches: [{name: a, jobs: [jobs/randread.fio]}]\n")
	benchAsked(t, s, c, "refs/heads/topic", jobFile)
	benchAsked(t, s, c, "refs/heads/topic", jobFile+"bs=8k\n")
	s.await(events.TypeCancelRequested)
	benchAsked(t, s, c, "refs/heads/main", jobFile+"bs=16k\n") // keeps the schedule
	s.approve(events.HashID("nothing"))
	b := s.bus("test")
	eventually(t, func() bool {
		for _, err := range b.DeadLetters(t.Context(), "ingest-approve") {
			return err == nil
		}
		return false
	})
	if strings.Contains(strings.ToLower(log.String()), "permission") {
		t.Errorf("ingest lacks rights:\n%s", log.String())
	}
}
