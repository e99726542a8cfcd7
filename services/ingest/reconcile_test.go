package ingest_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/ingest"
)

func TestMissedPushesAreFoundOnce(t *testing.T) {
	s := newSite(t)
	c := s.repository("jobs", "http://127.0.0.1:1") // nobody hears this hook
	policy := filepath.Join(s.dir, "repos.yaml")
	writeFile(t, policy, "version: 1\nrules:\n- {repositories: [lab/jobs], forges: [github], clone: \"file://"+c.bare+"\", reconcile: true}\n", 0o600)
	c.write("fiord.yaml", fiordYML)
	c.write("jobs/randread.fio", jobFile)
	first, _ := c.push("refs/heads/main", "Before anybody looked")
	reconciling := func(cfg *ingest.Config) {
		cfg.ReposFile, cfg.ReconcileEvery = policy, 200*time.Millisecond
	}
	url := s.replica(reconciling)
	s.replica(reconciling)
	s.quiet(events.TypePushReceived)

	c.write("jobs/randread.fio", jobFile+"bs=8k\n")
	missed, _ := c.push("refs/heads/main", "Missed")
	got := data[events.PushReceived](t, s.await(events.TypePushReceived))
	if !got.Reconciled || got.Before != first || got.After != missed || got.Repo.Forge != "github" {
		t.Errorf("reconciled %+v, want %s..%s", got, first, missed)
	}
	data[events.BenchRequested](t, s.await(outcome...))
	// The webhook comes late, and says what is known.
	if status, answer := gitHubPush(t, url, c, "refs/heads/main", first, missed); status != 202 {
		t.Fatalf("status %d: %s", status, answer)
	}
	if got := data[events.PushReceived](t, s.await(events.TypePushReceived)); got.Reconciled {
		t.Errorf("received %+v, want the webhook's", got)
	}
	s.quiet(append(outcome, events.TypePushReceived)...)

	// One that is told is not found again.
	c.write("jobs/randread.fio", jobFile+"bs=16k\n")
	told, _ := c.push("refs/heads/main", "Told")
	if status, answer := gitHubPush(t, url, c, "refs/heads/main", missed, told); status != 202 {
		t.Fatalf("status %d: %s", status, answer)
	}
	if got := data[events.PushReceived](t, s.await(events.TypePushReceived)); got.After != told || got.Before != missed {
		t.Errorf("received %+v", got)
	}
	data[events.BenchRequested](t, s.await(outcome...))
	time.Sleep(time.Second)
	s.quiet(outcome...)

	run(t, c.dir, "git", "push", "--quiet", "origin", "HEAD:refs/heads/topic")
	if got := data[events.PushReceived](t, s.await(events.TypePushReceived)); !got.Reconciled || got.Before != zero || got.Ref != "refs/heads/topic" {
		t.Errorf("new branch: %+v", got)
	}
	run(t, c.dir, "git", "push", "--quiet", "origin", ":refs/heads/topic")
	if got := data[events.PushReceived](t, s.await(events.TypePushReceived)); !got.Reconciled || got.After != zero || got.Before != told {
		t.Errorf("deletion: %+v", got)
	}
}
