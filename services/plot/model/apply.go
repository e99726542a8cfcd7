package model

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
)

// Types are the events the model is built from.
func Types() []events.Type {
	return []events.Type{
		events.TypeBenchRequested, events.TypeBenchPlaced, events.TypeBenchReported,
		events.TypeBenchUnplaced, events.TypeBenchCancelled, events.TypeCancelRequested,
		events.TypeRunStarted, events.TypeRunCompleted, events.TypeRunFailed,
		events.TypeRunRejected, events.TypeRunCancelled, events.TypeRunExpired,
		events.TypePlotsRendered,
		events.TypePushReceived, events.TypePushApproved, events.TypeScheduleFired, events.TypeNoticeSent, events.TypeNoticeFailed,
	}
}

// Of returns the bench that an event of one of the Types is about, and the run
// if it is about one.
func Of(e events.Event) (bench, run string) {
	if !slices.Contains(Types(), e.Type) {
		return "", ""
	}
	if ref, ok := events.RunOf(e); ok {
		return ref.Bench, ref.Run
	}
	if d, ok := e.Data.(events.PlotsRendered); ok {
		return d.Bench, d.Run
	}
	return events.BenchOf(e), ""
}

// Apply takes one event into account; stored is when the stream got it. Events
// of other types are ignored.
func (m *Model) Apply(e events.Event, stored time.Time) {
	if m.link(e, stored) {
		return
	}
	id, run := Of(e)
	if id == "" {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.bench(id, stored)
	if run == "" {
		b.apply(e, stored)
		m.chain(b, e, stored)
		if first := m.benches[b.Confirms]; first != nil {
			first.Second = b.ID
		}
		return
	}
	r := m.run(b, run)
	r.apply(e, stored)
	if !b.State.Ended() && r.State != StatePlaced {
		b.State = StateRunning
	}
	if b.Name == "" {
		b.Name = r.Name
	}
	m.forget()
}

// bench finds or starts a bench.
func (m *Model) bench(id string, stored time.Time) *Bench {
	b := m.benches[id]
	if b == nil {
		b = &Bench{ID: id, State: StateRequested, At: stored, byID: map[string]*Run{}}
		m.benches[id] = b
		m.order = append(m.order, id)
	}
	if stored.Before(b.At) {
		b.At = stored
	}
	return b
}

// run finds or starts a run of b.
func (m *Model) run(b *Bench, id string) *Run {
	if r := b.byID[id]; r != nil {
		return r
	}
	r := &Run{RunRef: events.RunRef{Bench: b.ID, Run: id}, State: StatePlaced}
	b.Runs = append(b.Runs, r)
	b.byID[id] = r
	m.runs[id] = b.ID
	return r
}

// forget drops the oldest benches that have ended while there are more runs
// than the limit. The newest bench is never dropped.
func (m *Model) forget() {
	for i := 0; len(m.runs) > m.limit && i < len(m.order)-1; {
		b := m.benches[m.order[i]]
		if !b.State.Ended() {
			i++
			continue
		}
		for _, r := range b.Runs {
			delete(m.runs, r.Run)
		}
		for _, id := range b.events {
			delete(m.chains.told, id)
		}
		delete(m.benches, b.ID)
		m.order = append(m.order[:i], m.order[i+1:]...)
	}
}

// apply takes an event about the bench itself.
func (b *Bench) apply(e events.Event, stored time.Time) {
	switch d := e.Data.(type) {
	case events.BenchRequested:
		b.Name = d.Name
		b.Origin, b.Confirms = d.Origin, d.Confirms
		b.Request = slim(d)
	case events.BenchPlaced:
		b.Name, b.Placed, b.Confirms = d.Name, &d, d.Confirms
		b.advance(StatePlaced)
		if b.Origin == nil {
			b.Origin = d.Origin
		}
	case events.CancelRequested:
		b.Cancel = &d
	case events.BenchReported:
		b.Report = &d
		b.Confirms = cmp.Or(b.Confirms, d.Confirms)
		if c := d.Confirmation; c != nil {
			b.Second = cmp.Or(b.Second, c.Bench)
		}
		b.end(StateReported, d.Name, d.Origin, stored)
	case events.BenchUnplaced:
		b.Unplaced = &d
		b.end(StateUnplaced, d.Name, d.Origin, stored)
	case events.BenchCancelled:
		b.Cancelled = &d
		b.end(StateCancelled, d.Name, d.Origin, stored)
	}
}

// advance moves to a state unless the bench is further already.
func (b *Bench) advance(s State) {
	if b.State == StateRequested {
		b.State = s
	}
}

func (b *Bench) end(s State, name string, origin *events.Origin, at time.Time) {
	b.State, b.Name, b.EndedAt = s, name, at
	if b.Origin == nil {
		b.Origin = origin
	}
}

// slim drops what is large and shown nowhere: the job files' contents.
func slim(d events.BenchRequested) *events.BenchRequested {
	jobs := make([]events.Job, len(d.Jobs))
	for i, j := range d.Jobs {
		j.Inline = ""
		jobs[i] = j
	}
	d.Jobs = jobs
	return &d
}

// apply takes an event about the run. Its terminal stands, whatever comes
// after; a later attempt's start replaces an earlier one's.
func (r *Run) apply(e events.Event, stored time.Time) {
	if d, ok := e.Data.(events.PlotsRendered); ok {
		r.Plots, r.DrawnAt = &d, stored
		return
	}
	if d, ok := e.Data.(events.RunStarted); ok {
		if r.Started == nil || d.Attempt >= r.Started.Attempt {
			r.Started = &d
			if r.Completed == nil {
				r.StartedAt = stored
			}
		}
		if !r.State.Ended() {
			r.State, r.RunRef = StateRunning, d.RunRef
		}
		return
	}
	ref, _ := events.RunOf(e)
	r.RunRef, r.EndedAt = ref, stored
	r.State = State(e.Type.Verb())
	r.end(e.Data)
}

// end takes what is particular to each terminal.
func (r *Run) end(data events.Data) {
	switch d := data.(type) {
	case events.RunCompleted:
		r.Completed, r.Artifacts, r.StartedAt, r.EndedAt = &d, d.Artifacts, d.StartedAt, d.EndedAt
	case events.RunFailed:
		r.Reason, r.Stderr, r.Artifacts, r.EndedAt = d.Reason, d.Stderr, d.Artifacts, d.EndedAt
	case events.RunRejected:
		r.Problems, r.EndedAt = d.Problems, d.EndedAt
		r.Reason = sentence(d.Problems)
	case events.RunCancelled:
		r.Cancelled = &d
		r.Reason, r.Artifacts, r.EndedAt = d.Reason+" (by "+d.By+")", d.Artifacts, d.EndedAt
	case events.RunExpired:
		r.Reason = d.Reason
	}
}

// sentence joins what is wrong, each with its place where it has one.
func sentence(problems []events.Problem) string {
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = p.Message
		if p.File != "" && p.Line > 0 {
			texts[i] = fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Message)
		}
	}
	return strings.Join(texts, "; ")
}
