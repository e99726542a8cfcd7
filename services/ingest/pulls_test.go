package ingest_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/ingest"
)

// pullSite is a repository with a base branch that measures pull requests, and
// a pull request from a fork with a configuration of its own.
type pullSite struct {
	*site
	c          *clone
	url        string
	base, head string
}

func newPullSite(t *testing.T, pulls string) *pullSite {
	t.Helper()
	s := newSite(t)
	policy := filepath.Join(s.dir, "repos.yaml")
	writeFile(t, policy, "version: 1\nrules:\n- {repositories: [\"lab/*\"], pull_requests: "+pulls+"}\n"+
		"- {people: [\"the maintainer\"], may: [push.approved], speaks_for: [\"lab/*\"]}\n- {people: [a stranger], may: [push.approved]}\n", 0o600)
	p := &pullSite{site: s, url: s.replica(func(cfg *ingest.Config) { cfg.ReposFile = policy })}
	p.c = s.repository("jobs", "http://127.0.0.1:1")
	p.c.write("fiord.yaml", "version: 1\non: {pull_request: {branches: [main]}}\nbenches: [{name: of-the-base, jobs: [jobs/randread.fio]}]\n")
	p.c.write("jobs/randread.fio", jobFile)
	p.base, _ = p.c.push("refs/heads/main", "Base")
	p.c.write("fiord.yaml", "version: 1\non: {pull_request: {}}\nbenches: [{name: of-the-fork, jobs: [jobs/randread.fio]}]\n")
	p.c.write("jobs/randread.fio", jobFile+"bs=64k\n")
	p.head, _ = p.c.push("refs/pull/17/head", "Head")
	return p
}

