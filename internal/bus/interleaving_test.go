package bus_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
)

var interleavings = flag.Int("interleavings", 2000, "runs driven through random interleavings")

// TestRandomInterleavingsEndEachRunOnce drives runs through everything that
// can meet: workers that complete or fail them, a sweep that expires them, a
// person who cancels, workers that die before or after the end is written,
// redelivery, two replicas of each, and a bus that is told of ends in any
// order. Whatever happens, each run has exactly one end.
func TestRandomInterleavingsEndEachRunOnce(t *testing.T) {
	s := bustest.NewServer(t)
	connect := func(source string) *bus.Bus { return s.Bus(source) }
	interleave(t, *interleavings, connect)
}

// The same over three replicas, where a leader may lag behind its followers.
func TestRandomInterleavingsEndEachRunOnceOnACluster(t *testing.T) {
	c := bustest.NewCluster(t)
	var n atomic.Int64
	connect := func(source string) *bus.Bus { return c.Bus(int(n.Add(1))%3, source) }
	interleave(t, max(*interleavings/4, 1), connect)
}

func interleave(t *testing.T, runs int, connect func(source string) *bus.Bus) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for i := range 2 {
		react(t, connect("fiord/bench"), worker(seed+uint64(i)))
	}
	sweep, person, requests := connect("fiord/inventory"), connect("fiord/person"), connect("fiord/inventory")
	rng := rand.New(rand.NewPCG(seed, 9))
	var wg sync.WaitGroup
	places := make(chan struct{}, 32)
	for i := range runs {
		run := fmt.Sprint("run", i)
		expire, cancel := rng.IntN(2) == 0, rng.IntN(2) == 0
		pauses := [2]time.Duration{time.Duration(rng.Int64N(8e6)), time.Duration(rng.Int64N(8e6))}
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			if _, err := requests.Emit(t.Context(), run, nil, lost(run)); err != nil {
				t.Error(err)
			}
			if expire {
				time.Sleep(pauses[0])
				end(t, sweep, run, events.RunExpired{RunRef: ref(run), Deadline: time.Now(), Reason: "deadline"})
			}
			if cancel {
				time.Sleep(pauses[1])
				end(t, person, run, events.RunCancelled{RunRef: ref(run), Reason: "asked to", By: "person", EndedAt: time.Now()})
			}
		})
	}
	wg.Wait()
	expectOneEndEach(t, requests, runs)
}

// worker ends the run that each event names, and fails, panics or dies at
// random moments; what it gives up on it owes a failure.
func worker(seed uint64) bus.Reaction {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 1))
	roll := func(n int) int { mu.Lock(); defer mu.Unlock(); return rng.IntN(n) }
	failed := func(run string) events.Data {
		return events.RunFailed{RunRef: ref(run), Reason: "given up", EndedAt: time.Now()}
	}
	return bus.Reaction{
		Service: "test", Name: "worker", Types: []events.Type{events.TypeHostLost},
		Concurrency: 16, MaxAttempts: 3, AckWait: 300 * time.Millisecond,
		BackoffMin: time.Millisecond, BackoffMax: 4 * time.Millisecond,
		Handle: func(ctx context.Context, d *bus.Delivery) error {
			run := d.Event.Data.(events.HostLost).Host
			switch roll(10) {
			case 0:
				return errors.New("a passing fault before the end")
			case 1:
				panic("a crash before the end")
			case 2:
				return bus.Permanent(errors.New("hopeless"))
			}
			var data events.Data = completed(run)
			if roll(2) == 0 {
				data = failed(run)
			}
			if _, err := d.End(ctx, run, data); err != nil {
				return err
			}
			if roll(4) == 0 {
				panic("a crash after the end, before the acknowledgement")
			}
			return nil
		},
		OnDead: func(ctx context.Context, d *bus.Delivery, _ error) error {
			run := d.Event.Data.(events.HostLost).Host
			_, err := d.End(ctx, run, failed(run))
			return err
		},
	}
}

func end(t *testing.T, b *bus.Bus, run string, data events.Data) {
	t.Helper()
	if _, err := b.End(t.Context(), events.New(b.Source(), run, nil, data)); err != nil {
		t.Error(err)
	}
}

// expectOneEndEach counts the ends in the stream itself.
func expectOneEndEach(t *testing.T, b *bus.Bus, runs int) {
	t.Helper()
	var mu sync.Mutex
	ends := map[string]int{}
	total := 0
	s, err := b.Watch(t.Context(), bus.View{
		Types: []events.Type{events.TypeRunCompleted, events.TypeRunFailed, events.TypeRunCancelled, events.TypeRunExpired, events.TypeRunRejected},
		See: func(_ context.Context, s bus.Seen) {
			mu.Lock()
			defer mu.Unlock()
			ends[s.Event.Subject]++
			total++
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		mu.Lock()
		distinct := len(ends)
		mu.Unlock()
		if distinct == runs {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d runs ended", distinct, runs)
		}
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(500 * time.Millisecond) // anything late would be a second end
	mu.Lock()
	defer mu.Unlock()
	for run, n := range ends {
		if n != 1 {
			t.Errorf("run %s has %d ends", run, n)
		}
	}
	if total != runs {
		t.Errorf("%d ends of %d runs", total, runs)
	}
}
