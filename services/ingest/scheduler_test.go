package ingest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
	"github.com/fiord-bench/fiord/services/ingest/repofile"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestDue(t *testing.T) {
	daily := repofile.Schedule{Cron: "0 3 * * *"}
	berlin := repofile.Schedule{Cron: "30 2 * * *", Timezone: "Europe/Berlin"}
	tests := []struct {
		name      string
		sched     repofile.Schedule
		last, now string
		want      string // "" for nothing due
	}{
		{"not yet", daily, "2026-03-14T03:00:00Z", "2026-03-15T02:59:59Z", ""},
		{"on the minute", daily, "2026-03-14T03:00:00Z", "2026-03-15T03:00:00Z", "2026-03-15T03:00:00Z"},
		{"fired already", daily, "2026-03-15T03:00:00Z", "2026-03-15T03:00:40Z", ""},
		{"many were missed, the last counts", daily, "2026-03-01T03:00:00Z", "2026-03-15T12:00:00Z", "2026-03-15T03:00:00Z"},
		{"a time zone", berlin, "2026-03-14T00:00:00Z", "2026-03-14T12:00:00Z", "2026-03-14T01:30:00Z"},
		{"an hour that does not exist", berlin, "2026-03-28T01:30:00Z", "2026-03-29T12:00:00Z", "2026-03-29T01:00:00Z"},
		{"an hour that comes twice", berlin, "2026-10-25T00:30:00Z", "2026-10-25T12:00:00Z", ""},
		{"older than any outage", daily, "2020-01-01T00:00:00Z", "2026-03-15T12:00:00Z", "2026-03-15T03:00:00Z"},
		{"never", repofile.Schedule{Cron: "0 0 30 2 *"}, "2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok, err := due(tt.sched, at(tt.last), at(tt.now))
			if err != nil || ok != (tt.want != "") || ok && !got.Equal(at(tt.want)) {
				t.Errorf("got %v, %v, %v; want %q", got, ok, err, tt.want)
			}
		})
	}
}

// clockwork is some replicas' schedulers under one clock.
type clockwork struct {
	t        *testing.T
	now      time.Time
	replicas []*scheduler
	events   *bus.Bus
	known    int // ticks that wake has returned
}

func newClockwork(t *testing.T, sched repofile.Schedule) *clockwork {
	t.Helper()
	nats := bustest.NewServer(t)
	c := &clockwork{t: t, now: at("2026-03-14T12:00:00Z")}
	b := nats.Bus("fiord/test")
	c.events = b
	kv, err := b.JetStream().KeyValue(t.Context(), bus.BucketRefs)
	if err != nil {
		t.Fatal(err)
	}
	repo := events.Repo{Forge: "git", Name: "lab/jobs", CloneURL: "https://h/lab/jobs", DefaultBranch: "trunk"}
	stored := repoSchedules{Repo: repo, Sequence: 1, Since: c.now, Schedules: []repofile.Schedule{sched}}
	if _, err := (&refs{kv}).swap(t.Context(), schedulesKey(repo), 0, stored); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s := &scheduler{refs: &refs{kv}, bus: nats.Bus("fiord/ingest"), log: slog.New(slog.NewTextHandler(t.Output(), nil)),
			now: func() time.Time { return c.now }, clone: func(r events.Repo) string { return r.CloneURL }}
		e, err := kv.Get(t.Context(), schedulesKey(repo))
		if err != nil {
			t.Fatal(err)
		}
		s.learn(put{e})
		c.replicas = append(c.replicas, s)
	}
	return c
}

// put is an entry as a watch gives it.
type put struct{ jetstream.KeyValueEntry }

func (put) Operation() jetstream.KeyValueOp { return jetstream.KeyValuePut }

// wake lets every replica look at the clock, and returns what was fired.
func (c *clockwork) wake(now string) []events.ScheduleFired {
	c.t.Helper()
	c.now = at(now)
	for _, s := range c.replicas {
		s.fireDue(c.t.Context())
	}
	all := c.fired()
	list := all[c.known:]
	c.known = len(all)
	return list
}

// fired reads every tick from the stream, in which a replica's are when it has fired.
func (c *clockwork) fired() (list []events.ScheduleFired) {
	c.t.Helper()
	all := make(chan struct{})
	sub, err := c.events.Watch(c.t.Context(), bus.View{Types: []events.Type{events.TypeScheduleFired}, See: func(_ context.Context, seen bus.Seen) {
		list = append(list, seen.Event.Data.(events.ScheduleFired))
	}, CaughtUp: func() { close(all) }})
	if err != nil {
		c.t.Fatal(err)
	}
	select {
	case <-all:
	case <-time.After(time.Minute):
		c.t.Error("the stream is not read to its end")
	}
	sub.Stop()
	return list
}

func TestATickFiresOnceOverAllReplicas(t *testing.T) {
	c := newClockwork(t, repofile.Schedule{Cron: "0 * * * *"})
	if got := c.wake("2026-03-14T12:59:59Z"); len(got) != 0 {
		t.Errorf("fired early: %+v", got)
	}
	got := c.wake("2026-03-14T13:00:10Z")
	if len(got) != 1 || !got[0].Tick.Equal(at("2026-03-14T13:00:00Z")) || got[0].Missed || got[0].Ref != "refs/heads/trunk" {
		t.Fatalf("fired %+v, want one tick on time", got)
	}
	if got := c.wake("2026-03-14T13:00:50Z"); len(got) != 0 {
		t.Errorf("fired again: %+v", got)
	}
	if got := c.wake("2026-03-14T14:00:00Z"); len(got) != 1 {
		t.Errorf("fired %+v, want the next tick", got)
	}
}

func TestMissedTicks(t *testing.T) {
	once := newClockwork(t, repofile.Schedule{Cron: "0 * * * *"})
	if got := once.wake("2026-03-14T18:30:00Z"); len(got) != 1 || !got[0].Missed || !got[0].Tick.Equal(at("2026-03-14T18:00:00Z")) {
		t.Errorf("fired %+v, want one for six missed", got)
	}
	if got := once.wake("2026-03-14T18:31:00Z"); len(got) != 0 {
		t.Errorf("fired again: %+v", got)
	}
	skip := newClockwork(t, repofile.Schedule{Cron: "0 * * * *", Missed: "skip"})
	if got := skip.wake("2026-03-14T18:30:00Z"); len(got) != 0 {
		t.Errorf("fired %+v, want missed ticks left out", got)
	}
	if got := skip.wake("2026-03-14T19:00:30Z"); len(got) != 1 || got[0].Missed {
		t.Errorf("fired %+v, want the tick on time", got)
	}
}
