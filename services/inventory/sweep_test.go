package inventory_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/registry"
	"github.com/fiord-bench/fiord/services/inventory"
)

// brief is a request whose runs expire soon after placement.
func brief(r *events.BenchRequested) {
	r.Deadline = events.Duration(50 * time.Millisecond)
	r.Timeout = events.Duration(50 * time.Millisecond)
}

func TestRunsThatNobodyEndsExpire(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.replica(quick())
	s.replica(quick())
	bench := s.request("1", func(r *events.BenchRequested) {
		brief(r)
		r.Repeat = 3
		r.Targets = events.Targets{Hosts: []string{"absent"}}
	})
	runs := map[string]bool{}
	for range 3 {
		e, _ := await(s, func(e events.RunExpired) bool { return e.Bench == bench })
		runs[e.Run] = true
		if !strings.Contains(e.Reason, "host absent isn't there") {
			t.Errorf("reason = %q", e.Reason)
		}
	}
	if len(runs) != 3 {
		t.Errorf("%d of 3 runs expired", len(runs))
	}
	quiet[events.RunExpired](s, 200*time.Millisecond)
}

func TestRunsThatEndedDoNotExpire(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.replica(quick())
	bench := s.request("1", func(r *events.BenchRequested) {
		brief(r)
		r.Deadline = events.Duration(time.Second)
		r.Repeat = 2
		r.Targets = events.Targets{Hosts: []string{"absent"}}
	})
	requested, cause := await(s, func(r events.RunsRequested) bool { return r.Bench == bench })
	list := document[events.RunList](s, requested.List)
	first := list.Runs[0].RunRef
	end := events.RunFailed{RunRef: first, Reason: "fio ended with 1", EndedAt: time.Now()}
	if _, err := s.bus.End(t.Context(), events.New("fiord/bench", first.Run, &cause, end)); err != nil {
		t.Fatal(err)
	}
	expired, _ := await(s, func(e events.RunExpired) bool { return e.Bench == bench })
	if expired.Run != list.Runs[1].Run {
		t.Errorf("run %s expired, which had ended", expired.Run)
	}
	quiet[events.RunExpired](s, 200*time.Millisecond)
}

func TestRunsInProgressAreNotExpired(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	announce := s.worker("a", nil, nil)
	s.replica(quick())
	bench := s.request("1", func(r *events.BenchRequested) {
		brief(r)
		r.Deadline = events.Duration(500 * time.Millisecond)
		r.Targets = events.Targets{Hosts: []string{"a"}}
	})
	requested, _ := await(s, func(r events.RunsRequested) bool { return r.Bench == bench })
	run := document[events.RunList](s, requested.List).Runs[0]
	announce(func(h *registry.Host) { h.Running = []registry.Running{{Bench: bench, Run: run.Run}} })
	quiet[events.RunExpired](s, time.Second)
	announce(func(h *registry.Host) { h.Running = nil })
	if e, _ := await(s, func(e events.RunExpired) bool { return e.Bench == bench }); !strings.Contains(e.Reason, "before host a started it") {
		t.Errorf("reason = %q", e.Reason)
	}
}

// Runs that waited behind another bench were called expired when theirs was
// cancelled, a minute later, and each was warned of.
func TestRunsOfACancelledBenchThatNobodyStartedAreCancelled(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.replica(quick())
	bench := s.request("1", func(r *events.BenchRequested) { r.Repeat = 2 })
	_, cause := await(s, func(p events.BenchPlaced) bool { return p.Bench == bench })
	s.publish(events.New("fiord/test", "c", &cause, events.CancelRequested{Bench: bench, By: "ann", Reason: "wrong file"}))
	asked := time.Now()
	for range 2 {
		e, _ := await(s, func(e events.RunCancelled) bool { return e.Bench == bench })
		if e.By != "ann" || e.Reason != "wrong file" {
			t.Errorf("run cancelled by %q: %q", e.By, e.Reason)
		}
	}
	if took := time.Since(asked); took > 40*time.Second {
		t.Errorf("the runs ended %s after the cancellation", took)
	}
	quiet[events.RunExpired](s, 200*time.Millisecond)
}

// An outage of inventory expires nothing: deadlines count from placement.
func TestDeadlinesCountFromPlacement(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	bench := s.request("1", func(r *events.BenchRequested) { r.Deadline = events.Duration(time.Hour) })
	time.Sleep(100 * time.Millisecond)
	started := time.Now()
	s.replica(quick())
	p, _ := await(s, func(p events.BenchPlaced) bool { return p.Bench == bench })
	if p.PlacedAt.Before(started.Truncate(time.Millisecond)) || !p.Deadline.Equal(p.PlacedAt.Add(time.Hour)) {
		t.Errorf("placed at %v, deadline %v; the replica started at %v", p.PlacedAt, p.Deadline, started)
	}
}

func TestReplicaThatStartsLaterSweepsToo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	stop := s.replica(quick())
	bench := s.request("1", func(r *events.BenchRequested) {
		brief(r)
		r.Deadline = events.Duration(500 * time.Millisecond)
	})
	await(s, func(p events.BenchPlaced) bool { return p.Bench == bench })
	stop()
	time.Sleep(600 * time.Millisecond)
	s.replica(quick())
	if e, _ := await(s, func(e events.RunExpired) bool { return e.Bench == bench }); !strings.Contains(e.Reason, "pool default") {
		t.Errorf("reason = %q", e.Reason)
	}
}

func TestTallyHasEachRunThatEnded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.replica(quick())
	run := events.RunRef{Bench: events.HashID("b"), Run: events.HashID("r"), Name: "n", Job: "a.fio", Slot: 2, Index: 7, Host: "a"}
	e := events.New("fiord/bench", "1", nil, events.RunCancelled{RunRef: run, Reason: "r", By: "b", EndedAt: time.Now()})
	if _, err := s.bus.End(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	kv, err := s.bus.JetStream().KeyValue(t.Context(), bus.BucketTally)
	if err != nil {
		t.Fatal(err)
	}
	var got inventory.Entry
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		entry, err := kv.Get(t.Context(), inventory.TallyKey(run.Bench, run.Run))
		if err == nil {
			if err := json.Unmarshal(entry.Value(), &got); err != nil {
				t.Fatal(err)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	if want := (inventory.Entry{Type: events.TypeRunCancelled, Event: e.ID, Slot: 2, Index: 7}); got != want {
		t.Errorf("entry %+v, want %+v", got, want)
	}
}

func TestHostThatFallsSilentIsToldOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	cfg := quick()
	cfg.LostAfter = 10 * time.Second // two beats, the least allowed
	announce := s.worker("a.example", nil, nil)
	announce(func(h *registry.Host) {
		h.Running = []registry.Running{{Bench: events.HashID("b"), Run: events.HashID("r")}}
	})
	stop := s.replica(cfg)
	s.replica(cfg)
	lost, _ := await(s, func(events.HostLost) bool { return true })
	if lost.Host != "a.example" || len(lost.Running) != 1 || time.Since(lost.LastSeen) < 9*time.Second {
		t.Errorf("host.lost = %+v", lost)
	}
	stop()
	s.replica(cfg)
	quiet[events.HostLost](s, 500*time.Millisecond)
	announce(func(h *registry.Host) {})
	quiet[events.HostLost](s, 500*time.Millisecond)
}
