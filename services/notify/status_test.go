package notify_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/notify"
)

// gitea is a target for a forge whose repositories are at git.example.com.
func gitea(r *receiver) notify.Target {
	return notify.Target{Name: "forge", Kind: "gitea", URL: r.URL, Hosts: []string{"git.example.com"}, Token: secret("t")}
}

func origin(clone string) *events.Origin {
	return &events.Origin{
		Repo: events.Repo{Forge: "forgejo", Name: "acme/storage", CloneURL: clone},
		Ref:  "refs/heads/main", Commit: strings.Repeat("a", 40),
	}
}

func requested(o *events.Origin) events.BenchRequested {
	return events.BenchRequested{Name: "randread", Jobs: []events.Job{{Name: "a.fio", Inline: "[a]"}}, Origin: o}
}

func reported(t *testing.T, bench string, o *events.Origin) events.BenchReported {
	t.Helper()
	d := example[events.BenchReported](t, "bench.reported")
	d.Bench, d.Name, d.Origin, d.Shift = bench, "randread", o, nil
	return d
}

// states lists what the forge was told, oldest first.
func (r *receiver) states(t *testing.T) (states []string) {
	t.Helper()
	for _, d := range r.deliveries() {
		var body struct{ State, Context string }
		if err := json.Unmarshal(d.body, &body); err != nil {
			t.Fatal(err)
		}
		states = append(states, body.Context+" "+body.State)
	}
	return states
}

func TestCommitIsPendingThenHasItsVerdict(t *testing.T) {
	s, r := newSite(t), newReceiver(t, statusCode(http.StatusCreated))
	s.replica(gitea(r))
	o := origin("https://git.example.com/acme/storage.git")
	bench := events.BenchID(s.publish(requested(o)))
	s.publish(reported(t, bench, o))
	s.sent(2)
	if got := strings.Join(r.states(t), ", "); got != "fiord/randread pending, fiord/randread failure" {
		t.Errorf("the forge was told: %s", got)
	}
	want := "/api/v1/repos/acme/storage/statuses/" + o.Commit
	if got := r.deliveries()[0].path; got != want {
		t.Errorf("path %s, want %s", got, want)
	}
}

// A pending status that was refused and is redriven after the verdict would
// leave the commit pending for good.
func TestPendingNeverFollowsTheVerdict(t *testing.T) {
	s, r := newSite(t), newReceiver(t, statusCode(http.StatusNotFound, http.StatusCreated))
	s.replica(gitea(r))
	o := origin("ssh://git@git.example.com:2222/acme/storage.git")
	bench := events.BenchID(s.publish(requested(o)))
	if _, failed := s.notice().(events.NoticeFailed); !failed {
		t.Fatal("the refused pending status was told as sent")
	}
	s.publish(reported(t, bench, o))
	s.sent(1)
	for letter, err := range s.bus.DeadLetters(t.Context(), "notify-forge") {
		if err != nil {
			t.Fatal(err)
		}
		if err := s.bus.Redrive(t.Context(), letter.Number); err != nil {
			t.Fatal(err)
		}
	}
	s.sent(1)
	if got := r.states(t); len(got) != 2 || got[1] != "fiord/randread failure" {
		t.Errorf("the forge was told: %v", got)
	}
}

func TestTokenIsUsedForRepositoriesOfItsForgeOnly(t *testing.T) {
	s, r := newSite(t), newReceiver(t, nil)
	s.replica(gitea(r))
	elsewhere := origin("https://evil.example.net/acme/storage.git")
	other := origin("https://git.example.com/acme/storage.git")
	other.Repo.Forge = "github"
	for _, o := range []*events.Origin{elsewhere, other, nil} {
		s.publish(requested(o))
	}
	s.publish(requested(origin("git@git.example.com:acme/storage.git")))
	s.sent(1)
	if got := len(r.deliveries()); got != 1 {
		t.Errorf("%d statuses were written, want 1", got)
	}
}

func TestRepositoryNameCannotLeaveTheAPI(t *testing.T) {
	s, r := newSite(t), newReceiver(t, nil)
	s.replica(gitea(r))
	o := origin("https://git.example.com/x.git")
	o.Repo.Name = "../admin"
	s.publish(requested(o))
	if failed, ok := s.notice().(events.NoticeFailed); !ok || !strings.Contains(failed.Reason, "repository") {
		t.Errorf("notice is %+v", failed)
	}
	if len(r.deliveries()) != 0 {
		t.Errorf("asked for %s", r.deliveries()[0].path)
	}
}

func TestFiltersChooseVerdictsAndRepositories(t *testing.T) {
	s, r := newSite(t), newReceiver(t, nil)
	target := hook("bad-news", r.URL)
	target.On = []string{"bench.reported", "host.lost"}
	target.Verdicts = []string{"regressed"}
	target.Repos = []string{"acme/*"}
	s.replica(target)
	o := origin("https://git.example.com/acme/storage.git")
	wanted := reported(t, events.HashID("1"), o)
	calm, foreign, nobody := wanted, wanted, wanted
	calm.Bench, calm.Verdict = events.HashID("2"), events.VerdictUnchanged
	foreignOrigin := *o
	foreignOrigin.Repo.Name = "other/storage"
	foreign.Bench, foreign.Origin = events.HashID("3"), &foreignOrigin
	nobody.Bench, nobody.Origin = events.HashID("4"), nil
	for _, data := range []events.Data{calm, foreign, nobody, lost("node"), example[events.RunFailed](t, "run.failed"), wanted} {
		s.publish(data)
	}
	s.sent(1)
	if got := r.deliveries(); len(got) != 1 || !strings.Contains(string(got[0].body), wanted.Bench) {
		t.Errorf("%d deliveries", len(got))
	}
}

// What is wrong with a push stands at its commit, where the author looks first,
// with the line to mend.
func TestRejectedPushFailsItsCommit(t *testing.T) {
	s, r := newSite(t), newReceiver(t, statusCode(http.StatusCreated))
	s.replica(gitea(r))
	d := example[events.PushRejected](t, "push.rejected")
	d.Repo = origin("https://git.example.com/acme/storage.git").Repo
	s.publish(d)
	s.sent(1)
	if got := strings.Join(r.states(t), ", "); got != "fiord failure" {
		t.Errorf("the forge was told: %s", got)
	}
	told := r.deliveries()[0]
	var body struct{ Description string }
	if err := json.Unmarshal(told.body, &body); err != nil {
		t.Fatal(err)
	}
	if told.path != "/api/v1/repos/acme/storage/statuses/"+d.After || !strings.HasPrefix(body.Description, "fiord.yaml:9:5: ") {
		t.Errorf("%s was told %q", told.path, body.Description)
	}
}
