package events

import "time"

// BenchPlaced says who measures a bench. The lists are in the placement
// document, which is the decision itself.
type BenchPlaced struct {
	Bench string `json:"bench"`
	Name  string `json:"name"`
	// Placement is a [Placement] document.
	Placement ClaimCheck `json:"placement"`
	// Hosts named, Slots made and Runs planned.
	Hosts int `json:"hosts"`
	Slots int `json:"slots"`
	Runs  int `json:"runs"`
	// Excluded hosts were selected and don't measure; the placement says why.
	Excluded int `json:"excluded,omitempty"`
	// PlacedAt is when it was decided; deadlines count from here.
	PlacedAt time.Time `json:"placed_at"`
	// Deadline by which every run must have ended or expires.
	Deadline time.Time `json:"deadline"`
	Origin   *Origin   `json:"origin,omitempty"`
	// Confirms is the bench that this one measures again for.
	Confirms string `json:"confirms,omitempty"`
}

// EventType is bench.placed.
func (BenchPlaced) EventType() Type { return TypeBenchPlaced }

// About is the id of the bench.
func (d BenchPlaced) About() string { return d.Bench }

// Validate reports the fields at fault.
func (d BenchPlaced) Validate() error {
	c := checking(d.EventType())
	c.id("bench", d.Bench)
	c.text("name", d.Name, 100)
	c.claim("placement", &d.Placement)
	c.atLeast("slots", d.Slots, 1)
	c.atLeast("runs", d.Runs, 1)
	c.atLeast("hosts", d.Hosts, 0)
	c.atLeast("excluded", d.Excluded, 0)
	c.time("placed_at", d.PlacedAt)
	c.time("deadline", d.Deadline)
	c.optionalID("confirms", d.Confirms)
	return c.err()
}

// CancelRequested is the command to stop a bench.
type CancelRequested struct {
	Bench string `json:"bench"`
	// Reason in a sentence.
	Reason string `json:"reason"`
	// By is who asked: a person, or fiord/ingest for a superseded push.
	By string `json:"by"`
	// SupersededBy is the push that made the bench pointless.
	SupersededBy string `json:"superseded_by,omitempty"`
	// QueuedOnly spares runs that have started.
	QueuedOnly bool `json:"queued_only,omitempty"`
	// Requester is who asks, and by what right.
	Requester *Requester `json:"requester,omitempty"`
}

// EventType is cancel.requested.
func (CancelRequested) EventType() Type { return TypeCancelRequested }

// About is the id of the bench.
func (d CancelRequested) About() string { return d.Bench }

// Route is the bench, so that whoever is about to work for it can look up
// whether it was cancelled.
func (d CancelRequested) Route() string { return d.Bench }

// CancelSubject is where the cancellation of one bench is found.
func CancelSubject(bench string) string { return TypeCancelRequested.Subject() + "." + bench }

// Validate reports the fields at fault.
func (d CancelRequested) Validate() error {
	c := checking(d.EventType())
	c.id("bench", d.Bench)
	c.text("reason", d.Reason, MaxReason)
	c.text("by", d.By, MaxActor)
	d.Requester.check(c)
	return c.err()
}
