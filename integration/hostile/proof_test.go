package hostile_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/fiord-bench/fiord/cmd/fiord/creds"
	"github.com/fiord-bench/fiord/cmd/fiord/up"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/proof"
	"github.com/fiord-bench/fiord/internal/service"
)

// proving is what a user of the world proves with its own files.
func (w *world) proving(user string) service.Proving {
	w.t.Helper()
	n := service.DefaultCommon().NATS
	n.NKeyFile = filepath.Join(up.Credentials(w.dir), user, "nats.nk")
	p, err := n.Proving()
	if err != nil {
		w.t.Fatal(err)
	}
	if p.Signer == nil {
		w.t.Fatalf("%s has no grant", user)
	}
	return p
}

// provers are all users who have a grant.
func (w *world) provers() []string {
	var users []string
	for name := range w.users {
		if name != "operator" && !strings.HasPrefix(name, "site-") {
			users = append(users, name)
		}
	}
	return users
}

// smuggle stores a message on whatever subject, as a hole in the server would let its
// maker do.
func (w *world) smuggle(m *nats.Msg) {
	w.t.Helper()
	if _, err := w.bus.JetStream().PublishMsg(w.t.Context(), m); err != nil {
		w.t.Fatal(err)
	}
}

func signedBy(p service.Proving, subject, id string, body []byte, at time.Time) *nats.Msg {
	made, grant := p.Signer.Sign(subject, id, body, at)
	return &nats.Msg{Subject: subject, Data: body, Header: nats.Header{
		"content-type": {events.MediaType}, nats.MsgIdHdr: {id}, proof.HeaderProof: {made}, proof.HeaderGrant: {grant},
	}}
}

// believed collects the ids of events that a service's view takes for true.
type believed struct {
	mu  sync.Mutex
	ids map[string]bool
}

func (b *believed) has(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ids[id]
}

