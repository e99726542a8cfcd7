package report

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestACountBeginsAfterItWasAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c sharedCount
		var there, asked atomic.Int64 // what is counted, and how often it was
		ask := func(context.Context) (int, error) {
			n := int(there.Load())
			asked.Add(1)
			time.Sleep(time.Second)
			return n, nil
		}
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 20 * time.Millisecond)
				mine := int(there.Add(1))
				if n, err := c.of(t.Context(), "bench", ask); err != nil || n < mine {
					t.Errorf("the %dth counts %d, %v", mine, n, err)
				}
			})
		}
		all.Wait()
		if n := asked.Load(); n > 7 {
			t.Errorf("counted %d times in four seconds, a second each", n)
		}
		if len(c.benches) != 0 {
			t.Errorf("%d benches are remembered", len(c.benches))
		}
	})
}

func TestWhoStopsWaitingSpoilsNobodysCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c sharedCount
		leader, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			_, _ = c.of(leader, "bench", func(ctx context.Context) (int, error) {
				time.Sleep(time.Second)
				return 3, ctx.Err()
			})
		})
		synctest.Wait()
		stop()
		all.Go(func() {
			if n, err := c.of(t.Context(), "bench", func(context.Context) (int, error) { return 4, nil }); n != 4 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
		})
		all.Go(func() {
			bad := errors.New("away")
			if _, err := c.of(t.Context(), "other", func(context.Context) (int, error) { return 0, bad }); !errors.Is(err, bad) {
				t.Errorf("%v, want %v", err, bad)
			}
		})
		all.Wait()
	})
}
