package bus_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
)

// Leaders of the event stream are made to step down in the middle of races. A new
// one does not know what the old one had accepted and not yet handed on, nor who
// was answered: still one end each, and all racers tell the same one.
func TestRacingEndsSurviveChangesOfLeader(t *testing.T) {
	const runs = 200
	c := bustest.NewCluster(t)
	var buses []*bus.Bus
	for i := range 4 {
		buses = append(buses, c.Bus(i%3, fmt.Sprintf("fiord/racer%d", i)))
	}
	changes := stepDown(t, c.Bus(0, "fiord/operator"))
	places := make(chan struct{}, 8)
	var racing sync.WaitGroup
	for i := range runs {
		places <- struct{}{}
		racing.Go(func() {
			defer func() { <-places }()
			race(t, buses, fmt.Sprint("run", i))
		})
	}
	racing.Wait()
	if n := changes(); n < 3 {
		t.Errorf("the leader changed %d times, want some", n)
	}
	expectOneEndEach(t, c.Bus(1, "fiord/auditor"), runs)
}

// race ends one run four ways at once. Each racer tries until it knows the
// outcome, as a handler would.
func race(t *testing.T, buses []*bus.Bus, run string) {
	var mu sync.Mutex
	told, won := map[string]bool{}, 0
	var wg sync.WaitGroup
	for i, data := range ends(run) {
		wg.Go(func() {
			e := events.New(buses[i].Source(), run, nil, data)
			ending, err := buses[i].End(t.Context(), e)
			for deadline := time.Now().Add(time.Minute); errors.Is(err, bus.ErrNotAcknowledged) || errors.Is(err, context.DeadlineExceeded); {
				if time.Now().After(deadline) {
					break
				}
				ending, err = buses[i].End(t.Context(), e)
			}
			if err != nil {
				t.Errorf("%s: %v", run, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			told[ending.Event.ID] = true
			if ending.Won {
				won++
			}
		})
	}
	wg.Wait()
	if won != 1 || len(told) != 1 {
		t.Errorf("%s: %d winners, and %d different ends were told", run, won, len(told))
	}
}

// stepDown keeps asking the leader of the event stream to step down. The function
// it gives ends that, and tells how often a leader did.
func stepDown(t *testing.T, b *bus.Bus) func() int {
	ctx, stop := context.WithCancel(t.Context())
	count, done := 0, make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			request, cancel := context.WithTimeout(ctx, time.Second)
			answer, err := b.Conn().RequestWithContext(request, "$JS.API.STREAM.LEADER.STEPDOWN."+bus.StreamEvents, nil)
			cancel()
			if err == nil && string(answer.Data) != "" {
				count++
			}
			select {
			case <-ctx.Done():
			case <-time.After(500 * time.Millisecond):
			}
		}
	}()
	return func() int {
		stop()
		<-done
		return count
	}
}
