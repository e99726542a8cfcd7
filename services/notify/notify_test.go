package notify_test

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/notify"
	"github.com/fiord-bench/fiord/services/notify/webhook"
)

func TestReceiverGetsTheSignedEvent(t *testing.T) {
	s, r := newSite(t), newReceiver(t, nil)
	target := hook("ops", r.URL+"/in")
	target.Secret = secret("shared")
	target.Headers = map[string]string{"X-Team": "storage"}
	s.replica(target)
	e := s.publish(lost("node1"))
	sent := s.sent(1)[0]

	got := r.deliveries()
	if len(got) != 1 {
		t.Fatalf("%d deliveries", len(got))
	}
	received, err := events.Unmarshal(got[0].body)
	if err != nil || received.ID != e.ID || received.Source != e.Source {
		t.Errorf("received %+v, %v", received, err)
	}
	for name, want := range map[string]string{
		"Content-Type": events.MediaType, webhook.HeaderEvent: string(e.Type), webhook.HeaderNotice: sent.Notice.Notice,
		"Idempotency-Key": sent.Notice.Notice, webhook.HeaderSignature: webhook.Sign("shared", got[0].body), "X-Team": "storage",
	} {
		if value := got[0].header.Get(name); value != want {
			t.Errorf("header %s is %q, want %q", name, value, want)
		}
	}
	if sent.Target != "ops" || sent.Kind != "webhook" || sent.Told != e.ID || sent.ToldType != string(e.Type) {
		t.Errorf("notice.sent is %+v", sent)
	}
}

func TestEveryTypeMeantForMachinesArrives(t *testing.T) {
	s, r := newSite(t), newReceiver(t, nil)
	s.replica(hook("ops", r.URL))
	n := 0
	for _, data := range []events.Data{
		example[events.PushIgnored](t, "push.ignored"), example[events.PushRejected](t, "push.rejected"),
		example[events.RunFailed](t, "run.failed"), example[events.RunRejected](t, "run.rejected"), example[events.RunExpired](t, "run.expired"),
		example[events.BenchReported](t, "bench.reported"), example[events.BenchUnplaced](t, "bench.unplaced"),
		example[events.BenchCancelled](t, "bench.cancelled"),
		example[events.InventoryGenerated](t, "inventory.generated"), example[events.HostLost](t, "host.lost"),
	} {
		s.publish(data)
		n++
	}
	s.publish(example[events.RunCompleted](t, "run.completed")) // no news
	s.sent(n)
	if got := len(r.deliveries()); got != n {
		t.Errorf("%d deliveries, want %d", got, n)
	}
}

func TestReplayTellsNobodyTwice(t *testing.T) {
	s, r := newSite(t), newReceiver(t, nil)
	s.replica(hook("ops", r.URL))
	for _, host := range []string{"a", "b", "c"} {
		s.publish(lost(host))
	}
	s.sent(3)
	n, err := s.bus.Replay(t.Context(), "notify-ops", 1, 1000)
	if err != nil || n != 3 {
		t.Fatalf("replayed %d, %v", n, err)
	}
	s.eventually("replay handled", func() bool {
		c, err := s.bus.JetStream().Consumer(t.Context(), bus.StreamEvents, "notify-ops")
		if err != nil {
			return false
		}
		info, err := c.Info(t.Context())
		return err == nil && info.NumPending == 0 && info.NumAckPending == 0
	})
	s.silence()
	if got := len(r.deliveries()); got != 3 {
		t.Errorf("%d deliveries after the replay, want 3", got)
	}
}

func TestReplicasShareTheWork(t *testing.T) {
	s, r := newSite(t), newReceiver(t, nil)
	s.replica(hook("ops", r.URL))
	s.replica(hook("ops", r.URL))
	const n = 20
	for range n {
		s.publish(lost("node"))
	}
	s.sent(n)
	told := map[string]int{}
	for _, d := range r.deliveries() {
		told[d.header.Get(webhook.HeaderNotice)]++
	}
	if len(told) != n {
		t.Errorf("%d notices, want %d", len(told), n)
	}
	for id, times := range told {
		if times != 1 {
			t.Errorf("notice %s was told %d times", id, times)
		}
	}
}

func TestDeadTargetDelaysNobodyElse(t *testing.T) {
	s, r := newSite(t), newReceiver(t, nil)
	hole, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer hole.Close()
	dead := hook("dead", "http://"+hole.Addr().String())
	dead.Timeout = time.Minute
	s.replica(dead, hook("ops", r.URL))
	start := time.Now()
	for range 10 {
		s.publish(lost("node"))
	}
	s.sent(10)
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("the living target waited %v", took)
	}
}

