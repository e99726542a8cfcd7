package bus_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
)

func letters(t *testing.T, b *bus.Bus) []bus.DeadLetter {
	t.Helper()
	var all []bus.DeadLetter
	for letter, err := range b.DeadLetters(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, letter)
	}
	return all
}

func TestGivenUpEventIsDeadAndOwesItsTerminal(t *testing.T) {
	b := bustest.New(t)
	var attempts, owed atomic.Int64
	r := reaction(func(context.Context, *bus.Delivery) error {
		return errors.New("no luck " + string(rune('0'+attempts.Add(1))))
	})
	r.MaxAttempts = 3
	r.OnDead = func(ctx context.Context, d *bus.Delivery, cause error) error {
		owed.Add(1)
		_, err := d.Emit(ctx, "owed", events.DiscoveryRequested{By: cause.Error()})
		return err
	}
	react(t, b, r)
	e := emit(t, b, "a", lost("h"))
	eventually(t, "a dead letter", func() bool { return len(letters(t, b)) == 1 && owed.Load() == 1 })
	letter := letters(t, b)[0]
	if letter.Reaction != "test-lost" || letter.EventID != e.ID || letter.Reason != "no luck 3" {
		t.Errorf("letter %+v", letter)
	}
	var history []string
	for _, a := range letter.Attempts {
		history = append(history, a.Error)
	}
	if got := strings.Join(history, ", "); got != "no luck 1, no luck 2, no luck 3" {
		t.Errorf("attempts %s", got)
	}
	time.Sleep(50 * time.Millisecond)
	if attempts.Load() != 3 {
		t.Errorf("%d attempts, want 3", attempts.Load())
	}
}

func TestPanicIsAnAttempt(t *testing.T) {
	b := bustest.New(t)
	var calls atomic.Int64
	r := reaction(func(context.Context, *bus.Delivery) error {
		if calls.Add(1) == 1 {
			panic("boom")
		}
		return nil
	})
	react(t, b, r)
	emit(t, b, "a", lost("h"))
	eventually(t, "a second attempt", func() bool { return calls.Load() == 2 })
	if n := len(letters(t, b)); n != 0 {
		t.Errorf("%d dead letters, want none", n)
	}
}

func TestPutOffDoesNotCount(t *testing.T) {
	b := bustest.New(t)
	var calls atomic.Int64
	r := reaction(func(context.Context, *bus.Delivery) error {
		if calls.Add(1) < 6 {
			return bus.RetryAfter(errors.New("not yet"), time.Millisecond)
		}
		return nil
	})
	r.MaxAttempts = 2
	react(t, b, r)
	emit(t, b, "a", lost("h"))
	eventually(t, "six calls", func() bool { return calls.Load() == 6 })
	if n := len(letters(t, b)); n != 0 {
		t.Errorf("%d dead letters, want none: postponements were counted", n)
	}
}

func TestUnavailableIsHeldNotRedelivered(t *testing.T) {
	b := bustest.New(t)
	var calls atomic.Int64
	var attempt atomic.Int64
	r := reaction(func(_ context.Context, d *bus.Delivery) error {
		attempt.Store(int64(d.Attempt))
		if calls.Add(1) < 5 {
			return bus.Unavailable(errors.New("S3 is away"))
		}
		return nil
	})
	r.MaxAttempts = 1
	react(t, b, r)
	emit(t, b, "a", lost("h"))
	eventually(t, "five calls", func() bool { return calls.Load() == 5 })
	if attempt.Load() != 1 || len(letters(t, b)) != 0 {
		t.Errorf("attempt %d with %d dead letters, want the first and none", attempt.Load(), len(letters(t, b)))
	}
}

// A worker that dies each time never answers. The count of deliveries ends it.
func TestMessageThatKillsItsWorkerEndsDead(t *testing.T) {
	b := bustest.New(t)
	r := reaction(func(context.Context, *bus.Delivery) error { t.Error("handled"); return nil })
	r.MaxAttempts, r.AckWait = 2, 100*time.Millisecond
	c, err := b.JetStream().CreateOrUpdateConsumer(t.Context(), bus.StreamEvents, r.ConsumerConfig())
	if err != nil {
		t.Fatal(err)
	}
	emit(t, b, "a", lost("h"))
	for range 2 {
		batch, err := c.Fetch(1)
		if err != nil {
			t.Fatal(err)
		}
		for range batch.Messages() { // taken and never answered
		}
	}
	react(t, b, r)
	eventually(t, "a dead letter", func() bool { return len(letters(t, b)) == 1 })
	if reason := letters(t, b)[0].Reason; !strings.Contains(reason, "delivered too often") {
		t.Errorf("reason %q", reason)
	}
}