// open posts a pull request's webhook.
func (p *pullSite) open(fork bool) {
	p.t.Helper()
	repo := func(name string) map[string]any {
		return map[string]any{"full_name": name, "clone_url": "file://" + p.c.bare}
	}
	from := "lab/jobs"
	if fork {
		from = "stranger/jobs"
	}
	body, err := json.Marshal(map[string]any{
		"action": "opened", "number": 17, "repository": repo("lab/jobs"),
		"pull_request": map[string]any{
			"head": map[string]any{"ref": "bs-64k", "sha": p.head, "repo": repo(from)},
			"base": map[string]any{"ref": "main", "sha": p.base, "repo": repo("lab/jobs")},
		},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	status, answer := post(p.t, p.url+"/hooks", string(body), map[string]string{
		"Content-Type": "application/json", "X-GitHub-Event": "pull_request", "X-Hub-Signature-256": hubSignature(body),
	})
	if status != 202 && status != 200 {
		p.t.Fatalf("status %d: %s", status, answer)
	}
}

func (s *site) approve(push string) {
	s.t.Helper()
	s.approveAs(push, &events.Requester{Right: events.RightPerson, Name: "the maintainer"})
}

func (s *site) approveAs(push string, by *events.Requester) {
	s.t.Helper()
	e := events.New("//lab/test", fmt.Sprint(push, by), nil, events.PushApproved{Push: push, By: "the maintainer", Requester: by})
	if _, err := s.bus("test").Publish(s.t.Context(), e); err != nil {
		s.t.Fatal(err)
	}
}

func TestForksWaitForApprovalAndRunTheBaseConfiguration(t *testing.T) {
	p := newPullSite(t, "members")
	p.open(true)
	held := data[events.PushIgnored](t, p.await(outcome...))
	if !strings.Contains(held.Reason, "waits for approval") || !strings.Contains(held.Reason, held.Push.Push) || !held.Pull.Fork || !held.Held {
		t.Fatalf("held %+v", held)
	}
	p.quiet(events.TypeBenchRequested)
	p.approve(held.Push.Push)
	bench := data[events.BenchRequested](t, p.await(outcome...))
	if bench.Name != "of-the-base" {
		t.Errorf("bench %q: the fork's own configuration ran", bench.Name)
	}
	if bench.Origin.Pull != 17 || bench.Origin.Commit != p.head {
		t.Errorf("origin %+v, want the head %s", bench.Origin, p.head)
	}
}

func TestMembersPullRequestsRunAtOnce(t *testing.T) {
	p := newPullSite(t, "members")
	p.open(false)
	if bench := data[events.BenchRequested](t, p.await(outcome...)); bench.Origin.Pull != 17 {
		t.Errorf("origin %+v", bench.Origin)
	}
}

func TestApprovedHoldsMembersToo(t *testing.T) {
	p := newPullSite(t, "approved")
	p.open(false)
	if held := data[events.PushIgnored](t, p.await(outcome...)); !strings.Contains(held.Reason, "waits for approval") {
		t.Errorf("held %+v", held)
	}
}

func TestPullRequestsAreOffByDefault(t *testing.T) {
	p := newPullSite(t, "off")
	p.open(true)
	p.quiet(append(outcome, events.TypePushReceived)...)
}

// Closing a request stops what waits for it.
func TestClosedPullRequestIsCancelled(t *testing.T) {
	p := newPullSite(t, "members")
	p.open(false)
	asked := p.await(outcome...)
	data[events.BenchRequested](t, asked)
	body := `{"action":"closed","number":17,"repository":{"full_name":"lab/jobs","clone_url":"file://` + p.c.bare + `"},
"pull_request":{"head":{"ref":"bs-64k","sha":"` + p.head + `"},"base":{"ref":"main","sha":"` + p.base + `"}}}`
	if status, answer := post(t, p.url+"/hooks", body, map[string]string{
		"Content-Type": "application/json", "X-GitHub-Event": "pull_request", "X-Hub-Signature-256": hubSignature([]byte(body)),
	}); status != 202 {
		t.Fatalf("status %d: %s", status, answer)
	}
	if got := data[events.CancelRequested](t, p.await(events.TypeCancelRequested)); got.Bench != events.BenchID(asked) {
		t.Errorf("cancelled %+v", got)
	}
}

func TestApprovalOfNothingIsADeadLetter(t *testing.T) {
	p := newPullSite(t, "members")
	p.approve(events.HashID("nothing"))
	b := p.bus("test")
	eventually(t, func() bool {
		for letter, err := range b.DeadLetters(t.Context(), "ingest-approve") {
			return err == nil && strings.Contains(letter.Reason, "no such push waits")
		}
		return false
	})
	p.quiet(outcome...)
}

func TestOutdatedApprovalRunsNothing(t *testing.T) {
	p := newPullSite(t, "members")
	p.open(true)
	held := data[events.PushIgnored](t, p.await(outcome...))
	p.c.write("jobs/randread.fio", jobFile+"bs=128k\n")
	p.head, _ = p.c.push("refs/pull/17/head", "Another head")
	p.open(true)
	newer := data[events.PushIgnored](t, p.await(outcome...))
	p.approve(held.Push.Push)
	got := data[events.PushIgnored](t, p.await(outcome...))
	if !strings.Contains(got.Reason, newer.Push.Push) {
		t.Errorf("reason %q, want the newest push %s", got.Reason, newer.Push.Push)
	}
}

// An approval needs a rule of the operator; one that has none decides nothing,
// and the request waits on.
func TestApprovalsAreJudged(t *testing.T) {
	p := newPullSite(t, "approved")
	p.open(true)
	held := data[events.PushIgnored](t, p.await(outcome...))
	for says, by := range map[string]*events.Requester{
		"does not say who":         nil,
		`person "mallory"`:         {Right: events.RightPerson, Name: "mallory"},
		"may not speak for":        {Right: events.RightPerson, Name: "a stranger"},
		`token "the maintainer"`:   {Right: events.RightToken, Name: "the maintainer"},
		"by the right of a confir": {Right: events.RightConfirmation, Name: "fiord/plot"},
	} {
		p.approveAs(held.Push.Push, by)
		again := data[events.PushIgnored](t, p.await(outcome...))
		if !again.Held || !strings.Contains(again.Reason, says) {
			t.Errorf("%+v: got %+v, want it held on, saying %q", by, again, says)
		}
	}
	p.approve(held.Push.Push)
	if b := data[events.BenchRequested](t, p.await(outcome...)); b.Requester == nil || b.Requester.Right != events.RightRepository {
		t.Errorf("requester %+v", b.Requester)
	}
}
