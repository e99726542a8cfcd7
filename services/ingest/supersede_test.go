package ingest_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/ingest"
)

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v", patience)
		}
	}
}

// benchAsked pushes and returns the id of the bench that follows.
func benchAsked(t *testing.T, s *site, c *clone, ref, content string) string {
	t.Helper()
	c.write("jobs/randread.fio", content)
	c.push(ref, "Change the job")
	e := s.await(outcome...)
	data[events.BenchRequested](t, e)
	return events.BenchID(e)
}

func TestNewerPushSupersedesOlderBenches(t *testing.T) {
	s := newSite(t)
	c := s.repository("jobs", s.replica(nil))
	c.write("fiord.yaml", fiordYML)
	first := benchAsked(t, s, c, "refs/heads/topic", jobFile)
	s.quiet(events.TypeCancelRequested)
	second := benchAsked(t, s, c, "refs/heads/topic", jobFile+"bs=8k\n")
	got := data[events.CancelRequested](t, s.await(events.TypeCancelRequested))
	if got.Bench != first || !got.QueuedOnly || got.SupersededBy == "" || !strings.Contains(got.Reason, "refs/heads/topic") {
		t.Errorf("cancelled %+v, want %s, queued runs only", got, first)
	}
	other := benchAsked(t, s, c, "refs/heads/elsewhere", jobFile)
	s.quiet(events.TypeCancelRequested)
	run(t, c.dir, "git", "push", "--quiet", "origin", ":refs/heads/topic")
	if got := data[events.CancelRequested](t, s.await(events.TypeCancelRequested)); got.Bench != second || !strings.Contains(got.Reason, "deleted") {
		t.Errorf("deletion cancelled %+v, want %s", got, second)
	}
	s.quiet(events.TypeCancelRequested)
	_ = other
}

// Of two pushes received together, the second of which changed nothing that is
// measured, the first once lost its benches to the second.
func TestPushThatAsksForNothingSupersedesNothing(t *testing.T) {
	s := newSite(t)
	c := s.repository("jobs", "http://127.0.0.1:1") // nobody is told of what is pushed
	c.write("fiord.yaml", "version: 1\non: {push: {paths: [\"jobs/**\"]}}\nbenches: [{name: a, jobs: [jobs/randread.fio]}]\n")
	c.write("jobs/randread.fio", jobFile)
	first, _ := c.push("refs/heads/topic", "Add a job")
	c.write("README", "What is measured here")
	second, _ := c.push("refs/heads/topic", "Explain it")
	c.write("jobs/randread.fio", jobFile+"bs=8k\n")
	third, _ := c.push("refs/heads/topic", "Change the job")
	push := func(before, after string) {
		e := events.Push{Repo: events.Repo{Forge: "git", Name: "lab/jobs", CloneURL: c.url()}, Ref: "refs/heads/topic", Before: before, After: after}
		e.Push = events.PushID("git", "lab/jobs", e.Ref, before, after, "")
		if _, err := s.bus("ingest").Publish(t.Context(), events.New("fiord/ingest", e.Push, nil, events.PushReceived{Push: e})); err != nil {
			t.Fatal(err)
		}
	}
	push(zero, first)
	push(first, second)
	s.replica(func(c *ingest.Config) { c.Checkouts = 2 }) // which meets both before it has worked on either
	bench, ignored := "", false
	for range 2 { // in whichever order
		switch e := s.await(outcome...); e.Type {
		case events.TypeBenchRequested:
			bench = events.BenchID(e)
		case events.TypePushIgnored:
			ignored = true
		}
	}
	if bench == "" || !ignored {
		t.Fatalf("bench %q, ignored %t: want one of each", bench, ignored)
	}
	s.quiet(events.TypeCancelRequested)
	push(second, third)
	s.await(events.TypeBenchRequested)
	if got := data[events.CancelRequested](t, s.await(events.TypeCancelRequested)); got.Bench != bench {
		t.Errorf("cancelled %+v, want %s", got, bench)
	}
}

