package hostile_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/fiord-bench/fiord/cmd/fiord/creds"
	"github.com/fiord-bench/fiord/cmd/fiord/up"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/natsd"
)

// world is a NATS server with everybody that fiord knows on it, each with exactly
// the rights that fiord up gives.
type world struct {
	t     *testing.T
	dir   string
	nsd   *natsd.Server
	users map[string]natsd.User // by the folder of their credentials
	bus   *bus.Bus              // the operator's
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), users: map[string]natsd.User{}}
	grants := []creds.Grant{{Kind: creds.Bench, Name: "a", Pools: []string{"default"}}, {Kind: creds.Bench, Name: "b", Pools: []string{"nvme"}}}
	for _, role := range access.Roles() {
		grants = append(grants, creds.Grant{Kind: creds.Person, Name: "the-" + string(role), Role: role})
	}
	grants = append(grants, creds.Grant{Kind: creds.Site, Name: "berlin", Hosts: []string{"b"}, Pools: []string{"nvme"}})
	byKey := map[string]string{}
	for _, g := range grants {
		i, err := creds.Issue(up.Credentials(w.dir), g)
		if err != nil {
			t.Fatal(err)
		}
		byKey[i.Keys.NKey] = i.User()
	}
	cfg := up.DefaultConfig(w.dir)
	cfg.Bench.Host = "here"
	list, err := up.Users(w.dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob(filepath.Join(up.Credentials(w.dir), "*", "nats.nk"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range folders {
		key, err := bus.Connection{NKeySeedFile: file}.GuestName()
		if err != nil {
			t.Fatal(err)
		}
		byKey[key] = filepath.Base(filepath.Dir(file))
	}
	for _, u := range list {
		w.users[byKey[u.NKey]] = u
	}
	if w.nsd, err = natsd.Start(natsd.Options{StoreDir: t.TempDir(), Port: -1, Users: list}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.nsd.Close)
	w.bus = w.open("operator")
	if err := w.bus.Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop, err := w.open("inventory").ServeConsumers()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stop() })
	return w
}

// guests are those who may not be trusted with the services' account.
func (w *world) guests() []string {
	var names []string
	for name, u := range w.users {
		if u.Account != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (w *world) connect(user string) *nats.Conn {
	w.t.Helper()
	file := filepath.Join(up.Credentials(w.dir), user, "nats.nk")
	c := bus.Connection{Name: user, NKeySeedFile: file, InboxPrefix: w.inbox(user), Extra: []nats.Option{w.nsd.InProcess()}}
	nc, err := bus.Connect(w.t.Context(), c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(nc.Close)
	return nc
}

// inbox is a prefix that the user may subscribe below.
func (w *world) inbox(user string) string {
	p := w.users[user].Permissions
	if p == nil {
		return ""
	}
	for _, s := range p.Subscribe.Allow {
		if prefix, ok := strings.CutSuffix(s, ".>"); ok && strings.HasPrefix(s, "_INBOX_") {
			return prefix
		}
	}
	return ""
}

func (w *world) open(user string) *bus.Bus {
	w.t.Helper()
	o := bus.Options{Conn: w.connect(user), Source: "fiord/" + user, PublishTimeout: time.Second}
	if u := w.users[user]; u.Account != "" {
		o.Guest = u.NKey
	}
	b, err := bus.New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// may tells whether the user's rights name the subject.
func (w *world) may(user, subject string) bool {
	p := w.users[user].Permissions
	covers := func(filter string) bool { return covers(filter, subject) }
	return p == nil || slices.ContainsFunc(p.Publish.Allow, covers) && !slices.ContainsFunc(p.Publish.Deny, covers)
}

func covers(filter, subject string) bool {
	f, s := strings.Split(filter, "."), strings.Split(subject, ".")
	for i, word := range f {
		if word == ">" {
			return len(s) > i
		}
		if i >= len(s) || word != "*" && word != s[i] {
			return false
		}
	}
	return len(f) == len(s)
}

// targets are subjects that an attacker would want something to be published to:
// every right that anybody has, and what nobody but the operator may.
func (w *world) targets() []string {
	seen := map[string]bool{}
	add := func(subject string) {
		subject = strings.ReplaceAll(subject, "*", "x")
		if prefix, ok := strings.CutSuffix(subject, ".>"); ok {
			subject = prefix + ".x.y"
		}
		seen[subject] = true
	}
	for _, u := range w.users {
		if u.Permissions != nil {
			for _, s := range u.Permissions.Publish.Allow {
				add(s)
			}
			for _, s := range u.Permissions.Publish.Deny {
				add(s)
			}
		}
	}
	for _, t := range events.Types() {
		add(t.Filter())
	}
	streams := []string{bus.StreamEvents, bus.StreamDead, bus.StreamLive}
	for _, b := range bus.Buckets() {
		streams = append(streams, "KV_"+b)
		add("$KV." + b + ".key")
	}
	for _, s := range streams {
		for _, verb := range []string{"STREAM.DELETE", "STREAM.PURGE", "STREAM.UPDATE", "STREAM.CREATE", "STREAM.SNAPSHOT", "STREAM.RESTORE", "STREAM.MSG.DELETE", "STREAM.LEADER.STEPDOWN"} {
			add("$JS.API." + verb + "." + s)
		}
		for _, verb := range []string{"CONSUMER.CREATE", "CONSUMER.DURABLE.CREATE", "CONSUMER.DELETE", "CONSUMER.PAUSE", "CONSUMER.RESET", "CONSUMER.UNPIN", "CONSUMER.LEADER.STEPDOWN"} {
			add("$JS.API." + verb + "." + s + ".inventory-place")
		}
	}
	list := make([]string, 0, len(seen))
	for s := range seen {
		if !strings.HasPrefix(s, "_") { // inboxes and answers
			list = append(list, s)
		}
	}
	slices.Sort(list)
	return list
}
