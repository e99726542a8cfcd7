package starts

import (
	"errors"
	"testing"

	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
)

func counter(t *testing.T, b *bus.Bus) Counter {
	t.Helper()
	kv, err := b.JetStream().KeyValue(t.Context(), bus.BucketStarts)
	if err != nil {
		t.Fatal(err)
	}
	return Counter{KV: kv}
}

func of(t *testing.T, c Counter, run string) Count {
	t.Helper()
	so, err := c.Of(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	return so
}

func TestARunThatNoWorkerStartedHasNoStarts(t *testing.T) {
	if so := of(t, counter(t, bustest.New(t)), "run"); so != (Count{}) {
		t.Errorf("%+v", so)
	}
}

func TestEachStartIsAnAttemptAndCounts(t *testing.T) {
	c := counter(t, bustest.New(t))
	for want := range 3 {
		so := of(t, c, "run")
		if so.All != want || so.Against() != want {
			t.Fatalf("%+v, want %d", so, want)
		}
		if err := c.Add(t.Context(), "run", so); err != nil {
			t.Fatal(err)
		}
	}
	if so := of(t, c, "another"); so.All != 0 {
		t.Errorf("starts of one run count for another: %+v", so)
	}
}

func TestOfTwoWorkersThatKnowTheSameOneStarts(t *testing.T) {
	s := bustest.NewServer(t)
	first, second := counter(t, s.Bus("fiord/first")), counter(t, s.Bus("fiord/second"))
	for range 2 { // once for a key that is made, once for one that is changed
		so := of(t, first, "run")
		if err := first.Add(t.Context(), "run", so); err != nil {
			t.Fatal(err)
		}
		if err := second.Add(t.Context(), "run", so); !errors.Is(err, ErrTaken) {
			t.Fatalf("one start was counted twice: %v", err)
		}
	}
	if so := of(t, second, "run"); so.All != 2 {
		t.Errorf("%+v", so)
	}
}

func TestAStartThatIsHandedBackKeepsItsNumberAndDoesNotCount(t *testing.T) {
	c := counter(t, bustest.New(t))
	if err := c.Add(t.Context(), "run", of(t, c, "run")); err != nil {
		t.Fatal(err)
	}
	if err := c.HandBack(t.Context(), "run"); err != nil {
		t.Fatal(err)
	}
	if so := of(t, c, "run"); so.All != 1 || so.Against() != 0 {
		t.Fatalf("%+v", so)
	}
	if err := c.Add(t.Context(), "run", of(t, c, "run")); err != nil {
		t.Fatal(err)
	}
	if so := of(t, c, "run"); so.All != 2 || so.Against() != 1 {
		t.Errorf("%+v", so)
	}
}

func TestACountThatCannotBeReadIsAnErrorAndNotNone(t *testing.T) {
	c := counter(t, bustest.New(t))
	if _, err := c.KV.Put(t.Context(), "run", []byte("many")); err != nil {
		t.Fatal(err)
	}
	if so, err := c.Of(t.Context(), "run"); err == nil {
		t.Errorf("read as %+v", so)
	}
}

func TestWithoutTheServerNoStartIsCounted(t *testing.T) {
	s := bustest.NewServer(t)
	c := counter(t, s.Bus("fiord/bench"))
	so := of(t, c, "run")
	s.Stop()
	if err := c.Add(t.Context(), "run", so); err == nil || errors.Is(err, ErrTaken) {
		t.Errorf("%v", err)
	}
}
