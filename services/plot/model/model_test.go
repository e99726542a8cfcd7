package model_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/plot/model"
)

var start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// story is the life of a bench of three runs, with the time of each event.
func story() (bench string, list []model.Seen) {
	request := events.New("fiord/ingest", "push", nil, events.BenchRequested{Name: "randread", Jobs: []events.Job{{Name: "r.fio", Inline: "[r]"}}})
	bench = events.BenchID(request)
	add := func(e events.Event) {
		list = append(list, model.Seen{Event: e, Stored: start.Add(time.Duration(len(list)) * time.Second)})
	}
	add(request)
	add(events.New("fiord/inventory", "", &request, events.BenchPlaced{Bench: bench, Name: "randread", Runs: 3, Slots: 1}))
	for i := range 3 {
		ref := events.RunRef{Bench: bench, Run: events.HashID("run", fmt.Sprint(i)), Name: "randread", Job: "r.fio", Index: i, Host: "node-a", Attempt: 1}
		add(events.New("fiord/bench", ref.Run, &request, events.RunStarted{RunRef: ref}))
		switch i {
		case 0:
			done := events.New("fiord/bench", ref.Run, &request, events.RunCompleted{RunRef: ref, StartedAt: start, EndedAt: start.Add(time.Minute)})
			add(done)
			add(events.New("fiord/plot", "", &done, events.PlotsRendered{Bench: bench, Run: ref.Run}))
		case 1:
			add(events.New("fiord/bench", ref.Run, &request, events.RunFailed{RunRef: ref, Reason: "exit 1", EndedAt: start}))
		case 2:
			add(events.New("fiord/bench", ref.Run, &request, events.RunRejected{RunRef: ref, EndedAt: start,
				Problems: []events.Problem{{File: "r.fio", Line: 3, Message: "filename is outside"}}}))
		}
	}
	add(events.New("fiord/plot", "", &request, events.BenchReported{Bench: bench, Name: "randread", Verdict: events.VerdictFailed,
		Counts: events.Counts{Planned: 3, Completed: 1, Failed: 1, Rejected: 1}}))
	return bench, list
}

func apply(list []model.Seen) *model.Model {
	m := model.New(1000)
	for _, s := range list {
		m.Apply(s.Event, s.Stored)
	}
	return m
}

func TestStoryIsTold(t *testing.T) {
	id, list := story()
	b, ok := apply(list).Bench(id)
	if !ok {
		t.Fatal("bench is unknown")
	}
	if b.State != model.StateReported || b.Name != "randread" || len(b.Runs) != 3 {
		t.Fatalf("got %s %q with %d runs", b.State, b.Name, len(b.Runs))
	}
	var states []model.State
	for _, r := range b.Runs {
		states = append(states, r.State)
	}
	if diff := cmp.Diff([]model.State{model.StateCompleted, model.StateFailed, model.StateRejected}, states); diff != "" {
		t.Error(diff)
	}
	if r := b.Runs[2]; r.Reason != "r.fio:3: filename is outside" {
		t.Errorf("reason of the rejected run: %q", r.Reason)
	}
	if b.Runs[0].Plots == nil {
		t.Error("the figures of the first run are missing")
	}
	if b.Request.Jobs[0].Inline != "" {
		t.Error("the model keeps job files")
	}
}

// Run events may come before bench.placed, a terminal before its start.
func TestAnyOrderAndRepetitionGiveTheSame(t *testing.T) {
	id, list := story()
	want, _ := apply(list).Bench(id)
	r := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		mixed := append(append([]model.Seen{}, list...), list[r.IntN(len(list))])
		r.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		got, _ := apply(mixed).Bench(id)
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(model.Bench{})); diff != "" {
			t.Fatalf("another order tells another story:\n%s", diff)
		}
	}
}

func TestPartsOfAStory(t *testing.T) {
	id, list := story()
	for n, want := range map[int]model.State{1: model.StateRequested, 2: model.StatePlaced, 3: model.StateRunning, len(list) - 1: model.StateRunning} {
		b, _ := apply(list[:n]).Bench(id)
		if b.State != want {
			t.Errorf("after %d events the bench is %s, want %s", n, b.State, want)
		}
	}
	b, _ := apply(list[:len(list)-1]).Bench(id)
	if diff := cmp.Diff(events.Counts{Planned: 3, Completed: 1, Failed: 1, Rejected: 1}, b.Counts()); diff != "" {
		t.Error(diff)
	}
}

func TestSnapshotsDoNotChange(t *testing.T) {
	id, list := story()
	m := apply(list[:3])
	b, _ := m.Bench(id)
	for _, s := range list[3:] {
		m.Apply(s.Event, s.Stored)
	}
	if b.State != model.StateRunning || b.Runs[0].State != model.StateRunning || len(b.Runs) != 1 {
		t.Errorf("the snapshot followed later events: %s, %d runs", b.State, len(b.Runs))
	}
}

func TestOldBenchesAreForgotten(t *testing.T) {
	m := model.New(10)
	var ids []string
	for i := range 40 {
		id, run := events.HashID("bench", fmt.Sprint(i)), events.HashID("run", fmt.Sprint(i))
		ids = append(ids, id)
		ref := events.RunRef{Bench: id, Run: run, Name: "n", Host: "h"}
		m.Apply(events.New("fiord/bench", run, nil, events.RunExpired{RunRef: ref}), start)
		if i != 3 { // one stays open
			m.Apply(events.New("fiord/plot", id, nil, events.BenchReported{Bench: id, Name: "n"}), start)
		}
	}
	latest := m.Latest(0, 100, nil)
	if len(latest) > 11 || latest[0].ID != ids[39] {
		t.Errorf("%d benches are kept, the newest is %s", len(latest), latest[0].ID)
	}
	if _, ok := m.Bench(ids[3]); !ok {
		t.Error("a bench that had not ended was forgotten")
	}
	if _, ok := m.BenchOf(events.HashID("run", "0")); ok {
		t.Error("a run outlived its bench")
	}
}

func TestLatestPagesAndFilters(t *testing.T) {
	m := model.New(100)
	for i := range 9 {
		name := []string{"even", "odd"}[i%2]
		m.Apply(events.New("fiord/ingest", fmt.Sprint(i), nil, events.BenchRequested{Name: name}), start.Add(time.Duration(i)))
	}
	odd := m.Latest(1, 2, func(b *model.Bench) bool { return b.Name == "odd" })
	if len(odd) != 2 || !odd[0].At.Equal(start.Add(5)) || !odd[1].At.Equal(start.Add(3)) {
		t.Errorf("got %v", odd)
	}
}
