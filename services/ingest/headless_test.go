package ingest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

// headlessForge is a forge whose pull requests come without a commit.
type headlessForge struct {
	// header and body of a webhook about pull request 17, from a branch bs-64k of
	// the repository with the address from, without .git.
	header func(action, delivery string, body []byte) map[string]string
	body   func(action, name, to, from string) string
	// what the forge calls a request that is opened, changed and closed.
	opened, changed, closed string
}

func headlessForges() map[string]headlessForge {
	return map[string]headlessForge{
		"bitbucket": {
			opened: "pullrequest:created", changed: "pullrequest:updated", closed: "pullrequest:fulfilled",
			header: func(action, delivery string, body []byte) map[string]string {
				return map[string]string{
					"Content-Type": "application/json", "X-Event-Key": action, "X-Hook-UUID": "h", "X-Request-UUID": delivery,
					"X-Hub-Signature": hubSignature(body),
				}
			},
			body: func(_, name, to, from string) string {
				repo := func(name, address string) string {
					return fmt.Sprintf(`{"full_name":%q,"links":{"html":{"href":%q}}}`, name, address)
				}
				return fmt.Sprintf(`{"repository":%s,"pullrequest":{"id":17,
"source":{"branch":{"name":"bs-64k"},"commit":{"hash":"c441029cf673"},"repository":%s},
"destination":{"branch":{"name":"main"},"commit":{"hash":"6dcb09b5b578"},"repository":%s}}}`,
					repo("lab/jobs", to), repo(name, from), repo("lab/jobs", to))
			},
		},
		"gogs": {
			opened: "opened", changed: "synchronized", closed: "closed",
			header: func(_, delivery string, body []byte) map[string]string {
				return map[string]string{
					"Content-Type": "application/json", "X-Gogs-Event": "pull_request", "X-Gogs-Delivery": delivery,
					"X-Gogs-Signature": strings.TrimPrefix(hubSignature(body), "sha256="),
				}
			},
			body: func(action, name, to, from string) string {
				repo := func(name, address string) string {
					return fmt.Sprintf(`{"full_name":%q,"clone_url":"%s.git"}`, name, address)
				}
				return fmt.Sprintf(`{"action":%q,"number":17,"repository":%s,
"pull_request":{"number":17,"head_branch":"bs-64k","head_repo":%s,"base_branch":"main","base_repo":%s}}`,
					action, repo("lab/jobs", to), repo(name, from), repo("lab/jobs", to))
			},
		},
	}
}

// The forge names a branch of a fork that the base repository knows nothing of.
func TestPullRequestsWithoutACommit(t *testing.T) {
	for name, f := range headlessForges() {
		t.Run(name, func(t *testing.T) {
			p := newPullSite(t, "members")
			fork := p.repository("fork", "http://127.0.0.1:1")
			fork.write("fiord.yaml", "version: 1\non: {pull_request: {}}\nbenches: [{name: of-the-fork, jobs: [jobs/randread.fio]}]\n")
			fork.write("jobs/randread.fio", jobFile+"bs=64k\n")
			head, _ := fork.push("refs/heads/bs-64k", "Read more at once")
			told := 0
			tell := func(action string) {
				t.Helper()
				told++
				body := f.body(action, "stranger/jobs", strings.TrimSuffix(p.c.url(), ".git"), strings.TrimSuffix(fork.url(), ".git"))
				status, answer := post(t, p.url+"/hooks", body, f.header(action, fmt.Sprint(told), []byte(body)))
				if status != 202 {
					t.Fatalf("status %d: %s", status, answer)
				}
			}
			tell(f.opened)
			asked := p.await(events.TypePullReceived)
			received := p.await(events.TypePushReceived)
			if got := data[events.PushReceived](t, received); got.After != head || received.CausationID != asked.ID || received.CorrelationID != asked.ID {
				t.Errorf("received %+v, want the head %s, because of %s", received, head, asked.ID)
			}
			held := data[events.PushIgnored](t, p.await(outcome...))
			if !strings.Contains(held.Reason, "waits for approval") {
				t.Fatalf("held %+v", held)
			}
			tell(f.changed) // its title alone
			p.quiet(outcome...)
			p.approve(held.Push.Push)
			request := p.await(outcome...)
			if bench := data[events.BenchRequested](t, request); bench.Name != "of-the-base" || bench.Origin.Commit != head || bench.Origin.Pull != 17 {
				t.Errorf("bench %+v", bench)
			}
			tell(f.closed)
			if got := data[events.CancelRequested](t, p.await(events.TypeCancelRequested)); got.Bench != events.BenchID(request) {
				t.Errorf("cancelled %+v", got)
			}
		})
	}
}

func TestPullRequestWithoutItsBranchAsksForNothing(t *testing.T) {
	p := newPullSite(t, "members")
	f := headlessForges()["gogs"]
	body := f.body(f.opened, "stranger/jobs", strings.TrimSuffix(p.c.url(), ".git"), strings.TrimSuffix(p.c.url(), ".git"))
	if status, answer := post(t, p.url+"/hooks", body, f.header(f.opened, "1", []byte(body))); status != 202 {
		t.Fatalf("status %d: %s", status, answer)
	}
	p.await(events.TypePullReceived)
	p.quiet(append(outcome, events.TypePushReceived)...)
	for letter, err := range p.bus("test").DeadLetters(t.Context(), "ingest-pull") {
		t.Errorf("dead letter %+v, %v", letter, err)
	}
}
