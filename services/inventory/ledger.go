package inventory

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// ledger is what a replica remembers of benches that haven't ended. It is read
// from the stream at each start and kept up to date by a view.
type ledger struct {
	mu      sync.Mutex
	benches map[string]*account
	ready   chan struct{}
}

// account is one bench. A cancellation may be seen before the placement.
type account struct {
	placed  *events.Event // bench.placed; the cause of what the sweep emits
	cancel  *events.CancelRequested
	since   time.Time // when the cancellation was stored
	started map[string]bool
	// longest is how long a run of this bench may take; 0 until it was looked up.
	longest time.Duration
	// settled benches have no open run left.
	settled bool
}

func newLedger() *ledger {
	return &ledger{benches: map[string]*account{}, ready: make(chan struct{})}
}

// view feeds the ledger.
func (l *ledger) view() bus.View {
	return bus.View{
		Types: []events.Type{
			events.TypeBenchPlaced, events.TypeCancelRequested, events.TypeRunStarted,
			events.TypeBenchReported, events.TypeBenchUnplaced, events.TypeBenchCancelled,
		},
		See:      l.see,
		CaughtUp: sync.OnceFunc(func() { close(l.ready) }),
	}
}

func (l *ledger) see(_ context.Context, seen bus.Seen) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch data := seen.Event.Data.(type) {
	case events.BenchPlaced:
		a := l.account(data.Bench)
		a.placed = &seen.Event
	case events.CancelRequested:
		a := l.account(data.Bench)
		if a.cancel == nil {
			a.cancel, a.since = &data, seen.Stored
		}
	case events.RunStarted:
		a := l.account(data.Bench)
		a.started[data.Run] = true
	case events.BenchReported, events.BenchUnplaced, events.BenchCancelled:
		delete(l.benches, events.BenchOf(seen.Event))
	}
}

func (l *ledger) account(bench string) *account {
	a := l.benches[bench]
	if a == nil {
		a = &account{started: map[string]bool{}}
		l.benches[bench] = a
	}
	return a
}

// cancelled returns the command to stop a bench, if there was one. It waits
// for nothing: whoever asks has waited for ready.
func (l *ledger) cancelled(bench string) (events.CancelRequested, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.benches[bench]; a != nil && a.cancel != nil {
		return *a.cancel, true
	}
	return events.CancelRequested{}, false
}

// announced tells whether bench.placed has been published. It waits for nothing
// either, and may say no for a moment after it was: repeating what was just said
// is what event ids are for.
func (l *ledger) announced(bench string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.benches[bench]
	return a != nil && a.placed != nil
}

// open lists the placed benches that may have open runs, oldest first. The
// accounts are copies but for the set of started runs.
func (l *ledger) open() []account {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []account
	for _, a := range l.benches {
		if a.placed != nil && !a.settled {
			list = append(list, *a)
		}
	}
	slices.SortFunc(list, func(a, b account) int { return a.placed.Time.Compare(b.placed.Time) })
	return list
}

// update changes what is known of an open bench.
func (l *ledger) update(bench string, change func(*account)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.benches[bench]; a != nil {
		change(a)
	}
}

// hasStarted says whether fio was started for the run, as far as it was told.
func (l *ledger) hasStarted(bench, run string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.benches[bench]
	return a != nil && a.started[run]
}
