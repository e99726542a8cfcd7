package choreography_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/bench"
)

// A list is worked through in order. A worker that goes away in the middle of
// it leaves it to be resumed at the run that had not ended, which is the one
// that counts a second attempt, with artifacts of its own.
func TestAListIsResumedWhereItWasLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inventory(nil)
	w.plot()
	cfg := w.workerConfig("resumed")
	stop := w.worker(cfg)
	const timed = "[timed]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=%s\nrate_iops=1000\n"
	id := w.request(fmt.Sprintf(timed, "1s"), func(r *events.BenchRequested) {
		r.Jobs = append(r.Jobs, events.Job{Name: "b.fio", Inline: fmt.Sprintf(timed, "4s")}, events.Job{Name: "c.fio", Inline: quickJob})
	})
	await[events.RunStarted](w, id, 2)
	stop()
	if n := len(of[events.RunCompleted](w, id)); n != 1 {
		t.Fatalf("%d runs had completed when the worker was stopped in the second", n)
	}
	w.worker(cfg)
	report := ended[events.BenchReported](w, id)
	if want := (events.Counts{Planned: 3, Completed: 3}); report.Counts != want {
		t.Errorf("counts %+v, want %+v", report.Counts, want)
	}
	var starts []string
	for _, s := range of[events.RunStarted](w, id) {
		starts = append(starts, fmt.Sprintf("%s/%d", s.Job, s.Attempt))
	}
	if got, want := strings.Join(starts, " "), "a.fio/1 b.fio/1 b.fio/2 c.fio/1"; got != want {
		t.Errorf("fio was started for %s, want %s", got, want)
	}
	for _, c := range of[events.RunCompleted](w, id) {
		for _, a := range c.Artifacts {
			if prefix := artifacts.RunKey(c.Host, c.Run, c.Attempt, ""); !strings.HasPrefix(a.Key, prefix) {
				t.Errorf("%s, attempt %d, ended with %s", c.Job, c.Attempt, a.Key)
			}
		}
	}
	w.settled()
	w.expectOneEach(id, 3)
}

// withFact gives a host a fact of its owner's making.
func withFact(t *testing.T, cfg bench.Config, fact string) bench.Config {
	t.Helper()
	if err := os.MkdirAll(cfg.FactsDir, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cfg.FactsDir, "owner.txt"), []byte(fact+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// A pool's list whose constraints do not hold on the worker that has it goes
// back, and another worker takes it.
func TestAPoolListIsHandedBackForAnotherWorker(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plot()
	silver := w.workerConfig("silver")
	w.worker(withFact(t, silver, "tier=silver"))
	// No worker suits, so that inventory would not place it: it was placed
	// before things changed.
	id := w.placed("", []string{"tier==gold"}, time.Hour)
	w.eventually("silver to hand the list back", func() bool { return w.handedBack("bench-pool-default") })
	gold := w.workerConfig("gold")
	w.worker(withFact(t, gold, "tier=gold"))
	if started := await[events.RunStarted](w, id, 1)[0]; started.Host != "gold" {
		t.Errorf("started on %s", started.Host)
	}
	await[events.RunCompleted](w, id, 1)
	if n := len(of[events.RunStarted](w, id)); n != 1 {
		t.Errorf("fio was started %d times", n)
	}
}

// A host's own list waits in the host's hand: no other host may take it. When
// nobody wants it any more the hand is opened, and the next list begins.
func TestAHostListWaitsInHandUntilItIsUnwanted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plot()
	w.worker(withFact(t, w.workerConfig("waiting"), "tier=silver"))
	id := w.placed("waiting", []string{"tier==gold"}, time.Hour)
	durable := "bench-host-waiting"
	w.eventually("the list in hand", func() bool { return w.inHand(durable) == 1 })
	time.Sleep(3 * time.Second) // longer than the wait for an acknowledgement
	if w.inHand(durable) != 1 || w.handedBack(durable) || len(of[events.RunStarted](w, id)) > 0 {
		t.Error("the list is not in hand any more, or has begun")
	}
	w.cancel(id)
	if c := await[events.RunCancelled](w, id, 1)[0]; c.By != "tester" {
		t.Errorf("cancelled by %s", c.By)
	}
	next := w.placed("waiting", nil, time.Hour)
	await[events.RunCompleted](w, next, 1)
}

// placed publishes the list of one run for a host, or for the pool "default",
// as inventory does when it has decided.
func (w *world) placed(host string, where []string, deadline time.Duration) (id string) {
	w.t.Helper()
	w.asked++
	id = events.HashID("placed", fmt.Sprint(w.asked))
	claim := w.put(artifacts.JobKey(events.HashID(quickJob)), quickJob)
	run := events.RunRef{Bench: id, Run: events.RunID(id, 0, "", 0), Name: "choreography", Job: "a.fio", Host: host}
	if host == "" {
		run.Pool = "default"
	}
	list := events.RunList{Bench: id, Name: run.Name, Deadline: time.Now().Add(deadline), Where: where, Runs: []events.Invocation{{RunRef: run, File: claim}}}
	request := events.RunsRequested{Bench: id, Name: run.Name, Host: host, Pool: run.Pool, Runs: 1, Where: where, Deadline: list.Deadline, List: w.putJSON("placements/"+id+"/list.json", list)}
	if _, err := w.nats.Bus("fiord/inventory").Emit(w.t.Context(), id, nil, request); err != nil {
		w.t.Fatal(err)
	}
	return id
}

// handedBack tells whether a reaction has put an event off.
func (w *world) handedBack(durable string) bool {
	w.t.Helper()
	c, err := w.bus.JetStream().Consumer(w.t.Context(), bus.StreamEvents, durable)
	if err != nil {
		return false
	}
	info, err := c.Info(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	kv, err := w.bus.JetStream().KeyValue(w.t.Context(), bus.BucketAttempts)
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = kv.Get(w.t.Context(), fmt.Sprintf("%s.%d", durable, info.Delivered.Stream))
	return err == nil
}

// inHand is how many events a reaction has taken and not settled.
func (w *world) inHand(durable string) int {
	c, err := w.bus.JetStream().Consumer(context.WithoutCancel(w.t.Context()), bus.StreamEvents, durable)
	if err != nil {
		return 0
	}
	return c.CachedInfo().NumAckPending
}
