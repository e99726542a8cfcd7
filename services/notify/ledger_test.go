package notify_test

import (
	"net/http"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/webhook"
)

// enter writes what an earlier life of notify left in the bucket about the
// notice of one event to the target "ops".
func (s *site) enter(e events.Event, state string) {
	s.t.Helper()
	n, ok := notice.Compose("ops", e, "")
	if !ok {
		s.t.Fatalf("%s is nothing to tell of", e.Type)
	}
	kv, err := s.bus.JetStream().KeyValue(s.t.Context(), bus.BucketNotices)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := kv.Create(s.t.Context(), n.ID, []byte(`{"state":"`+state+`","target":"ops"}`)); err != nil {
		s.t.Fatal(err)
	}
}

func TestWhatACrashLeftUndecidedIsSentAndWhatWasSentIsNot(t *testing.T) {
	s, r := newSite(t), newReceiver(t, nil)
	undecided := events.New("fiord/test", "undecided", nil, lost("undecided"))
	sent := events.New("fiord/test", "sent", nil, lost("sent"))
	s.enter(undecided, "sending")
	s.enter(sent, "sent")
	s.replica(hook("ops", r.URL))
	for _, e := range []events.Event{undecided, sent} {
		if _, err := s.bus.Publish(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	s.sent(2) // both are announced
	got := r.deliveries()
	if len(got) != 1 {
		t.Fatalf("%d deliveries, want 1", len(got))
	}
	if e, err := events.Unmarshal(got[0].body); err != nil || e.ID != undecided.ID {
		t.Errorf("told of %s, %v", e.ID, err)
	}
}

func TestNoticeInterruptedByAStopIsSentByTheNextLife(t *testing.T) {
	arrived := make(chan struct{})
	s := newSite(t)
	r := newReceiver(t, func(n int, w http.ResponseWriter) {
		if n > 0 {
			return
		}
		close(arrived)
		panic(http.ErrAbortHandler) // the connection breaks before an answer
	})
	stop := s.replica(hook("ops", r.URL))
	s.publish(lost("node"))
	<-arrived
	stop()
	s.replica(hook("ops", r.URL))
	s.sent(1)
	got := r.deliveries()
	if len(got) != 2 {
		t.Fatalf("%d requests, want 2", len(got))
	}
	if a, b := got[0].header.Get(webhook.HeaderNotice), got[1].header.Get(webhook.HeaderNotice); a != b {
		t.Errorf("the same notice has two ids: %s, %s", a, b)
	}
}