// believing watches every event as plot does.
func (w *world) believing() *believed {
	w.t.Helper()
	all := &believed{ids: map[string]bool{}}
	b, err := bus.New(w.proving("plot").Prove(bus.Options{Conn: w.connect("plot"), Source: "fiord/plot"}))
	if err != nil {
		w.t.Fatal(err)
	}
	view, err := b.Watch(w.t.Context(), bus.View{See: func(_ context.Context, s bus.Seen) {
		all.mu.Lock()
		defer all.mu.Unlock()
		all.ids[s.Event.ID] = true
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(view.Stop)
	return all
}

// With the server's rights out of the way, each user signs an event of each type in
// the name of each source: believed are those that its grant allows, and no others.
func TestEachKeyProvesItsOwnEventsAndNoOthers(t *testing.T) {
	w := newWorld(t)
	seen := w.believing()
	type attack struct {
		what string
		want bool
	}
	attacks := map[string]attack{}
	for _, user := range w.provers() {
		p := w.proving(user)
		grant := p.Signer.Grant()
		for i, example := range events.Examples() {
			for _, source := range []string{"fiord/cli", "fiord/bench", "fiord/ingest", "fiord/inventory", "fiord/plot", "fiord/notify", "//script"} {
				e := events.New(source, user+fmt.Sprint(i), nil, example.Data)
				body, err := events.Marshal(e)
				if err != nil {
					t.Fatal(err)
				}
				subject := e.NATSSubject()
				attacks[e.ID] = attack{user + " says " + string(e.Type) + " as " + source, w.may(user, subject) && grant.Vouch(e) == nil}
				w.smuggle(signedBy(p, subject, e.MessageID(), body, time.Now()))
			}
		}
	}
	last := w.truth(t)
	eventually(t, "the last event", func() bool { return seen.has(last) })
	allowed := 0
	for id, a := range attacks {
		if a.want {
			allowed++
		}
		if seen.has(id) != a.want {
			t.Errorf("%s: believed: %v, want %v", a.what, seen.has(id), a.want)
		}
	}
	t.Logf("%d events, %d of them allowed", len(attacks), allowed)
	if allowed < 20 || len(attacks) < 1000 {
		t.Error("too few were tried")
	}
}

// truth has inventory publish an event that is to be believed.
func (w *world) truth(t *testing.T) string {
	t.Helper()
	b, err := bus.New(w.proving("inventory").Prove(bus.Options{Conn: w.connect("inventory"), Source: "fiord/inventory"}))
	if err != nil {
		t.Fatal(err)
	}
	e, err := b.Emit(t.Context(), time.Now().String(), nil, events.HostLost{Host: "true", LastSeen: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return e.ID
}

// Bytes that were signed once prove nothing elsewhere or later, and a key proves
// nothing once its holder was shut out.
func TestSignedBytesProveOneEventAtOneTime(t *testing.T) {
	w := newWorld(t)
	seen := w.believing()
	p, host := w.proving("inventory"), w.proving("bench-a")
	time.Sleep(time.Until(p.Signer.Grant().Since)) // what was stored before needs no signature
	event := func(source, key string) (events.Event, []byte) {
		e := events.New(source, key, nil, events.HostLost{Host: key, LastSeen: time.Now()})
		body, err := events.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		return e, body
	}
	var refused []string
	for _, attack := range []string{"unsigned", "later", "other id", "other content", "other subject", "other grant"} {
		e, body := event("fiord/inventory", attack)
		at := time.Now()
		if attack == "later" {
			at = at.Add(-proof.Fresh - time.Minute)
		}
		m := signedBy(p, e.NATSSubject(), e.MessageID(), body, at)
		switch attack {
		case "unsigned":
			m.Header.Del(proof.HeaderProof)
		case "other id":
			m.Header.Set(nats.MsgIdHdr, "x")
		case "other content":
			m.Data = []byte(strings.Replace(string(body), "other", "OTHER", 1))
		case "other subject":
			m.Subject = events.TypeBenchPlaced.Subject()
		case "other grant":
			m = signedBy(host, e.NATSSubject(), e.MessageID(), body, at)
			m.Header.Set(proof.HeaderGrant, signedBy(p, "x", "x", nil, at).Header.Get(proof.HeaderGrant))
		}
		w.smuggle(m)
		refused = append(refused, e.ID)
	}
	last := w.truth(t)
	eventually(t, "the last event", func() bool { return seen.has(last) })
	for i, id := range refused {
		if seen.has(id) {
			t.Errorf("attack %d was believed", i)
		}
	}
}

// Who is shut out, or may less than before, is on the list that the authority signs.
func TestWhoIsShutOutIsOnTheList(t *testing.T) {
	w := newWorld(t)
	dir := up.Credentials(w.dir)
	list := func() string {
		entries, err := creds.TakenBack(creds.TakenBackFile(dir))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(entries, "\n")
	}
	operator, host := w.proving("person-the-operator").Signer.Grant().Key, w.proving("bench-b").Signer.Grant().Key
	if _, err := creds.Issue(dir, creds.Grant{Kind: creds.Person, Name: "the-operator", Role: "viewer"}); err != nil {
		t.Fatal(err)
	}
	if err := creds.Revoke(dir, creds.Grant{Kind: creds.Bench, Name: "b"}); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{operator, host} {
		if !strings.Contains(list(), key) {
			t.Errorf("%s is not on the list", key)
		}
	}
	if err := up.TakeBack(t.Context(), w.bus, creds.TakenBackFile(dir)); err != nil {
		t.Fatal(err)
	}
	for _, user := range w.guests() { // none but the operator writes it
		if user == "bench-b" { // its keys are gone
			continue
		}
		nc := w.connect(user)
		_ = nc.Publish("$KV."+bus.BucketTakenBack+".x", nil)
		w.flush(nc)
	}
	kv, err := w.bus.JetStream().KeyValue(t.Context(), bus.BucketTakenBack)
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := kv.Keys(t.Context()); err != nil || len(keys) != 2 {
		t.Errorf("the list has %v, %v", keys, err)
	}
}
