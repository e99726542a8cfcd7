package model

import (
	"slices"
	"time"

	"github.com/fiord-bench/fiord/events"
)

// Trigger is the event that a bench was requested for.
type Trigger struct {
	ID   string
	Type events.Type // push.received, push.approved or schedule.fired
	At   time.Time
}

// Notice is what became of notifying a target of an event about a bench.
type Notice struct {
	Target, Kind string
	Told         events.Type // of the event it was notified of
	At           time.Time
	// Reason why the target was given up on; empty if it was notified.
	Reason string
}

// Bounds of what is kept of chains. Triggers that brought nothing about are
// forgotten when newer ones come.
const (
	maxTriggers = 5000
	maxNotices  = 100
)

// chains joins benches to what came before and after them.
type chains struct {
	triggers map[string]Trigger
	order    []string          // of the triggers
	told     map[string]string // id of an event about a bench to the bench
}

func newChains() chains {
	return chains{triggers: map[string]Trigger{}, told: map[string]string{}}
}

// link takes an event that is about no bench itself; false for others.
func (m *Model) link(e events.Event, stored time.Time) bool {
	switch d := e.Data.(type) {
	case events.PushReceived, events.PushApproved, events.ScheduleFired:
		m.mu.Lock()
		defer m.mu.Unlock()
		m.trigger(Trigger{ID: e.ID, Type: e.Type, At: stored})
	case events.NoticeSent:
		m.notice(d.Notice, stored, "")
	case events.NoticeFailed:
		m.notice(d.Notice, stored, d.Reason)
	default:
		return false
	}
	return true
}

func (m *Model) trigger(t Trigger) {
	if _, known := m.chains.triggers[t.ID]; known {
		return
	}
	m.chains.triggers[t.ID] = t
	if m.chains.order = append(m.chains.order, t.ID); len(m.chains.order) > maxTriggers {
		delete(m.chains.triggers, m.chains.order[0])
		m.chains.order = m.chains.order[1:]
	}
}

// notice adds to the bench that was told of. A target told of the same again,
// such as by a replay, is listed once.
func (m *Model) notice(n events.Notice, at time.Time, reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.benches[m.chains.told[n.Told]]
	if b == nil || len(b.Notices) == maxNotices {
		return
	}
	fresh := Notice{Target: n.Target, Kind: n.Kind, Told: events.Type(n.ToldType), At: at, Reason: reason}
	same := func(o Notice) bool { return o.Target == fresh.Target && o.Told == fresh.Told && o.Reason == reason }
	if !slices.ContainsFunc(b.Notices, same) {
		b.Notices = append(slices.Clone(b.Notices), fresh) // snapshots share what was there
	}
}

// chain remembers what an event about a bench is called, and what it was
// requested for.
func (m *Model) chain(b *Bench, e events.Event, stored time.Time) {
	m.chains.told[e.ID] = b.ID
	b.events = append(b.events, e.ID)
	if e.Type != events.TypeBenchRequested {
		return
	}
	b.RequestedAt, b.By = stored, e.Source
	if t, ok := m.chains.triggers[e.CausationID]; ok {
		b.Trigger = &t
	}
}