func TestServerErrorsAreRetriedUntilTheyEnd(t *testing.T) {
	s, r := newSite(t), newReceiver(t, statusCode(500, 503, 200))
	s.replica(hook("ops", r.URL))
	s.publish(lost("node"))
	s.sent(1)
	got := r.deliveries()
	if len(got) != 3 {
		t.Fatalf("%d requests, want 3", len(got))
	}
	if a, b := got[0].header.Get("Idempotency-Key"), got[2].header.Get("Idempotency-Key"); a != b {
		t.Errorf("the retry has another key: %s, %s", a, b)
	}
}

func TestBusyTargetIsLeftAloneAsLongAsItAsks(t *testing.T) {
	var first, second time.Time
	s := newSite(t)
	r := newReceiver(t, func(n int, w http.ResponseWriter) {
		if n == 0 {
			first = time.Now()
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		second = time.Now()
	})
	s.replica(hook("ops", r.URL))
	s.publish(lost("node"))
	s.sent(1)
	if pause := second.Sub(first); pause < 1900*time.Millisecond {
		t.Errorf("asked again after %v", pause)
	}
}

func TestRefusalIsToldKeptAndCanBeRedriven(t *testing.T) {
	s, r := newSite(t), newReceiver(t, statusCode(400, 200))
	s.replica(hook("ops", r.URL))
	e := s.publish(lost("node"))
	failed, ok := s.notice().(events.NoticeFailed)
	if !ok || failed.Told != e.ID || !strings.Contains(failed.Reason, "400 Bad Request") {
		t.Fatalf("notice is %+v", failed)
	}
	for letter, err := range s.bus.DeadLetters(t.Context(), "notify-ops") {
		if err != nil {
			t.Fatal(err)
		}
		if err := s.bus.Redrive(t.Context(), letter.Number); err != nil {
			t.Fatal(err)
		}
	}
	if sent := s.sent(1)[0]; sent.Notice.Notice != failed.Notice.Notice {
		t.Errorf("the redriven notice has another id: %+v", sent)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	elsewhere := newReceiver(t, nil)
	s := newSite(t)
	r := newReceiver(t, func(_ int, w http.ResponseWriter) {
		w.Header().Set("Location", elsewhere.URL)
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	s.replica(hook("ops", r.URL))
	s.publish(lost("node"))
	if failed, ok := s.notice().(events.NoticeFailed); !ok || !strings.Contains(failed.Reason, "redirects are not followed") {
		t.Errorf("notice is %+v", failed)
	}
	if len(elsewhere.deliveries()) != 0 {
		t.Error("the redirect was followed")
	}
}

func TestStoppedServiceCatchesUpAndNewTargetHasNoPast(t *testing.T) {
	s, old, fresh := newSite(t), newReceiver(t, nil), newReceiver(t, nil)
	s.replica(hook("old", old.URL))()
	s.publish(lost("while-stopped"))
	s.replica(hook("old", old.URL), hook("fresh", fresh.URL))
	s.sent(1)
	s.publish(lost("now"))
	s.sent(2)
	if got := len(old.deliveries()); got != 2 {
		t.Errorf("the old target got %d notices, want 2", got)
	}
	if got := len(fresh.deliveries()); got != 1 {
		t.Errorf("the new target got %d notices, want 1", got)
	}
}

func TestSecretsAppearNowhere(t *testing.T) {
	const hush = "T0PSECRET"
	s, r := newSite(t), newReceiver(t, statusCode(403))
	slack := notify.Target{Name: "slack", Kind: "slack", Webhook: secret(r.URL + "/services/" + hush)}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	away := notify.Target{Name: "away", Kind: "discord", Webhook: secret("http://" + closed.Addr().String() + "/" + hush)}
	matrix := notify.Target{Name: "matrix", Kind: "matrix", URL: r.URL, Room: "!r:x", Token: secret(hush)}
	stop := s.replica(slack, away, matrix)
	s.publish(lost("node"))
	var said []string
	for range 2 {
		failed, ok := s.notice().(events.NoticeFailed)
		if !ok {
			t.Fatal("a refused notice was told as sent")
		}
		said = append(said, failed.Reason)
	}
	s.eventually("the target that is away is logged", func() bool { return strings.Contains(s.log.String(), "connection refused") })
	stop()
	for letter, err := range s.bus.DeadLetters(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(letter)
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, string(text))
	}
	for _, text := range append(said, s.log.String()) {
		if strings.Contains(text, hush) {
			t.Errorf("the secret is in: %s", text)
		}
	}
}

func TestDefaultConfigurationLogsNotices(t *testing.T) {
	s := newSite(t)
	s.replica(notify.DefaultConfig().Targets...)
	s.publish(lost("node1"))
	s.sent(1)
	if log := s.log.String(); !strings.Contains(log, "bench host node1 is lost") {
		t.Errorf("log has no such line:\n%s", log)
	}
}
