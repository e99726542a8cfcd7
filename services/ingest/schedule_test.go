package ingest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

func TestFiredScheduleMeasuresTheHead(t *testing.T) {
	s := newSite(t)
	c := s.repository("jobs", s.replica(nil))
	c.write("fiord.yaml", "version: 1\non: {schedule: [\"0 3 * * *\"]}\nbenches: [{name: nightly, jobs: [jobs/randread.fio]}]\n")
	c.write("jobs/randread.fio", jobFile)
	commit, _ := c.push("refs/heads/main", "Measure nightly")
	data[events.PushIgnored](t, s.await(outcome...)) // on.push is not set

	b := s.bus("ingest")
	kv, err := b.JetStream().KeyValue(t.Context(), bus.BucketRefs)
	if err != nil {
		t.Fatal(err)
	}
	schedules := func() []string {
		lister, err := kv.ListKeysFiltered(t.Context(), "schedules.>")
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for k := range lister.Keys() {
			keys = append(keys, k)
		}
		return keys
	}
	if keys := schedules(); len(keys) != 1 {
		t.Fatalf("schedules kept: %v, want those of one repository", keys)
	}
	fired := events.ScheduleFired{
		Schedule: events.HashID("s"), Repo: events.Repo{Forge: "git", Name: "lab/jobs", CloneURL: c.bare},
		Ref: "refs/heads/main", Expression: "0 3 * * *", Tick: time.Now().UTC(),
	}
	if _, err := b.Publish(t.Context(), events.New("fiord/ingest", "tick", nil, fired)); err != nil {
		t.Fatal(err)
	}
	bench := data[events.BenchRequested](t, s.await(outcome...))
	if bench.Name != "nightly" || bench.Origin.Commit != commit || bench.Origin.Push != "" {
		t.Errorf("bench %+v, origin %+v", bench.Name, bench.Origin)
	}

	fired.Ref = "refs/heads/gone"
	if _, err := b.Publish(t.Context(), events.New("fiord/ingest", "another tick", nil, fired)); err != nil {
		t.Fatal(err)
	}
	data[events.PushIgnored](t, s.await(outcome...))

	c.write("fiord.yaml", fiordYML)
	c.push("refs/heads/main", "No schedule any more")
	data[events.BenchRequested](t, s.await(outcome...))
	eventually(t, func() bool {
		e, err := kv.Get(t.Context(), schedules()[0])
		return err == nil && !strings.Contains(string(e.Value()), "0 3 * * *")
	})
}
