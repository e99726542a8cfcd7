package lease

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
)

func keeper(t *testing.T, s *bustest.Server) *Keeper {
	t.Helper()
	js := s.Bus("fiord/bench").JetStream()
	kv, err := js.KeyValue(t.Context(), bus.BucketLeases)
	if err != nil {
		t.Fatal(err)
	}
	return NewKeeper(js, kv, MinTTL)
}

func holder(host string) Holder { return Holder{Host: host, Run: "run-" + host, Attempt: 1} }

func take(t *testing.T, k *Keeper, h Holder, devices ...string) *Lease {
	t.Helper()
	l, err := k.Take(t.Context(), devices, h)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestADeviceHasOneHolderAtATime(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t)
	var inside, most, grants atomic.Int32
	var last atomic.Uint64
	var hosts sync.WaitGroup
	for _, host := range []string{"a", "b", "c", "d"} {
		k := keeper(t, s)
		hosts.Go(func() {
			for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
				l, err := k.Take(t.Context(), []string{"wwn.x"}, holder(host))
				if errors.Is(err, ErrHeld) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				most.Store(max(most.Load(), inside.Add(1)))
				if token := l.Tokens()["wwn.x"]; token <= last.Swap(token) {
					t.Errorf("token %d is not above the one before", token)
				}
				grants.Add(1)
				time.Sleep(time.Millisecond)
				inside.Add(-1)
				if err := l.Finish(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	hosts.Wait()
	if most.Load() != 1 || grants.Load() < 10 {
		t.Fatalf("%d held it at once, %d grants in all", most.Load(), grants.Load())
	}
}

func TestSeveralDevicesAreTakenAllOrNone(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t)
	a, b := keeper(t, s), keeper(t, s)
	held := take(t, a, holder("a"), "wwn.2")
	if _, err := b.Take(t.Context(), []string{"wwn.3", "wwn.2", "wwn.1"}, holder("b")); !errors.Is(err, ErrHeld) {
		t.Fatal(err)
	}
	if free, err := a.Free(t.Context(), []string{"wwn.1", "wwn.3"}); err != nil || !free {
		t.Fatalf("what was taken on the way is free: %v, %v", free, err)
	}
	if err := held.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := take(t, b, holder("b"), "wwn.3", "wwn.2", "wwn.1").Tokens(); len(got) != 3 {
		t.Fatal(got)
	}
}

// A dead holder's deadline passes before its key expires, and only then is
// there another grant.
func TestADeadHoldersDeviceIsGrantedOnlyAfterItsDeadline(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t)
	dead := take(t, keeper(t, s), holder("dead"), "wwn.x")
	k := keeper(t, s)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		next, err := k.Take(t.Context(), []string{"wwn.x"}, holder("next"))
		if err == nil {
			if left := dead.Deadline().Until(); left > 0 {
				t.Fatalf("granted %s before the holder's deadline", left)
			}
			if next.Tokens()["wwn.x"] <= dead.Tokens()["wwn.x"] {
				t.Fatal("the token did not grow")
			}
			break
		}
		if !errors.Is(err, ErrHeld) || time.Now().After(end) {
			t.Fatal(err)
		}
	}
	if err := dead.Finish(t.Context()); !errors.Is(err, ErrLost) {
		t.Fatalf("a stale lease finishes with %v", err)
	}
	if free, err := k.Free(t.Context(), []string{"wwn.x"}); err != nil || free {
		t.Fatalf("the stale holder gave back what is another's: %v, %v", free, err)
	}
}

func TestAKeptLeaseOutlivesItsTTL(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t)
	k := keeper(t, s)
	l := take(t, k, holder("a"), "wwn.x")
	first := l.Deadline()
	ctx, cancel := context.WithTimeout(t.Context(), MinTTL+2*time.Second)
	defer cancel()
	var extended int
	if err := l.Keep(ctx, func(Clock) { extended++ }); err != nil {
		t.Fatal(err)
	}
	if l.Deadline() <= first || extended < renewals {
		t.Fatalf("extended %d times", extended)
	}
	if _, err := k.Take(t.Context(), []string{"wwn.x"}, holder("b")); !errors.Is(err, ErrHeld) {
		t.Fatal(err)
	}
	if err := l.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestAHolderCutOffLosesItsLeaseInTime(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t)
	l := take(t, keeper(t, s), holder("a"), "wwn.x")
	l.keeper.js.Conn().Close()
	began := time.Now()
	err := l.Keep(t.Context(), func(Clock) { t.Error("extended without a connection") })
	if !errors.Is(err, ErrLost) {
		t.Fatal(err)
	}
	if took := time.Since(began); took > MinTTL {
		t.Fatalf("the lease was believed in for %s", took)
	}
	if err := l.Finish(t.Context()); !errors.Is(err, ErrLost) {
		t.Fatal(err)
	}
}

// What was measured before the server went away counts, as long as the lease
// had time left when the measurement ended.
func TestAServerThatIsAwayAtTheEndCostsNoResult(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t)
	l := take(t, keeper(t, s), holder("a"), "wwn.x")
	l.keeper.js.Conn().Close()
	if err := l.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestARestartedHolderTakesItsLeaseUpAgain(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t)
	first := take(t, keeper(t, s), holder("a"), "wwn.x")
	k := keeper(t, s)
	again, err := k.Resume(t.Context(), first.Tokens(), holder("a"))
	if err != nil {
		t.Fatal(err)
	}
	if again.Tokens()["wwn.x"] != first.Tokens()["wwn.x"] {
		t.Fatal("the token changed")
	}
	if _, err := k.Resume(t.Context(), first.Tokens(), holder("b")); !errors.Is(err, ErrLost) {
		t.Fatalf("another resumed it: %v", err)
	}
	if err := again.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Resume(t.Context(), first.Tokens(), holder("a")); !errors.Is(err, ErrLost) {
		t.Fatalf("a finished lease was resumed: %v", err)
	}
}

// The server may take a renewal whose answer never comes.
func TestARenewalWithoutAnAnswerDoesNotLoseTheLease(t *testing.T) {
	t.Parallel()
	s := bustest.NewServer(t)
	k := keeper(t, s)
	l := take(t, k, holder("a"), "wwn.x")
	unseen := l.grants[0]
	if err := k.renew(t.Context(), &unseen, l.value); err != nil {
		t.Fatal(err)
	}
	if err := l.extend(t.Context(), time.Second); err != nil {
		t.Fatal(err)
	}
	if again, err := k.Take(t.Context(), []string{"wwn.x"}, holder("a")); err != nil || again.Tokens()["wwn.x"] == 0 {
		t.Fatalf("a grant without an answer: %v", err)
	}
	if err := l.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := k.kv.Get(t.Context(), "wwn.x"); !errors.Is(err, jetstream.ErrKeyNotFound) {
		t.Fatal(err)
	}
}
