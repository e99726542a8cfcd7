package choreography_test

import (
	"errors"
	"flag"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
)

var (
	benches = flag.Int("choreography.benches", 60, "benches driven through random interleavings")
	seed    = flag.Uint64("choreography.seed", 1, "seed of the interleavings; 0 for a random one, which is printed")
)

// TestRandomInterleavingsEndEachBenchOnce drives whole benches through all that
// can meet, with two replicas of everything: workers that complete or fail
// runs, say two things at once, fall silent, or crash before or after the end;
// people who cancel at any moment; sweeps that expire; lists and ends that are
// told again. Each run and each bench has one end, and nobody waits.
func TestRandomInterleavingsEndEachBenchOnce(t *testing.T) {
	t.Parallel()
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("seed %d", *seed)
	w := newWorld(t)
	for range 2 {
		w.inventory(nil)
		w.plot()
		w.minimalWorker(anything(*seed))
	}
	const runs = 3
	rng := rand.New(rand.NewPCG(*seed, 2))
	var ids []string
	var people sync.WaitGroup
	for range *benches {
		id := w.request(quickJob, func(r *events.BenchRequested) {
			r.Repeat = runs
			// Some runs are never ended by their worker: they are to expire soon.
			r.Deadline, r.Timeout = events.Duration(time.Second), events.Duration(200*time.Millisecond)
		})
		ids = append(ids, id)
		if rng.IntN(3) == 0 {
			pause := time.Duration(rng.Int64N(int64(400 * time.Millisecond)))
			people.Go(func() {
				time.Sleep(pause)
				if _, err := w.bus.Emit(t.Context(), "cancel "+id, nil, events.CancelRequested{Bench: id, Reason: "chance", By: "tester"}); err != nil {
					t.Error(err)
				}
			})
		}
		if rng.IntN(4) == 0 {
			w.tellAgain(rng)
		}
	}
	people.Wait()
	kinds := map[events.Type]int{}
	for _, id := range ids {
		kinds[w.end(id).Type]++
	}
	w.tellAgain(rng)
	w.settled()
	for _, id := range ids {
		planned := runs
		if len(of[events.BenchPlaced](w, id)) == 0 {
			planned = 0 // cancelled before anybody had placed it
		}
		// What a silent worker leaves is ended by a sweep, which no consumer shows.
		w.eventually("an end of each run", func() bool { return len(w.endsOf(id)) > planned })
		w.expectOneEach(id, planned)
		for _, e := range w.all(func(e events.Event) bool { return e.Type.Ends() == "run" && benchOf(e) == id }) {
			kinds[e.Type]++
		}
	}
	t.Logf("ends: %v", kinds)
}

// anything is a worker of whom nothing can be relied on.
func anything(seed uint64) outcome {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 1))
	roll := func(n int) int { mu.Lock(); defer mu.Unlock(); return rng.IntN(n) }
	return func(run events.RunRef, end func(events.Data) error) error {
		switch roll(12) {
		case 0:
			return nil // silence: nobody ends this run but the sweep
		case 1:
			return errors.New("a passing fault before the end")
		case 2:
			panic("a crash before the end")
		case 3: // two words at once
			var both sync.WaitGroup
			both.Go(func() { _ = end(completed(run)) })
			both.Go(func() { _ = end(failed(run)) })
			both.Wait()
			return nil
		case 4:
			return end(failed(run))
		}
		time.Sleep(time.Duration(roll(10)) * time.Millisecond)
		if err := end(completed(run)); err != nil {
			return err
		}
		if roll(6) == 0 {
			panic("a crash after the end, before the acknowledgement")
		}
		return nil
	}
}

// tellAgain replays what happened so far to one reaction.
func (w *world) tellAgain(rng *rand.Rand) {
	w.t.Helper()
	reactions := []string{"bench-pool-default", "plot-tally", "plot-draw", "inventory-tally", "inventory-place", "plot-cancel"}
	name := reactions[rng.IntN(len(reactions))]
	if _, err := w.bus.JetStream().Consumer(w.t.Context(), "FIORD", name); err != nil {
		return // not there yet: there is nothing to tell again
	}
	if _, err := w.bus.Replay(w.t.Context(), name, 1, 200); err != nil {
		w.t.Error(err)
	}
}
