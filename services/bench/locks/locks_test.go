package locks

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/internal/gate"
)

// soon is how long something is given to happen that must not.
const soon = 300 * time.Millisecond

func open(t *testing.T, path string) *gate.Gate {
	t.Helper()
	g, err := gate.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func enter(t *testing.T, turnstile *Turnstile) (leave func()) {
	t.Helper()
	leave, err := turnstile.Enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return leave
}

// rendering reports whether the gate lets another program render now.
func rendering(t *testing.T, g *gate.Gate) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	release, err := g.Render(ctx)
	if err != nil {
		return false
	}
	release()
	return true
}

func TestTheGateIsKeptFromTheFirstRunToTheLast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gate")
	turnstile, other := NewTurnstile(open(t, path)), open(t, path)
	first := enter(t, turnstile)
	second := enter(t, turnstile)
	first()
	if rendering(t, other) {
		t.Error("the gate was given back while a run was inside")
	}
	second()
	if !rendering(t, other) {
		t.Error("the gate was not given back")
	}
	enter(t, turnstile)()
}

func TestWaitingForTheGateEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gate")
	turnstile := NewTurnstile(open(t, path))
	release, err := open(t, path).Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if _, err := turnstile.Enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	release()
	enter(t, turnstile)() // what waited in vain is not inside
}

func TestManyRunsPassAndTheGateIsFreeAfterwards(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gate")
	turnstile := NewTurnstile(open(t, path))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				leave, err := turnstile.Enter(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				leave()
			}
		})
	}
	all.Wait()
	if !rendering(t, open(t, path)) {
		t.Error("the gate was not given back")
	}
}

func TestADiskIsLockedByOneAtATime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "locks")
	held, err := Disks(t.Context(), dir, []string{"sdb", "sda"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if _, err := Disks(ctx, dir, []string{"sda"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("locked twice: %v", err)
	}
	if other, err := Disks(t.Context(), dir, []string{"sdc"}); err != nil {
		t.Errorf("another disk: %v", err)
	} else {
		Unlock(other)
	}
	Unlock(held)
	again, err := Disks(t.Context(), dir, []string{"sda", "sdb"})
	if err != nil {
		t.Fatal(err)
	}
	Unlock(again)
}

// Two that want the same disks in another order once waited for each other.
func TestTheOrderOfDisksIsNoDeadlock(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var inside atomic.Int32
	var all sync.WaitGroup
	for _, disks := range [][]string{{"sda", "sdb"}, {"sdb", "sda"}} {
		all.Go(func() {
			for range 5 {
				held, err := Disks(ctx, dir, disks)
				if err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) != 1 {
					t.Error("two hold the same disks")
				}
				inside.Add(-1)
				Unlock(held)
			}
		})
	}
	all.Wait()
}

func TestWhatCannotBeLockedLeavesNothingLocked(t *testing.T) {
	dir := t.TempDir()
	held, err := Disks(t.Context(), dir, []string{"sdb"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if _, err := Disks(ctx, dir, []string{"sda", "sdb"}); err == nil {
		t.Fatal("locked twice")
	}
	quick, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	free, err := Disks(quick, dir, []string{"sda"})
	if err != nil {
		t.Fatal(err)
	}
	Unlock(free)
	Unlock(held)
}
