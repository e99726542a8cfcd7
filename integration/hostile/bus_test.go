package hostile_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/bus"
)

// spy sees everything that is published in the account of the streams.
type spy struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (w *world) spy() *spy {
	w.t.Helper()
	s := &spy{seen: map[string]bool{}}
	if _, err := w.bus.Conn().Subscribe(">", func(m *nats.Msg) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.seen[m.Subject] = true
	}); err != nil {
		w.t.Fatal(err)
	}
	w.flush(w.bus.Conn())
	return s
}

func (s *spy) saw(subject string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[subject]
}

func (s *spy) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.seen)
}

func (w *world) flush(nc *nats.Conn) {
	w.t.Helper()
	if err := nc.FlushTimeout(time.Minute); err != nil {
		w.t.Fatal(err)
	}
}

// settle waits until what was asked has been answered, and seen.
func (w *world) settle(nc *nats.Conn) {
	w.flush(nc)
	time.Sleep(200 * time.Millisecond)
	w.flush(w.bus.Conn())
}

// requests are one of each kind that a user may make of the server, with a body
// that gets an answer at once.
func (w *world) requests(user string) map[string]string {
	asks := map[string]string{}
	kinds := map[string]bool{}
	for _, s := range w.users[user].Permissions.Publish.Allow {
		kind, body := "", ""
		switch {
		case strings.HasPrefix(s, "$JS.API.CONSUMER.MSG.NEXT."):
			kind, body = "next", `{"batch":1,"no_wait":true}`
		case strings.HasPrefix(s, "$JS.API.STREAM.MSG.GET."):
			kind, body = "get", `{"last_by_subj":"x"}`
		case strings.HasPrefix(s, "$JS.API."):
			kind = strings.Join(strings.Split(s, ".")[2:4], ".")
		case strings.HasPrefix(s, "fiord.consumer."):
			kind = "consumer"
		case strings.HasPrefix(s, "fiord.events."), strings.HasPrefix(s, "$KV."):
			kind = s[:5] // each is answered by a stream
		}
		if kind != "" && !kinds[kind] {
			kinds[kind] = true
			asks[strings.ReplaceAll(strings.TrimSuffix(strings.ReplaceAll(s, ".>", ".x"), ">"), "*", "x")] = body
		}
	}
	return asks
}

// Whatever a guest publishes, and whatever he has the server publish for him,
// reaches no subject that his rights do not name.
func TestGuestsReachNothingButWhatTheirRightsName(t *testing.T) {
	w := newWorld(t)
	s := w.spy()
	targets := w.targets()
	attacks := 0
	for _, user := range w.guests() {
		nc := w.connect(user)
		requests := w.requests(user)
		s.forget()
		var forbidden []string
		for _, target := range targets {
			if w.may(user, target) {
				continue
			}
			forbidden = append(forbidden, target)
			attacks++
			if err := nc.Publish(target, nil); err != nil {
				t.Fatal(err)
			}
		}
		w.settle(nc)
		for _, target := range forbidden {
			if s.saw(target) {
				t.Errorf("%s published to %s", user, target)
			}
		}
		s.forget()
		reached := forbidden[:0]
		for _, target := range forbidden {
			if w.imports(user, target) { // by wildcard, less what is denied: a client's alone
				continue
			}
			reached = append(reached, target)
			for request, body := range requests {
				attacks++
				if err := nc.PublishRequest(request, target, []byte(body)); err != nil {
					t.Fatal(err)
				}
			}
		}
		w.settle(nc)
		for _, target := range reached {
			if s.saw(target) {
				t.Errorf("%s had an answer sent to %s", user, target)
			}
		}
		if len(requests) < 5 || len(reached) < 100 {
			t.Errorf("%s: only %d requests and %d targets were tried", user, len(requests), len(reached))
		}
	}
	t.Logf("%d attacks", attacks)
	w.intact()
}

func (w *world) imports(user, subject string) bool {
	for _, f := range w.users[user].Permissions.Publish.Allow {
		if covers(f, subject) {
			return true
		}
	}
	return false
}

