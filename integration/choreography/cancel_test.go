package choreography_test

import (
	"errors"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/inventory"
)

// With two replicas of everything, a cancellation reaches what runs on either
// worker and what waits in the queue, and each bench comes to rest once.
func TestCancellationReachesQueuedAndRunningWorkOnEveryReplica(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, host := range []string{"cancel-a", "cancel-b"} {
		w.inventory(nil)
		w.plot()
		w.worker(w.workerConfig(host))
	}
	var ids []string
	for range 4 { // two run, two wait
		ids = append(ids, w.request(slowJob, func(r *events.BenchRequested) { r.Repeat = 2 }))
	}
	starts := func() []events.Event {
		return w.all(func(e events.Event) bool { return e.Type == events.TypeRunStarted })
	}
	w.eventually("fio on both hosts", func() bool { return len(starts()) == 2 })
	if a, b := starts()[0].Data.(events.RunStarted), starts()[1].Data.(events.RunStarted); a.Host == b.Host {
		t.Errorf("both run on %s", a.Host)
	}
	asked := time.Now()
	for _, id := range ids {
		w.cancel(id)
	}
	for _, id := range ids {
		end := ended[events.BenchCancelled](w, id)
		if end.By != "tester" || end.Reason != "no longer wanted" || end.Counts.Cancelled != 2 {
			t.Errorf("ended with %+v", end)
		}
	}
	t.Logf("all at rest after %s", time.Since(asked))
	w.settled()
	if n := len(starts()); n != 2 {
		t.Errorf("fio was started %d times, want 2: what waited was started", n)
	}
	for _, id := range ids {
		w.expectOneEach(id, 2)
	}
}

// A bench that is cancelled while nobody is there to place it ends, and is not
// placed by a replica that comes later.
func TestABenchCancelledBeforeItIsPlacedEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plot()
	id := w.request(quickJob, nil)
	w.cancel(id)
	ended[events.BenchCancelled](w, id)
	w.inventory(nil)
	w.inventory(nil)
	other := w.request(quickJob, nil)
	await[events.BenchPlaced](w, other, 1)
	if _, err := w.store.Stat(t.Context(), artifacts.PlacementKey(id)); !errors.Is(err, artifacts.ErrNotFound) {
		t.Errorf("placement of the cancelled bench: %v, want none", err)
	}
	w.expectOneEach(id, 0)
}

// A run that somebody else has ended meanwhile, here as the sweep would, is
// not started; those around it are.
func TestARunEndedElsewhereIsNotStarted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inventory(nil)
	w.plot()
	id := w.request(quickJob, func(r *events.BenchRequested) { r.Repeat = 3 })
	await[events.BenchPlaced](w, id, 1)
	p := w.placement(id)
	second := p.Slots[0].Runs[1]
	end := events.RunExpired{RunRef: second, Deadline: p.Deadline, Reason: "as a sweep would have it"}
	if _, err := w.nats.Bus("fiord/inventory").End(t.Context(), events.New("fiord/inventory", second.Run, nil, end)); err != nil {
		t.Fatal(err)
	}
	w.worker(w.workerConfig("elsewhere"))
	report := ended[events.BenchReported](w, id)
	if want := (events.Counts{Planned: 3, Completed: 2, Expired: 1}); report.Counts != want {
		t.Errorf("counts %+v, want %+v", report.Counts, want)
	}
	for _, s := range of[events.RunStarted](w, id) {
		if s.Run == second.Run {
			t.Error("fio was started for a run that had ended")
		}
	}
	w.settled()
	w.expectOneEach(id, 3)
}

// A cancelled bench whose host is not there is ended by the sweep, and is
// cancelled, not failed.
func TestACancelledBenchOfAnAbsentHostIsCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inventory(func(c *inventory.Config) { c.Deadline, c.LongestRun = 500*time.Millisecond, 100*time.Millisecond })
	w.plot()
	id := w.request(quickJob, func(r *events.BenchRequested) { r.Targets.Hosts = []string{"absent"} })
	await[events.BenchPlaced](w, id, 1)
	w.cancel(id)
	if end := ended[events.BenchCancelled](w, id); end.Counts.Cancelled != 1 || end.By != "tester" {
		t.Errorf("ended with %+v", end)
	}
	w.settled()
	w.expectOneEach(id, 1)
}

// A cancellation that plot cannot deal with, here because the archive holds
// something unreadable in the request's place, ends the bench all the same.
func TestACancellationThatIsGivenUpOnEndsTheBench(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := events.New("fiord/cli", "unreadable", nil, events.BenchRequested{Name: "unreadable", Jobs: []events.Job{{Name: "a.fio", Inline: quickJob}}})
	id := events.BenchID(e)
	w.put(artifacts.ArchiveKey(id, "requested"), `{"event": {"type": "none"}}`)
	w.plot()
	if _, err := w.bus.Publish(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	w.cancel(id)
	if end := ended[events.BenchCancelled](w, id); end.By != "tester" || end.Name != "unreadable" {
		t.Errorf("ended with %+v", end)
	}
	w.eventually("dead letter of plot-cancel", func() bool {
		l := w.letters()
		return len(l) == 1 && l[0].Reaction == "plot-cancel"
	})
	w.settled()
	w.expectOneEach(id, 0)
}
