package notify_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

// pull is a commit of pull request 7.
func pull(commit string) *events.Origin {
	o := origin("https://git.example.com/acme/storage.git")
	o.Pull, o.Ref, o.Commit = 7, "refs/pull/7/head", strings.Repeat(commit, 40)
	return o
}

// commentsOf lists the requests that made or changed comments.
func commentsOf(r *receiver) (list []delivery) {
	for _, d := range r.deliveries() {
		if strings.Contains(d.path, "/comments") {
			list = append(list, d)
		}
	}
	return list
}

func TestPullRequestHasOneCommentPerBenchThatPushesEdit(t *testing.T) {
	s := newSite(t)
	r := newReceiver(t, func(n int, w http.ResponseWriter) {
		w.WriteHeader(http.StatusCreated)
		id := 101 // made by the second request, changed by the fourth and sixth
		if n > 6 {
			id = 107
		}
		_, _ = fmt.Fprintf(w, `{"id": %d}`, id)
	})
	target := gitea(r)
	target.Comment = true
	s.replica(target)
	for i, commit := range []string{"a", "b", "c"} {
		s.publish(reported(t, events.HashID(fmt.Sprint(i)), pull(commit)))
	}
	other := reported(t, events.HashID("other"), pull("c"))
	other.Name = "randwrite"
	s.publish(other)
	s.publish(reported(t, events.HashID("main"), origin("https://git.example.com/acme/storage.git"))) // no pull request
	s.sent(5)
	var asked []string
	for _, d := range commentsOf(r) {
		asked = append(asked, d.method+" "+strings.TrimPrefix(d.path, "/api/v1/repos/acme/storage/issues/"))
	}
	// Each status comes first, so that the first comment is the second request.
	if want := "POST 7/comments, PATCH comments/101, PATCH comments/101, POST 7/comments"; strings.Join(asked, ", ") != want {
		t.Errorf("asked for %s\nwant %s", strings.Join(asked, ", "), want)
	}
	var body struct{ Body string }
	if err := json.Unmarshal(commentsOf(r)[2].body, &body); err != nil || !strings.Contains(body.Body, "Measured at "+strings.Repeat("c", 12)) {
		t.Errorf("the comment says %s", body.Body)
	}
}

func TestDeletedCommentIsWrittenAnew(t *testing.T) {
	s := newSite(t)
	r := newReceiver(t, func(n int, w http.ResponseWriter) {
		if n == 3 { // status, comment, status, change
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = fmt.Fprintf(w, `{"id": %d}`, 100+n)
	})
	target := gitea(r)
	target.Comment = true
	s.replica(target)
	for i := range 3 {
		s.publish(reported(t, events.HashID(fmt.Sprint(i)), pull("a")))
	}
	s.sent(3)
	asked := commentsOf(r)
	if len(asked) != 4 || asked[2].method != http.MethodPost || !strings.HasSuffix(asked[3].path, "/comments/104") {
		t.Errorf("%d requests about comments: %+v", len(asked), asked)
	}
}

// A held request says what it waits for, and stops to say so when approved.
func TestHeldPullRequestSaysHowToApproveIt(t *testing.T) {
	s, r := newSite(t), newReceiver(t, statusCode(http.StatusCreated))
	s.replica(gitea(r))
	d := example[events.PushIgnored](t, "push.ignored")
	d.Repo = pull("a").Repo
	d.Pull = &events.Pull{Number: 7, Base: "main", Fork: true}
	s.publish(d) // nothing to measure: no status
	d.Held, d.Reason = true, "pull request 7 waits for approval: fiord approve "+d.Push.Push
	s.publish(d)
	s.sent(1)
	s.publish(events.PushApproved{Push: d.Push.Push, By: "kim"})
	s.publish(events.PushApproved{Push: events.HashID("unknown"), By: "kim"}) // of nothing that was told
	s.sent(1)
	if got := strings.Join(r.states(t), ", "); got != "fiord pending, fiord success" {
		t.Errorf("the forge was told: %s", got)
	}
	told := r.deliveries()
	if want := "/api/v1/repos/acme/storage/statuses/" + d.After; told[0].path != want || told[1].path != want {
		t.Errorf("paths %s, %s, want %s", told[0].path, told[1].path, want)
	}
	for i, want := range []string{"waits for approval: fiord approve " + d.Push.Push, "approved by kim"} {
		if !strings.Contains(string(told[i].body), want) {
			t.Errorf("status %d says %s", i, told[i].body)
		}
	}
}

// A bench that is measured again to confirm a regression is pending at its
// commit until then, and the bench that confirms is told to nobody.
func TestBenchInDoubtSaysThatItIsMeasuredAgain(t *testing.T) {
	s, r, room := newSite(t), newReceiver(t, statusCode(http.StatusCreated)), newReceiver(t, nil)
	s.replica(gitea(r), chatRoom(room))
	o := origin("https://git.example.com/acme/storage.git")
	first := events.BenchID(s.publish(requested(o)))
	again := requested(o)
	again.Confirms = first
	second := events.BenchID(s.publish(again))
	end := reported(t, second, o)
	end.Confirms = first
	s.publish(end)
	s.sent(2)
	s.publish(reported(t, first, o))
	s.sent(2) // the forge and the room
	if got := strings.Join(r.states(t), ", "); got != "fiord/randread pending, fiord/randread pending, fiord/randread failure" {
		t.Errorf("the forge was told: %s", got)
	}
	if body := string(r.deliveries()[1].body); !strings.Contains(body, "measuring again to confirm") {
		t.Errorf("the second status says %s", body)
	}
	if got := len(room.deliveries()); got != 1 {
		t.Errorf("people got %d messages, want 1", got)
	}
}

// Statuses that a forge refuses are not dropped: what to do stands in the event,
// in the log, and in the dead letter.
func TestRefusedStatusIsVisibleAndSaysWhatToDo(t *testing.T) {
	for code, want := range map[int]string{
		http.StatusForbidden: "may not write statuses", http.StatusNotFound: "does not see the repository", http.StatusUnprocessableEntity: "does not take this status",
		http.StatusUnauthorized: "token is wrong or has expired",
	} {
		s, r := newSite(t), newReceiver(t, statusCode(code))
		s.replica(gitea(r))
		e := s.publish(reported(t, events.HashID("b"), origin("https://git.example.com/acme/storage.git")))
		failed, ok := s.notice().(events.NoticeFailed)
		if !ok || failed.Told != e.ID || !strings.Contains(failed.Reason, want) || !strings.Contains(failed.Reason, fmt.Sprint(code)) {
			t.Errorf("%d: notice is %+v", code, failed)
		}
		if log := s.log.String(); !strings.Contains(log, "fiord dead ls --reaction notify-forge") {
			t.Errorf("%d: the log does not say where to look:\n%s", code, log)
		}
		letters := 0
		for letter, err := range s.bus.DeadLetters(t.Context(), "notify-forge") {
			if err != nil {
				t.Fatal(err)
			}
			if letters++; letter.EventID != e.ID || !strings.Contains(letter.Reason, want) {
				t.Errorf("%d: dead letter %+v", code, letter)
			}
		}
		if letters != 1 {
			t.Errorf("%d: %d dead letters", code, letters)
		}
	}
}
