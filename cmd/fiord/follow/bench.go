// Package follow knows how a bench fares, from its events in any order and
// from the progress of its runs.
package follow

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
)

// State of a run as the events tell it.
type State string

// The states of a run. Planned ones have not been heard of.
const (
	Started   State = "started"
	Completed State = "completed"
	Failed    State = "failed"
	Rejected  State = "rejected"
	Cancelled State = "cancelled"
	Expired   State = "expired"
	NotNeeded State = "not_needed" // a repeat left out: the spread was reached
)

// Run is one start of fio, or the end of one that never started.
type Run struct {
	events.RunRef
	State State
	// Reason of an end that is not completed, in a sentence or more.
	Reason string
	// Result is set for completed runs.
	Result *events.RunCompleted
	// Progress is the last that was shown; its At is zero before the first.
	Progress events.Progress
	At       time.Time // of the last event
}

// Bench is what is known of one bench.
type Bench struct {
	ID      string
	Request *events.BenchRequested
	Placed  *events.BenchPlaced
	Cancel  *events.CancelRequested
	// End is the terminal: BenchReported, BenchUnplaced or BenchCancelled.
	End   events.Data
	runs  map[string]*Run
	Asked time.Time // when the request was made
	Ended time.Time // when the end was
	// Second is the bench that measures this one's regression again, nil if none
	// was asked for.
	Second *Bench
}

// New knows nothing of the bench yet but its id.
func New(id string) *Bench { return &Bench{ID: id, runs: map[string]*Run{}} }

// Types are the events that speak of a bench.
func Types() []events.Type {
	return slices.Concat([]events.Type{
		events.TypeBenchRequested, events.TypeBenchPlaced, events.TypeCancelRequested, events.TypeRunStarted,
	}, events.RunEnds(), events.BenchEnds())
}

// Apply takes in one event. It reports whether the event was about this bench,
// or about the one that confirms it.
func (b *Bench) Apply(e events.Event) bool {
	if d, ok := e.Data.(events.BenchRequested); ok && d.Confirms == b.ID && b.Second == nil {
		b.Second = New(events.BenchID(e))
	}
	if b.Second != nil && b.Second.Apply(e) {
		return true
	}
	if events.BenchOf(e) != b.ID {
		return false
	}
	switch d := e.Data.(type) {
	case events.BenchRequested:
		b.Request, b.Asked = &d, e.Time
	case events.BenchPlaced:
		b.Placed = &d
	case events.CancelRequested:
		b.Cancel = &d
	case events.BenchReported, events.BenchUnplaced, events.BenchCancelled:
		b.End, b.Ended = d, e.Time
	}
	if ref, ok := events.RunOf(e); ok {
		b.applyRun(ref, e)
	}
	return true
}

func (b *Bench) applyRun(ref events.RunRef, e events.Event) {
	r := b.run(ref.Run)
	if _, started := e.Data.(events.RunStarted); started && r.State.Final() {
		return // events of a run may come in any order
	}
	r.RunRef, r.At = ref, e.Time
	switch d := e.Data.(type) {
	case events.RunStarted:
		r.State = Started
	case events.RunCompleted:
		r.State, r.Result = Completed, &d
	case events.RunFailed:
		r.State, r.Reason = Failed, Failure(d)
	case events.RunRejected:
		r.State, r.Reason = Rejected, problems(d.Problems)
	case events.RunCancelled:
		r.State, r.Reason = Cancelled, d.Reason
		if d.NotNeeded() {
			r.State = NotNeeded
		}
	case events.RunExpired:
		r.State, r.Reason = Expired, d.Reason
	}
}

// Failure is why a run failed, with what fio said of it.
func Failure(d events.RunFailed) string {
	said := strings.TrimSpace(d.Stderr)
	if said == "" || strings.Contains(d.Reason, said) {
		return d.Reason
	}
	if lines := strings.Split(said, "\n"); len(lines) > mostSaid {
		said = strings.Join(lines[len(lines)-mostSaid:], "\n")
	}
	return d.Reason + "\n" + said
}

// mostSaid is how many of fio's last lines are passed on to people.
const mostSaid = 5

// Final says that a run in this state has ended.
func (s State) Final() bool { return s != "" && s != Started }

// Show takes in the progress of a run.
func (b *Bench) Show(p events.Progress) {
	if p.Bench != b.ID {
		return
	}
	r := b.run(p.Run)
	r.Progress = p
	if r.State == "" {
		r.RunRef = events.RunRef{
			Bench: p.Bench, Run: p.Run, Name: p.Name, Job: p.Job, Slot: p.Slot, Index: p.Index,
			Point: p.Point, Repeat: p.Repeat, Host: p.Host, Attempt: p.Attempt,
		}
	}
}

func (b *Bench) run(id string) *Run {
	r, ok := b.runs[id]
	if !ok {
		r = &Run{RunRef: events.RunRef{Bench: b.ID, Run: id}}
		b.runs[id] = r
	}
	return r
}

// Runs are those heard of, in the order in which they are done.
func (b *Bench) Runs() []*Run {
	runs := make([]*Run, 0, len(b.runs))
	for _, r := range b.runs {
		runs = append(runs, r)
	}
	slices.SortFunc(runs, func(x, y *Run) int {
		return cmp.Or(cmp.Compare(x.Slot, y.Slot), cmp.Compare(x.Index, y.Index), cmp.Compare(x.Run, y.Run))
	})
	return runs
}

// Counts of the runs by their end, with the number planned as far as it is known.
func (b *Bench) Counts() events.Counts {
	var n events.Counts
	if b.Placed != nil {
		n.Planned = b.Placed.Runs
	}
	for _, r := range b.runs {
		switch r.State {
		case Completed:
			n.Completed++
		case Failed:
			n.Failed++
		case Rejected:
			n.Rejected++
		case Cancelled:
			n.Cancelled++
		case NotNeeded:
			n.NotNeeded++
			n.Planned--
		case Expired:
			n.Expired++
		}
	}
	return n
}

// Name of the bench, as far as anything told it.
func (b *Bench) Name() string {
	if b.Request != nil {
		return b.Request.Name
	}
	if b.Placed != nil {
		return b.Placed.Name
	}
	for _, r := range b.runs {
		if r.Name != "" {
			return r.Name
		}
	}
	return b.ID
}

func problems(list []events.Problem) string {
	text := ""
	for _, p := range list {
		if text != "" {
			text += "\n"
		}
		text += p.String()
	}
	return text
}