func TestUnreadableEventIsDeadWithItsBody(t *testing.T) {
	b := bustest.New(t)
	react(t, b, reaction(func(context.Context, *bus.Delivery) error { t.Error("handled"); return nil }))
	body := `{"specversion":"1.0","id":"1","source":"script","type":"dev.fiord.host.lost.v1","data":{"hots":"h"}}`
	if _, err := b.JetStream().Publish(t.Context(), events.TypeHostLost.Subject(), []byte(body)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a dead letter", func() bool { return len(letters(t, b)) == 1 })
	letter := letters(t, b)[0]
	if string(letter.Body) != body || !strings.Contains(letter.Reason, "host is missing") {
		t.Errorf("letter %+v with body %s", letter, letter.Body)
	}
}

func TestRedriveReachesOnlyItsReaction(t *testing.T) {
	b := bustest.New(t)
	var broken atomic.Bool
	broken.Store(true)
	var mended, other atomic.Int64
	r := reaction(func(_ context.Context, d *bus.Delivery) error {
		if broken.Load() {
			return bus.Permanent(errors.New("broken"))
		}
		if d.Redriven {
			mended.Add(1)
		}
		return nil
	})
	react(t, b, r)
	bystander := reaction(func(context.Context, *bus.Delivery) error { other.Add(1); return nil })
	bystander.Name = "bystander"
	react(t, b, bystander)
	emit(t, b, "a", lost("h"))
	eventually(t, "a dead letter", func() bool { return len(letters(t, b)) == 1 && other.Load() == 1 })
	broken.Store(false)
	number := letters(t, b)[0].Number
	for range 2 { // the second is swallowed: one letter is given back once
		if err := b.Redrive(t.Context(), number); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the redriven event", func() bool { return mended.Load() == 1 })
	time.Sleep(50 * time.Millisecond)
	if mended.Load() != 1 || other.Load() != 1 {
		t.Errorf("the reaction got it %d times and the bystander %d times, want once each", mended.Load(), other.Load())
	}
}

func TestRedriveEnds(t *testing.T) {
	b := bustest.New(t)
	react(t, b, reaction(func(context.Context, *bus.Delivery) error { return bus.Permanent(errors.New("for good")) }))
	emit(t, b, "a", lost("h"))
	for n := 1; ; n++ {
		eventually(t, "the next dead letter", func() bool { return len(letters(t, b)) == n })
		err := b.Redrive(t.Context(), letters(t, b)[n-1].Number)
		if errors.Is(err, bus.ErrRedriveLimit) {
			if n != bus.MaxRedrives+1 {
				t.Errorf("refused at %d letters, want %d", n, bus.MaxRedrives+1)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestUnknownDeadLetterSaysSo(t *testing.T) {
	b := bustest.New(t)
	if err := b.Redrive(t.Context(), 42); !errors.Is(err, bus.ErrNoDeadLetter) {
		t.Errorf("redrive: %v", err)
	}
	if err := b.Purge(t.Context(), 42); !errors.Is(err, bus.ErrNoDeadLetter) {
		t.Errorf("purge: %v", err)
	}
}

func TestReplayGivesAStretchToOneReaction(t *testing.T) {
	b := bustest.New(t)
	var replayed, other atomic.Int64
	react(t, b, reaction(func(_ context.Context, d *bus.Delivery) error {
		if d.Replayed {
			replayed.Add(1)
		}
		return nil
	}))
	bystander := reaction(func(context.Context, *bus.Delivery) error { other.Add(1); return nil })
	bystander.Name = "bystander"
	react(t, b, bystander)
	for _, key := range []string{"a", "b", "c", "d"} {
		emit(t, b, key, lost(key))
	}
	eventually(t, "four events", func() bool { return other.Load() == 4 })
	n, err := b.Replay(t.Context(), "test-lost", 2, 3)
	if err != nil || n != 2 {
		t.Fatalf("replayed %d with %v, want 2", n, err)
	}
	eventually(t, "two replayed", func() bool { return replayed.Load() == 2 })
	if other.Load() != 4 {
		t.Errorf("the bystander got %d events, want 4", other.Load())
	}
}
