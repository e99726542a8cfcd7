package model

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/fiord-bench/fiord/events"
)

// ErrUnknown says that there is no bench, run or object of that id, or not any
// more.
var ErrUnknown = errors.New("unknown")

// State is how far a bench or run has come, in the words of its last event.
type State string

// States of benches and runs. The terminals carry the verbs of the contract.
const (
	StateRequested State = "requested" // bench: asked for, not placed
	StatePlaced    State = "placed"    // bench: runs planned; run: waiting for its host
	StateRunning   State = "running"
	StateCompleted State = "completed" // run
	StateFailed    State = "failed"
	StateRejected  State = "rejected"
	StateCancelled State = "cancelled" // bench or run
	StateExpired   State = "expired"
	StateReported  State = "reported" // bench
	StateUnplaced  State = "unplaced"
)

// Ended reports a terminal state.
func (s State) Ended() bool {
	return s != StateRequested && s != StatePlaced && s != StateRunning
}

// Bench is one bench with its runs.
type Bench struct {
	ID   string
	Name string
	// State is requested, placed, running, reported, unplaced or cancelled.
	State State
	// At is when the first event about it was stored, EndedAt its terminal's.
	At, EndedAt time.Time
	Origin      *events.Origin
	// Confirms is the bench whose regression this one measures again; Second the
	// bench that does so for this one.
	Confirms, Second string
	// Request without its job files' contents; nil until it is seen.
	Request *events.BenchRequested
	Placed  *events.BenchPlaced
	// Report, Unplaced and Cancelled: the terminal, at most one is set.
	Report    *events.BenchReported
	Unplaced  *events.BenchUnplaced
	Cancelled *events.BenchCancelled
	// Cancel is the command to stop it, if there was one.
	Cancel *events.CancelRequested
	// Runs heard of, by slot and index.
	Runs []*Run
	// RequestedAt is when the request was stored, By who made it: the source of
	// the event. Trigger is what it was made for, nil if that is not known.
	RequestedAt time.Time
	By          string
	Trigger     *Trigger
	// Notices about it, as they came.
	Notices []Notice

	byID   map[string]*Run // nil in snapshots
	events []string        // ids of those about the bench itself
}

// Run is one run.
type Run struct {
	events.RunRef
	State State
	// StartedAt of the last attempt and EndedAt; zero while unknown.
	StartedAt, EndedAt time.Time
	Started            *events.RunStarted
	// Completed has the figures; nil for any other end.
	Completed *events.RunCompleted
	// Cancelled is its end if it was stopped or skipped on request.
	Cancelled *events.RunCancelled
	// Reason why it did not complete, in a sentence.
	Reason string
	// Problems of a rejected run.
	Problems []events.Problem
	// Stderr is the tail of a failed run's.
	Stderr string
	// Artifacts kept by the terminal, whichever it was.
	Artifacts []events.Artifact
	// Plots are the figures; nil until they are rendered, which was at DrawnAt.
	Plots   *events.PlotsRendered
	DrawnAt time.Time
}

// Model is the set of benches. All methods may be called concurrently.
type Model struct {
	mu      sync.RWMutex
	limit   int
	benches map[string]*Bench
	order   []string          // bench ids as they were first heard of
	runs    map[string]string // run id to bench id
	chains  chains
}

// New returns an empty model that keeps at most about limit runs.
func New(limit int) *Model {
	return &Model{limit: limit, benches: map[string]*Bench{}, runs: map[string]string{}, chains: newChains()}
}

// Bench returns a copy of a bench that later events do not change.
func (m *Model) Bench(id string) (Bench, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	b, ok := m.benches[id]
	if !ok {
		return Bench{}, false
	}
	return b.snapshot(), true
}

// snapshot copies the bench and its runs, in order. Payloads are shared: they
// are replaced, never changed.
func (b *Bench) snapshot() Bench {
	c := *b
	c.byID = nil
	c.Runs = make([]*Run, len(b.Runs))
	for i, r := range b.Runs {
		run := *r
		c.Runs[i] = &run
	}
	slices.SortFunc(c.Runs, func(x, y *Run) int {
		return cmp.Or(cmp.Compare(x.Slot, y.Slot), cmp.Compare(x.Index, y.Index), cmp.Compare(x.Run, y.Run))
	})
	return c
}

// BenchOf returns the id of the bench that a run belongs to.
func (m *Model) BenchOf(run string) (string, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	id, ok := m.runs[run]
	return id, ok
}

// Latest returns up to n benches that match, newest first, after skipping
// some. Runs are left out. A nil match takes all.
func (m *Model) Latest(skip, n int, match func(*Bench) bool) []Bench {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []Bench
	for _, id := range slices.Backward(m.order) {
		b := m.benches[id]
		if match != nil && !match(b) {
			continue
		}
		if skip--; skip >= 0 {
			continue
		}
		if len(out) == n {
			break
		}
		c := *b
		c.Runs, c.byID = nil, nil
		out = append(out, c)
	}
	return out
}

// Run returns the run with the given id, or nil.
func (b *Bench) Run(id string) *Run {
	i := slices.IndexFunc(b.Runs, func(r *Run) bool { return r.Run == id })
	if i < 0 {
		return nil
	}
	return b.Runs[i]
}

// Counts of the runs by their end. Planned is what was placed, or what has
// been heard of if that is more.
func (b *Bench) Counts() events.Counts {
	if b.Report != nil {
		return b.Report.Counts
	}
	if b.Cancelled != nil {
		return b.Cancelled.Counts
	}
	n := events.Counts{Planned: len(b.Runs)}
	if b.Placed != nil {
		n.Planned = max(n.Planned, b.Placed.Runs)
	}
	for _, r := range b.Runs {
		switch r.State {
		case StateCompleted:
			n.Completed++
		case StateFailed:
			n.Failed++
		case StateRejected:
			n.Rejected++
		case StateCancelled:
			if r.Cancelled != nil && r.Cancelled.NotNeeded() {
				n.NotNeeded++
				n.Planned--
			} else {
				n.Cancelled++
			}
		case StateExpired:
			n.Expired++
		}
	}
	return n
}

// Seen is an event with the time at which the stream stored it.
type Seen struct {
	Event  events.Event
	Stored time.Time
}