func TestSupersedeAsConfigured(t *testing.T) {
	s := newSite(t)
	c := s.repository("jobs", s.replica(nil))
	c.write("fiord.yaml", "supersede: running\n"+fiordYML)
	first := benchAsked(t, s, c, "refs/heads/topic", jobFile)
	benchAsked(t, s, c, "refs/heads/topic", jobFile+"bs=8k\n")
	if got := data[events.CancelRequested](t, s.await(events.TypeCancelRequested)); got.Bench != first || got.QueuedOnly {
		t.Errorf("cancelled %+v, want %s, running or not", got, first)
	}
	c.write("fiord.yaml", "supersede: none\n"+fiordYML)
	benchAsked(t, s, c, "refs/heads/calm", jobFile)
	benchAsked(t, s, c, "refs/heads/calm", jobFile+"bs=8k\n")
	s.quiet(events.TypeCancelRequested)
}

// Every commit of the branch that others are compared with is wanted.
func TestBaselineIsNeverSuperseded(t *testing.T) {
	s := newSite(t)
	c := s.repository("jobs", s.replica(nil))
	c.write("fiord.yaml", "supersede: running\nversion: 1\nbenches: [{name: a, jobs: [jobs/randread.fio], compare: {baseline: main}}]\n")
	benchAsked(t, s, c, "refs/heads/main", jobFile)
	benchAsked(t, s, c, "refs/heads/main", jobFile+"bs=8k\n")
	s.quiet(events.TypeCancelRequested)
}

// Delivered again after the duplicate window, or replayed, a push says the same
// again: the same bench, by the same id.
func TestPushWorkedOnTwiceAsksOnce(t *testing.T) {
	s := newSite(t)
	c := s.repository("jobs", s.replica(nil))
	c.write("fiord.yaml", fiordYML)
	first := benchAsked(t, s, c, "refs/heads/topic", jobFile)
	second := benchAsked(t, s, c, "refs/heads/topic", jobFile+"bs=8k\n")
	s.await(events.TypeCancelRequested)
	b := s.bus("test")
	eventually(t, func() bool {
		n, err := b.Replay(t.Context(), "ingest-checkout", 1, 1000)
		return err == nil && n == 2
	})
	deadline := time.After(2 * time.Second)
	for {
		select {
		case e := <-s.seen:
			switch d := e.Data.(type) {
			case events.BenchRequested:
				if id := events.BenchID(e); id != first && id != second {
					t.Errorf("replay asked for another bench %s", id)
				}
			case events.CancelRequested:
				if d.Bench != first {
					t.Errorf("replay cancelled %s", d.Bench)
				}
			case events.PushIgnored, events.PushRejected:
				t.Errorf("replay said %s: %+v", e.Type, e.Data)
			}
		case <-deadline:
			return
		}
	}
}

func TestReplicasBehaveAsOne(t *testing.T) {
	s := newSite(t)
	urls := []string{s.replica(nil), s.replica(nil)}
	c := s.repository("jobs", urls[0])
	c.write("fiord.yaml", fiordYML)
	c.write("jobs/randread.fio", jobFile)
	commit, _ := c.push("refs/heads/main", "Add a job")
	data[events.BenchRequested](t, s.await(outcome...))
	// The same push once more, by a webhook under another forge's name: another
	// push as far as ids go, delivered to both replicas at once.
	var posts sync.WaitGroup
	for _, url := range urls {
		for range 5 {
			posts.Go(func() {
				if status, answer := gitHubPush(t, url, c, "refs/heads/main", zero, commit); status != 202 {
					t.Errorf("status %d: %s", status, answer)
				}
			})
		}
	}
	posts.Wait()
	data[events.BenchRequested](t, s.await(outcome...))
	s.quiet(events.TypePushReceived, events.TypeBenchRequested, events.TypePushIgnored)
}
