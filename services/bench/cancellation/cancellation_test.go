package cancellation

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
)

func cancelled(bench string, queuedOnly bool) events.Event {
	return events.New("fiord/test", bench, nil, events.CancelRequested{Bench: bench, Reason: "superseded", By: "ada", QueuedOnly: queuedOnly})
}

// known returns cancellations that have caught up with the events given.
func known(all ...events.Event) *Cancellations {
	c := New()
	view := c.View("test")
	for _, e := range all {
		view.See(context.Background(), bus.Seen{Event: e})
	}
	view.CaughtUp()
	return c
}

func TestACancelledBenchMayStartNothing(t *testing.T) {
	c := known(cancelled("one", false))
	why, err := c.Check(t.Context(), "one")
	if err != nil || why == nil || why.Reason != "superseded" || why.By != "ada" || why.QueuedOnly {
		t.Errorf("%+v, %v", why, err)
	}
	if why, err := c.Check(t.Context(), "two"); why != nil || err != nil {
		t.Errorf("another bench: %v, %v", why, err)
	}
}

func TestABenchThatHasEndedMayStartNothing(t *testing.T) {
	for _, end := range []events.Data{
		events.BenchReported{Bench: "one"}, events.BenchUnplaced{Bench: "one"}, events.BenchCancelled{Bench: "one"},
	} {
		c := known(events.New("fiord/plot", "one", nil, end))
		why, err := c.Check(t.Context(), "one")
		if err != nil || why == nil || why.QueuedOnly || why.By != "fiord/plot" {
			t.Errorf("%s: %+v, %v", end.EventType(), why, err)
		}
	}
}

func TestEveryEndOfABenchIsFollowed(t *testing.T) {
	types := map[events.Type]bool{}
	for _, typ := range New().View("test").Types {
		types[typ] = true
	}
	for _, typ := range events.Types() {
		if typ.Ends() == "bench" && !types[typ] {
			t.Errorf("%s is not followed", typ)
		}
	}
}

func TestTheStrongestRequestCounts(t *testing.T) {
	for name, all := range map[string][]events.Event{
		"queued, then all": {cancelled("one", true), cancelled("one", false)},
		"all, then queued": {cancelled("one", false), cancelled("one", true)},
	} {
		if why, err := known(all...).Check(t.Context(), "one"); err != nil || why == nil || why.QueuedOnly {
			t.Errorf("%s: %+v, %v", name, why, err)
		}
	}
}

// A cancellation may be older than the list: an answer before the stream has been
// read would start what was cancelled.
func TestNothingIsDecidedBeforeTheStreamIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New()
		began := time.Now()
		if why, err := c.Check(t.Context(), "one"); err == nil {
			t.Fatalf("decided: %v", why)
		}
		if waited := time.Since(began); waited != catchUpPatience {
			t.Errorf("waited %s", waited)
		}
		view := c.View("test")
		go func() {
			time.Sleep(time.Second)
			view.See(t.Context(), bus.Seen{Event: cancelled("one", false)})
			view.CaughtUp()
		}()
		if why, err := c.Check(t.Context(), "one"); err != nil || why == nil {
			t.Errorf("%v, %v", why, err)
		}
	})
}

func TestWhatRunsEndsWhenItIsCancelledAndNotForTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := known()
		ctx, stop := c.During(t.Context(), "one")
		defer stop()
		see := c.View("test").See
		see(t.Context(), bus.Seen{Event: cancelled("two", false)})
		see(t.Context(), bus.Seen{Event: cancelled("one", true)})
		synctest.Wait()
		if ctx.Err() != nil {
			t.Fatalf("ended by %v", context.Cause(ctx))
		}
		see(t.Context(), bus.Seen{Event: cancelled("one", false)})
		<-ctx.Done()
		var why *Error
		if !errors.As(context.Cause(ctx), &why) || why.By != "ada" {
			t.Errorf("cause %v", context.Cause(ctx))
		}
		late, stop := c.During(t.Context(), "one")
		defer stop()
		<-late.Done() // it was cancelled before it began
	})
}

func TestWatchersAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := known()
		_, stop := c.During(t.Context(), "one")
		stop()
		synctest.Wait()
		if len(c.watchers) != 0 {
			t.Errorf("%d benches are still watched", len(c.watchers))
		}
	})
}

func TestTheViewFollowsARealStream(t *testing.T) {
	b := bustest.New(t)
	if _, err := b.Emit(t.Context(), "key", nil, events.CancelRequested{Bench: events.HashID("one"), Reason: "superseded", By: "ada"}); err != nil {
		t.Fatal(err)
	}
	c := New()
	view, err := b.Watch(t.Context(), c.View("test"))
	if err != nil {
		t.Fatal(err)
	}
	defer view.Stop()
	if why, err := c.Check(t.Context(), events.HashID("one")); err != nil || why == nil {
		t.Errorf("%v, %v", why, err)
	}
}
