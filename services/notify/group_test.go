package notify_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/notify"
)

// team is a chat that is told together what comes within wait.
func team(r *receiver, wait time.Duration) notify.Target {
	return notify.Target{Name: "team", Kind: "slack", Webhook: secret(r.URL), GroupWait: wait, GroupInterval: wait}
}

// titles lists what a chat was told, oldest first.
func (r *receiver) titles(t *testing.T) (titles []string) {
	t.Helper()
	for _, d := range r.deliveries() {
		var body struct{ Attachments []struct{ Title string } }
		if err := json.Unmarshal(d.body, &body); err != nil || len(body.Attachments) != 1 {
			t.Fatalf("body %s: %v", d.body, err)
		}
		titles = append(titles, body.Attachments[0].Title)
	}
	return titles
}

func TestHostsThatGoTogetherAreToldTogether(t *testing.T) {
	s, r := newSite(t), newReceiver(t, nil)
	s.replica(team(r, 2*time.Second))
	const n = 30
	for i := range n {
		s.publish(lost(fmt.Sprintf("rack1-%02d", i)))
	}
	sent := s.sent(n)
	if got := r.titles(t); len(got) != 1 || got[0] != "30 bench hosts are lost" {
		t.Fatalf("the chat was told %q", got)
	}
	for _, one := range sent {
		if one.Message == "" || one.Message != sent[0].Message {
			t.Errorf("notice %s was told under %q, another under %q", one.Notice.Notice, one.Message, sent[0].Message)
		}
	}
}

func TestWhatComesAloneIsToldAsItIs(t *testing.T) {
	s, r := newSite(t), newReceiver(t, nil)
	s.replica(team(r, 500*time.Millisecond))
	s.publish(lost("node1"))
	if sent := s.sent(1)[0]; sent.Message != "" {
		t.Errorf("told under %q", sent.Message)
	}
	if got := r.titles(t); len(got) != 1 || got[0] != "bench host node1 is lost" {
		t.Errorf("the chat was told %q", got)
	}
}

func TestGroupsAreApartAndEllipsisTurnsGroupingOff(t *testing.T) {
	s, r, alone := newSite(t), newReceiver(t, nil), newReceiver(t, nil)
	each := team(alone, time.Second)
	each.Name, each.GroupBy = "each", []string{"..."}
	s.replica(team(r, time.Second), each)
	a, b := origin("https://git.example.com/a.git"), origin("https://git.example.com/b.git")
	b.Repo.Name = "acme/other"
	for i, o := range []*events.Origin{a, a, b} {
		s.publish(reported(t, events.HashID(fmt.Sprint(i)), o))
	}
	s.publish(lost("node1"))
	s.sent(8)
	told := r.titles(t)
	if len(told) != 3 || !strings.Contains(strings.Join(told, "\n"), "acme/storage: 2 benches have reported: 2 regressed") {
		t.Errorf("the team was told %q", told)
	}
	if got := len(alone.titles(t)); got != 4 {
		t.Errorf("%d messages without grouping, want 4", got)
	}
}

// A stop between the first notice and the message loses nothing and says
// nothing twice: what waits is in the queue.
func TestWhatWaitsForOthersSurvivesAStop(t *testing.T) {
	s, r := newSite(t), newReceiver(t, nil)
	stop := s.replica(team(r, 3*time.Second))
	for i := range 5 {
		s.publish(lost(fmt.Sprint("a", i)))
	}
	s.eventually("they wait", func() bool { return s.pending("notify-team") == 5 })
	stop()
	s.publish(lost("b"))
	s.replica(team(r, 3*time.Second))
	s.replica(team(r, 3*time.Second)) // and a second replica changes nothing
	s.sent(6)
	// The one that came while notify was stopped may have missed the message.
	told := strings.Join(r.titles(t), ", ")
	if told != "6 bench hosts are lost" && told != "5 bench hosts are lost, bench host b is lost" {
		t.Errorf("the chat was told %q", told)
	}
}

// pending is how many events a queue has given out that are not settled.
func (s *site) pending(durable string) int {
	c, err := s.bus.JetStream().Consumer(s.t.Context(), bus.StreamEvents, durable)
	if err != nil {
		return -1
	}
	info, err := c.Info(s.t.Context())
	if err != nil {
		return -1
	}
	return info.NumAckPending
}

func TestMessageThatNeedsARetryIsOneMessage(t *testing.T) {
	s, r := newSite(t), newReceiver(t, statusCode(500, 429, 200))
	s.replica(team(r, time.Second))
	for i := range 4 {
		s.publish(lost(fmt.Sprint(i)))
	}
	s.sent(4)
	if got := r.titles(t); len(got) != 3 || got[2] != "4 bench hosts are lost" {
		t.Errorf("asked with %q", got)
	}
}

// Who is refused a message was told of none of its notices: each has its dead
// letter, and giving them all back makes one message again.
func TestRefusedMessageFailsAllItsNoticesAndIsRedrivenAsOne(t *testing.T) {
	s, r := newSite(t), newReceiver(t, statusCode(http.StatusGone, http.StatusOK))
	s.replica(team(r, time.Second))
	const n = 5
	for i := range n {
		s.publish(lost(fmt.Sprint(i)))
	}
	for range n {
		if failed, ok := s.notice().(events.NoticeFailed); !ok || !strings.Contains(failed.Reason, "410 Gone") {
			t.Fatalf("notice is %+v", failed)
		}
	}
	s.silence()
	var letters []uint64
	for letter, err := range s.bus.DeadLetters(t.Context(), "notify-team") {
		if err != nil {
			t.Fatal(err)
		}
		letters = append(letters, letter.Number)
	}
	if len(letters) != n {
		t.Fatalf("%d dead letters, want %d", len(letters), n)
	}
	for _, number := range letters {
		if err := s.bus.Redrive(t.Context(), number); err != nil {
			t.Fatal(err)
		}
	}
	s.sent(n)
	if got := r.titles(t); len(got) != 2 || got[1] != "5 bench hosts are lost" {
		t.Errorf("asked with %q", got)
	}
}

func TestMessagesOfAGroupKeepTheirInterval(t *testing.T) {
	s, r := newSite(t), newReceiver(t, nil)
	target := team(r, 300*time.Millisecond)
	target.GroupInterval = 5 * time.Second // in which a busy machine publishes three
	s.replica(target)
	s.publish(lost("first"))
	s.sent(1)
	for i := range 3 {
		s.publish(lost(fmt.Sprint("later", i)))
	}
	s.sent(3)
	if all := r.deliveries(); len(all) == 2 && all[1].at.Sub(all[0].at) < 2*time.Second {
		t.Errorf("the second message came after %v", all[1].at.Sub(all[0].at))
	}
	if got := r.titles(t); len(got) != 2 || got[1] != "3 bench hosts are lost" {
		t.Errorf("the chat was told %q", got)
	}
}
