package bus_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
)

func ref(run string) events.RunRef {
	return events.RunRef{Bench: events.HashID("b"), Run: events.HashID(run), Name: "n", Job: "j.fio", Host: "h.example", Attempt: 1}
}

func ends(run string) []events.Data {
	now := time.Now().UTC()
	return []events.Data{
		events.RunFailed{RunRef: ref(run), Reason: "r", EndedAt: now},
		events.RunCancelled{RunRef: ref(run), Reason: "r", By: "b", EndedAt: now},
		events.RunExpired{RunRef: ref(run), Reason: "r", Deadline: now},
		events.RunRejected{RunRef: ref(run), Problems: []events.Problem{{Rule: "r", Message: "m"}}, EndedAt: now},
	}
}

func TestOfRacingEndsExactlyOneStands(t *testing.T) {
	s := bustest.NewServer(t)
	var buses []*bus.Bus
	for i := range 4 {
		buses = append(buses, s.Bus(fmt.Sprintf("fiord/racer%d", i)))
	}
	for round := range 50 {
		run := fmt.Sprint("run", round)
		var won atomic.Int64
		var winners sync.Map
		var wg sync.WaitGroup
		for i, data := range ends(run) {
			wg.Go(func() {
				ending, err := buses[i].End(t.Context(), events.New(buses[i].Source(), run, nil, data))
				if err != nil {
					t.Error(err)
					return
				}
				if ending.Won {
					won.Add(1)
				}
				winners.Store(ending.Event.ID, true)
			})
		}
		wg.Wait()
		distinct := 0
		winners.Range(func(any, any) bool { distinct++; return true })
		if won.Load() != 1 || distinct != 1 {
			t.Fatalf("round %d: %d winners, and %d different ends were told", round, won.Load(), distinct)
		}
	}
}

func TestEndIsRepeatable(t *testing.T) {
	b := bustest.New(t)
	e := events.New("fiord/test", "k", nil, ends("r")[0])
	for range 3 {
		ending, err := b.End(t.Context(), e)
		if err != nil || !ending.Won || ending.Event.ID != e.ID {
			t.Fatalf("%+v, %v: want to have won each time", ending, err)
		}
	}
}

func TestEndedTellsTheEnd(t *testing.T) {
	b := bustest.New(t)
	if _, found, err := b.Ended(t.Context(), ref("r").EndFilter()); found || err != nil {
		t.Fatalf("found %v, %v before any end", found, err)
	}
	e := events.New("fiord/test", "k", nil, ends("r")[1])
	if _, err := b.End(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	got, found, err := b.Ended(t.Context(), ref("r").EndFilter())
	if err != nil || !found || got.Type != events.TypeRunCancelled {
		t.Errorf("%v, %v, %v", got.Type, found, err)
	}
}

func TestOnlyTerminalsEnd(t *testing.T) {
	if _, err := bustest.New(t).End(t.Context(), events.New("fiord/test", "k", nil, lost("h"))); err == nil {
		t.Error("host.lost ended something")
	}
}

func TestViewSeesAllInOrderAndCatchesUp(t *testing.T) {
	b := bustest.New(t)
	emit(t, b, "a", lost("h1"))
	emit(t, b, "b", lost("h2"))
	var mu sync.Mutex
	var seen []string
	caughtUp := make(chan int, 1)
	s, err := b.Watch(t.Context(), bus.View{
		Types: []events.Type{events.TypeHostLost},
		See: func(_ context.Context, s bus.Seen) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, s.Event.Data.(events.HostLost).Host)
		},
		CaughtUp: func() { mu.Lock(); defer mu.Unlock(); caughtUp <- len(seen) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if n := <-caughtUp; n != 2 {
		t.Errorf("caught up after %d events, want 2", n)
	}
	emit(t, b, "c", lost("h3"))
	eventually(t, "the third", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return fmt.Sprint(seen) == "[h1 h2 h3]"
	})
}

func TestNamedViewGoesOnThroughRestartAndLoss(t *testing.T) {
	srv := bustest.NewServer(t)
	b := srv.Bus("fiord/test")
	emit(t, b, "a", lost("h1"))
	var mu sync.Mutex
	var seen []string
	s, err := b.Watch(t.Context(), bus.View{
		Name: "test-view", Types: []events.Type{events.TypeHostLost},
		See: func(_ context.Context, s bus.Seen) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, s.Event.Data.(events.HostLost).Host)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	saw := func(want string) func() bool {
		return func() bool { mu.Lock(); defer mu.Unlock(); return fmt.Sprint(seen) == want }
	}
	eventually(t, "what was there", saw("[h1]"))
	srv.Restart()
	eventually(t, "a publish after the restart", func() bool {
		_, err := b.Emit(t.Context(), "b", nil, lost("h2"))
		return err == nil
	})
	eventually(t, "the event after the restart", saw("[h1 h2]"))
	if err := b.JetStream().DeleteConsumer(t.Context(), bus.StreamEvents, "test-view"); err != nil {
		t.Fatal(err)
	}
	emit(t, b, "c", lost("h3"))
	eventually(t, "the event after the loss, and none twice", saw("[h1 h2 h3]"))
}

func TestCancelledLooksUpOneBench(t *testing.T) {
	b := bustest.New(t)
	bench, other := events.HashID("bench"), events.HashID("other")
	emit(t, b, "a", events.CancelRequested{Bench: bench, Reason: "r", By: "b"})
	if c, found, err := b.Cancelled(t.Context(), bench); err != nil || !found || c.By != "b" {
		t.Errorf("%+v, %v, %v", c, found, err)
	}
	if _, found, err := b.Cancelled(t.Context(), other); err != nil || found {
		t.Errorf("another bench: %v, %v", found, err)
	}
}

func TestLiveShowsLatestToLatecomers(t *testing.T) {
	b := bustest.New(t)
	p := events.Progress{Bench: events.HashID("b"), Run: events.HashID("r"), Host: "h.example", Phase: "running"}
	for _, p.Percent = range []float64{10, 20, 30} {
		if err := b.Live(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Conn().Flush(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the progress in the stream", func() bool {
		live, err := b.JetStream().Stream(t.Context(), bus.StreamLive)
		return err == nil && live.CachedInfo().State.LastSeq == 3
	})
	got := make(chan float64, 10)
	s, err := b.WatchLive(t.Context(), p.Bench, func(p events.Progress) { got <- p.Percent })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if percent := <-got; percent != 30 {
		t.Errorf("first seen %v, want the latest, 30", percent)
	}
}
