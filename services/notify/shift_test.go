package notify_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/notify"
	"github.com/fiord-bench/fiord/services/notify/silence"
)

func chatRoom(r *receiver) notify.Target {
	return notify.Target{Name: "room", Kind: "mattermost", Webhook: secret(r.URL)}
}

// nth is a report that tells a shift for the nth time.
func nth(t *testing.T, since string, n int) events.BenchReported {
	t.Helper()
	d := reported(t, events.HashID(since, fmt.Sprint(n)), origin("https://git.example.com/acme/storage.git"))
	d.Confirmation, d.Headline = nil, "Regressed: read.iops -12%."
	d.Shift = &events.Shift{Since: events.HashID(since), Commit: strings.Repeat("abcdef01", 5), Reports: n}
	return d
}

func recovered(t *testing.T, since string) events.BenchReported {
	t.Helper()
	d := nth(t, since, 1000)
	d.Verdict, d.Headline, d.Comparisons, d.Recovered, d.Shift = events.VerdictUnchanged, "Unchanged: 4 comparisons within 5%.", nil, d.Shift, nil
	return d
}

// withheld waits for the record of a notice that was not sent.
func (s *site) withheld() events.NoticeWithheld {
	s.t.Helper()
	data, ok := s.notice().(events.NoticeWithheld)
	if !ok {
		s.t.Fatalf("told, not withheld\nlog:\n%s", s.log)
	}
	return data
}

// One shift told by 36 reports is one message to people, and its end another.
// The commits' statuses tell it each time, and since when.
func TestOneShiftIsOneAlertAndEveryStatusIsTrue(t *testing.T) {
	s, room, forge := newSite(t), newReceiver(t, nil), newReceiver(t, statusCode(http.StatusCreated))
	s.replica(chatRoom(room), gitea(forge))
	const n = 36
	for i := 1; i <= n; i++ {
		s.publish(nth(t, "shift", i))
	}
	s.publish(recovered(t, "shift"))
	told, quiet := 0, 0
	for range 2 * (n + 1) {
		switch d := s.notice().(type) {
		case events.NoticeSent:
			told++
		case events.NoticeWithheld:
			quiet++
			if d.Target != "room" || !strings.Contains(d.Reason, "told of this shift at") {
				t.Errorf("withheld %+v", d)
			}
		default:
			t.Errorf("%+v", d)
		}
	}
	if told != 2+n+1 || quiet != n-1 {
		t.Errorf("%d told, %d withheld", told, quiet)
	}
	if got := len(room.deliveries()); got != 2 {
		t.Errorf("people got %d messages, want 2", got)
	}
	s.silence()
	last := string(forge.deliveries()[n-1].body)
	if !strings.Contains(last, `"description":"regressed since abcdef0: `) {
		t.Errorf("the last status of the shift says %s", last)
	}
	if end := string(forge.deliveries()[n].body); !strings.Contains(end, `"description":"recovered: `) || !strings.Contains(end, `"success"`) {
		t.Errorf("the status after it says %s", end)
	}
}

func TestANewShiftIsToldAndAnOldOneRemindedOf(t *testing.T) {
	s, room := newSite(t), newReceiver(t, nil)
	target := chatRoom(room)
	target.RepeatInterval = 100 * time.Millisecond
	s.replica(target)
	s.publish(nth(t, "a", 1))
	s.sent(1)
	s.publish(nth(t, "b", 1)) // worse: a shift of its own
	s.sent(1)
	s.publish(nth(t, "b", 2))
	s.sent(1) // the interval went by
	if got := len(room.deliveries()); got != 3 {
		t.Errorf("%d messages, want 3", got)
	}
}

// What failed to reach a target is not what it was told: the next report is.
func TestAShiftThatCouldNotBeToldIsToldByTheNextReport(t *testing.T) {
	s, room := newSite(t), newReceiver(t, statusCode(http.StatusBadRequest, http.StatusOK))
	s.replica(chatRoom(room))
	s.publish(nth(t, "a", 1))
	if _, failed := s.notice().(events.NoticeFailed); !failed {
		t.Fatal("the refused notice did not fail")
	}
	s.publish(nth(t, "a", 2))
	s.sent(1)
}

// hush silences as `fiord silence add` does, until the test's end.
func (s *site) hush(one silence.Silence) silence.Silence {
	s.t.Helper()
	store, err := silence.Open(s.t.Context(), s.bus.JetStream(), bus.BucketSilences)
	if err != nil {
		s.t.Fatal(err)
	}
	one.By, one.Reason, one.Until = "kim", "new switches", time.Now().Add(time.Hour)
	if one, err = silence.New(one, time.Now()); err != nil {
		s.t.Fatal(err)
	}
	if err := store.Add(s.t.Context(), one); err != nil {
		s.t.Fatal(err)
	}
	return one
}

func TestSilencedNoticesAreRecordedAndOthersTold(t *testing.T) {
	s, room := newSite(t), newReceiver(t, nil)
	one := s.hush(silence.Silence{Host: "rack1-*"})
	s.replica(chatRoom(room))
	s.publish(lost("rack1-a"))
	if d := s.withheld(); d.Silence != one.ID || !strings.Contains(d.Reason, "silenced by kim until ") || !strings.HasSuffix(d.Reason, ": new switches") {
		t.Errorf("withheld %+v", d)
	}
	s.publish(lost("rack2-a"))
	s.sent(1)
	if got := len(room.deliveries()); got != 1 {
		t.Errorf("%d messages, want 1", got)
	}
}

func TestStatusesAndTheLogStayTrueUnderASilence(t *testing.T) {
	s, room, forge := newSite(t), newReceiver(t, nil), newReceiver(t, statusCode(http.StatusCreated))
	s.hush(silence.Silence{Target: "*"})
	s.replica(chatRoom(room), gitea(forge), notify.Target{Name: "log", Kind: "log"})
	s.publish(nth(t, "a", 1))
	for range 3 {
		if d, quiet := s.notice().(events.NoticeWithheld); quiet && d.Target != "room" {
			t.Errorf("withheld %+v", d)
		}
	}
	if len(room.deliveries()) != 0 || len(forge.deliveries()) != 1 {
		t.Errorf("%d messages, %d statuses", len(room.deliveries()), len(forge.deliveries()))
	}
}

func TestSilenceThatEndsLetsTheShiftBeTold(t *testing.T) {
	s, room := newSite(t), newReceiver(t, nil)
	one := s.hush(silence.Silence{Bench: "randread"})
	s.replica(chatRoom(room))
	s.publish(nth(t, "a", 1))
	s.withheld()
	store, err := silence.Open(t.Context(), s.bus.JetStream(), bus.BucketSilences)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Expire(t.Context(), one.ID, "lee", time.Now()); err != nil {
		t.Fatal(err)
	}
	s.publish(nth(t, "a", 2))
	s.sent(1)
}
