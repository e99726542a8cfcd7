package ingest_test

import (
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
)

const zero = "0000000000000000000000000000000000000000"

// TestGitPushAsksForABench is the thread: a real push through the real hook.
func TestGitPushAsksForABench(t *testing.T) {
	s := newSite(t)
	c := s.repository("jobs", s.replica(nil))
	c.write("fiord.yaml", fiordYML)
	c.write("jobs/randread.fio", jobFile)
	commit, output := c.push("refs/heads/main", "Add a job")

	received := s.await(events.TypePushReceived)
	push := data[events.PushReceived](t, received)
	if want := "remote: fiord: main: push " + push.Push.Push + " received"; !strings.Contains(output, want) {
		t.Errorf("the pusher saw\n%s\nwant %q", output, want)
	}
	if push.Repo.Forge != "git" || push.Repo.Name != "lab/jobs" || push.Repo.DefaultBranch != "main" || push.Before != zero || push.After != commit {
		t.Errorf("push %+v", push)
	}
	asked := s.await(events.TypeBenchRequested, events.TypePushRejected, events.TypePushIgnored)
	bench := data[events.BenchRequested](t, asked)
	if asked.CausationID != received.ID || asked.CorrelationID != received.ID {
		t.Errorf("the bench is caused by %s and correlated with %s, want %s", asked.CausationID, asked.CorrelationID, received.ID)
	}
	if bench.Name != "randread" || bench.Origin == nil || bench.Origin.Commit != commit || bench.Origin.Ref != "refs/heads/main" {
		t.Errorf("bench %+v", bench)
	}
	if got := artifactstest.Read(t, s.store, *bench.Jobs[0].Claim); got != jobFile {
		t.Errorf("stored job file %q", got)
	}
}

func TestGitHubPushAsksForABench(t *testing.T) {
	s := newSite(t)
	url := s.replica(nil)
	c := s.repository("jobs", "http://127.0.0.1:1")
	c.write("fiord.yaml", fiordYML)
	c.write("jobs/randread.fio", jobFile)
	commit, output := c.push("refs/heads/main", "Add a job")
	if !strings.Contains(output, "not told, http://127.0.0.1:1 does not answer") {
		t.Errorf("the pusher saw\n%s", output)
	}
	status, answer := gitHubPush(t, url, c, "refs/heads/main", zero, commit)
	if status != 202 {
		t.Fatalf("status %d: %s", status, answer)
	}
	bench := data[events.BenchRequested](t, s.await(events.TypeBenchRequested, events.TypePushRejected, events.TypePushIgnored))
	if bench.Origin.Commit != commit || bench.Origin.Repo.Forge != "github" {
		t.Errorf("origin %+v", bench.Origin)
	}
}