// intact wants all streams there and no durable harmed.
func (w *world) intact() {
	w.t.Helper()
	for _, name := range append([]string{bus.StreamEvents, bus.StreamDead, bus.StreamLive}, buckets()...) {
		if _, err := w.bus.JetStream().Stream(w.t.Context(), name); err != nil {
			w.t.Errorf("stream %s: %v", name, err)
		}
	}
}

func buckets() []string {
	var names []string
	for _, b := range bus.Buckets() {
		names = append(names, "KV_"+b)
	}
	return names
}

// The attack works within one account; otherwise the table above proves nothing.
func TestTheSpySeesWhatAReplySubjectBringsAbout(t *testing.T) {
	w := newWorld(t)
	s := w.spy()
	nc := w.connect("inventory")
	if err := nc.PublishRequest("$JS.API.STREAM.INFO."+bus.StreamEvents, "fiord.events.host.lost.v1", nil); err != nil {
		t.Fatal(err)
	}
	w.settle(nc)
	if !s.saw("fiord.events.host.lost.v1") {
		t.Error("an answer within the account of the services was not seen")
	}
}

// A bench host once had the server forge a bench, delete the event stream and
// write another host's record, by the reply subject of a request of its own.
func TestAHostForgesAndDeletesNothingByAReply(t *testing.T) {
	w := newWorld(t)
	host := w.open("bench-a")
	ctx := t.Context()
	leases, err := host.JetStream().KeyValue(ctx, bus.BucketLeases)
	if err != nil {
		t.Fatal(err)
	}
	body, err := events.Marshal(events.New("fiord/cli", "forged", nil, events.DiscoveryRequested{By: "a host"}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := leases.Put(ctx, "x", body); err != nil {
		t.Fatal(err)
	}
	if _, err := w.bus.Emit(ctx, "k", nil, events.DiscoveryRequested{By: "somebody"}); err != nil {
		t.Fatal(err)
	}
	get := "$JS.API.DIRECT.GET.KV_" + bus.BucketLeases + ".$KV." + bus.BucketLeases + ".x"
	none := "$JS.API.DIRECT.GET.KV_" + bus.BucketLeases + ".$KV." + bus.BucketLeases + ".none"
	for _, c := range []struct{ request, reply string }{
		{get, events.TypeBenchRequested.Subject()},
		{get, events.TypeDiscoveryRequested.Subject()},
		{get, events.TypeRunsRequested.Subject() + ".host.b"},
		{get, "fiord.redrive.inventory-place"},
		{get, "fiord.dead.inventory-place"},
		{none, "$JS.API.STREAM.DELETE." + bus.StreamEvents},
		{none, "$JS.API.STREAM.PURGE." + bus.StreamEvents},
		{none, "$JS.API.CONSUMER.DELETE." + bus.StreamEvents + ".inventory-place"},
		{get, "$KV." + bus.BucketHosts + ".detail.b"},
		{get, "$KV." + bus.BucketHosts + ".beat.b"},
		{get, "$KV." + bus.BucketNotices + ".x"},
	} {
		if err := host.Conn().PublishRequest(c.request, c.reply, nil); err != nil {
			t.Fatal(err)
		}
	}
	w.settle(host.Conn())
	info, err := w.bus.JetStream().Stream(ctx, bus.StreamEvents)
	if err != nil {
		t.Fatalf("the event stream: %v", err)
	}
	if n := info.CachedInfo().State.Msgs; n != 1 {
		t.Errorf("the event stream holds %d messages, want the one of before", n)
	}
	for _, bucket := range []string{bus.BucketHosts, bus.BucketNotices} {
		kv, err := w.bus.JetStream().KeyValue(ctx, bucket)
		if err != nil {
			t.Fatal(err)
		}
		if keys, err := kv.Keys(ctx); !errors.Is(err, jetstream.ErrNoKeysFound) {
			t.Errorf("bucket %s holds %v, %v", bucket, keys, err)
		}
	}
	// The server itself refuses a reply that would acknowledge another's event.
	if err := host.Conn().PublishRequest(none, "$JS.ACK."+bus.StreamEvents+".inventory-place.1.1.1.1.1", nil); err != nil {
		t.Fatal(err)
	}
	w.flush(host.Conn())
	if err := host.Conn().LastError(); err == nil || !strings.Contains(err.Error(), "Permissions Violation for Publish with Reply") {
		t.Errorf("a reply to $JS.ACK: %v", err)
	}
}

// A person once pulled and acknowledged what inventory was to place, deleted a
// service's consumer and paused another. A consumer that delivers to a subject of
// the asker's choice would be as good as a reply there.
func TestOnlyTheServiceHasItsConsumer(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	durable := bus.Reaction{Service: "inventory", Name: "place", Types: []events.Type{events.TypeDiscoveryRequested}}
	if _, err := w.bus.JetStream().CreateOrUpdateConsumer(ctx, bus.StreamEvents, durable.ConsumerConfig()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.bus.Emit(ctx, "k", nil, events.DiscoveryRequested{By: "somebody"}); err != nil {
		t.Fatal(err)
	}
	for _, user := range w.guests() {
		if strings.HasPrefix(user, "site") {
			continue // a server: it has no inbox of its own
		}
		js := w.open(user).JetStream()
		for what, try := range map[string]func(context.Context) error{
			"pull": func(ctx context.Context) error {
				_, err := w.request(ctx, user, "$JS.API.CONSUMER.MSG.NEXT.FIORD."+durable.Durable(), `{"batch":1,"no_wait":true}`)
				return err
			},
			"delete": func(ctx context.Context) error { return js.DeleteConsumer(ctx, bus.StreamEvents, durable.Durable()) },
			"pause": func(ctx context.Context) error {
				_, err := js.PauseConsumer(ctx, bus.StreamEvents, durable.Durable(), time.Now().Add(time.Hour))
				return err
			},
			"change": func(ctx context.Context) error {
				_, err := js.UpdateConsumer(ctx, bus.StreamEvents, durable.ConsumerConfig())
				return err
			},
			"make": func(ctx context.Context) error {
				_, err := js.CreateConsumer(ctx, bus.StreamEvents, jetstream.ConsumerConfig{Name: "mine"})
				return err
			},
			"order": func(ctx context.Context) error {
				_, err := w.request(ctx, user, bus.ConsumerSubject(bus.StreamEvents, durable.Durable()), `{"durable":true}`)
				return err
			},
		} {
			ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
			if err := try(ctx); err == nil {
				t.Errorf("%s could %s a service's consumer", user, what)
			}
			cancel()
		}
	}
	c, err := w.bus.JetStream().Consumer(ctx, bus.StreamEvents, durable.Durable())
	if err != nil {
		t.Fatal(err)
	}
	if i := c.CachedInfo(); i.Paused || i.NumPending != 1 || i.NumAckPending != 0 {
		t.Errorf("the consumer is paused: %v, with %d pending and %d in hand", i.Paused, i.NumPending, i.NumAckPending)
	}
}

func (w *world) request(ctx context.Context, user, subject, body string) (*nats.Msg, error) {
	return w.connect(user).RequestWithContext(ctx, subject, []byte(body))
}

// Consumers that services make for guests are pulled, whatever the order says.
func TestNoConsumerDeliversWhereAGuestSays(t *testing.T) {
	w := newWorld(t)
	key := w.users["person-the-viewer"].NKey
	const push = `"deliver_subject":"$JS.API.STREAM.DELETE.FIORD","config":{"deliver_subject":"fiord.events.host.lost.v1"}`
	for i, c := range []struct{ user, name, order string }{
		{"person-the-viewer", bus.ViewName(key, 0), `{"filters":["fiord.events.>"],"deliver":"all","inactive_threshold":1000000000,` + push + `}`},
		{"person-the-operator", "on-x", `{"durable":true,"filters":["fiord.events.>"],"deliver":"all","ack_wait":1000000000,"max_ack_pending":1,` + push + `}`},
		{"bench-a", "bench-wanted-a", `{"filters":["fiord.events.>"],"deliver":"all","inactive_threshold":1000000000,` + push + `}`},
		{"bench-a", "bench-host-a", `{"durable":true,"filters":["fiord.events.runs.requested.v1.host.a","fiord.redrive.bench-host-a"],"deliver":"all","ack_wait":1000000000,"max_ack_pending":1,` + push + `}`},
	} {
		answer, err := w.request(t.Context(), c.user, bus.ConsumerSubject(bus.StreamEvents, c.name), c.order)
		if err != nil || string(answer.Data) != "{}" {
			t.Errorf("%d: %s orders %s: %v, %v", i, c.user, c.name, answer, err)
			continue
		}
		made, err := w.bus.JetStream().Consumer(t.Context(), bus.StreamEvents, c.name)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if to := made.CachedInfo().Config.DeliverSubject; to != "" {
			t.Errorf("%s delivers to %s", c.name, to)
		}
	}
	for _, c := range []struct{ user, name, order, refusal string }{
		{"bench-a", "bench-pool-default", `{"durable":true,"filters":["fiord.events.>"],"deliver":"all","ack_wait":1000000000,"max_ack_pending":1}`, "filters are"},
		{"bench-a", "bench-pool-default", `{"filters":["fiord.events.>"],"deliver":"all","inactive_threshold":1}`, "is durable and should not be"},
		{"person-the-viewer", bus.ViewName(key, 1), `{"filters":["fiord.events.>"],"deliver":"all"}`, "inactive_threshold"},
		{"person-the-operator", "on-y", ``, "read order"},
	} {
		answer, err := w.request(t.Context(), c.user, bus.ConsumerSubject(bus.StreamEvents, c.name), c.order)
		if err != nil || !strings.Contains(string(answer.Data), c.refusal) {
			t.Errorf("%s orders %s: %v, %v; want %q", c.user, c.name, answer, err, c.refusal)
		}
	}
}

// A redrive once took any content: a verdict on a commit, a push of no forge.
func TestRedrivesBringAboutNothingNew(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	r := bus.Reaction{Service: "inventory", Name: "discover", Types: []events.Type{events.TypeDiscoveryRequested}, OnDead: bus.OwesNothing,
		Handle: func(context.Context, *bus.Delivery) error { return errors.New("handled") }}
	handled := make(chan string, 8)
	r.Handle = func(_ context.Context, d *bus.Delivery) error { handled <- d.Event.ID; return nil }
	sub, err := w.open("inventory").React(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Stop()
	forged, err := events.Marshal(events.New("fiord/cli", "forged", nil, events.DiscoveryRequested{By: "forger"}))
	if err != nil {
		t.Fatal(err)
	}
	operator := w.open("person-the-operator")
	for i, body := range []string{string(forged), `{"dead":9}`, `{"event":9}`, `{"event":1,"dead":1}`} {
		if _, err := operator.JetStream().Publish(ctx, bus.RedriveSubject(r.Durable()), []byte(body)); err != nil {
			t.Fatalf("an operator asks for a redrive: %v", err)
		}
		eventually(t, fmt.Sprint("dead letter ", i+1), func() bool { return len(w.letters()) == i+1 })
	}
	select {
	case id := <-handled:
		t.Errorf("event %s was handled", id)
	default:
	}
	// A dead letter of a service is a service's to write.
	letter := `{"reaction":"` + r.Durable() + `","body":"e30="}`
	for _, user := range w.guests() {
		_ = w.connect(user).Publish(bus.DeadSubject(r.Durable()), []byte(letter))
	}
	for _, role := range []access.Role{access.Viewer, access.Requester} {
		nc := w.connect("person-the-" + string(role))
		if err := errors.Join(nc.Publish(bus.RedriveSubject(r.Durable()), []byte(`{"event":1}`)), nc.FlushTimeout(time.Second)); err != nil {
			t.Fatal(err)
		}
		if err := nc.LastError(); !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("a %s redrives: %v", role, err)
		}
	}
	if n := len(w.letters()); n != 4 {
		t.Errorf("%d dead letters, want those of the four orders", n)
	}
}

func (w *world) letters() (all []bus.DeadLetter) {
	w.t.Helper()
	for l, err := range w.bus.DeadLetters(w.t.Context(), "") {
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
