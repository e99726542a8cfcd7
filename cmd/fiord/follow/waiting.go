package follow

import (
	"fmt"
	"time"

	"github.com/fiord-bench/fiord/events"
)

// Waiting says who has the next word in a bench that has not ended.
type Waiting struct {
	// For is a service or a host.
	For   string    `json:"for"`
	What  string    `json:"what"`
	Since time.Time `json:"since"`
}

// Waiting derives from the events so far who has to act: nobody conducts a
// bench, so what is missing is told from what has happened.
func (b *Bench) Waiting() []Waiting {
	if b.End != nil {
		return nil
	}
	if b.Placed == nil && b.Asked.IsZero() {
		return nil // its request is no part of what was seen: another chain's, or long ago
	}
	if b.Placed == nil {
		return []Waiting{{For: "inventory", What: "to place the bench", Since: b.Asked}}
	}
	var (
		waiting []Waiting
		ended   = b.Counts().Ended()
		last    = b.Placed.PlacedAt
	)
	for _, r := range b.Runs() {
		if r.At.After(last) {
			last = r.At
		}
		if r.State == Started {
			waiting = append(waiting, Waiting{For: "bench on " + r.Host, What: "to measure " + describe(r.RunRef), Since: r.At})
		}
	}
	if rest := b.Placed.Runs - ended - len(waiting); rest > 0 {
		waiting = append(waiting, Waiting{For: "bench", What: fmt.Sprintf("to start %d more of %d runs", rest, b.Placed.Runs), Since: last})
	}
	if ended >= b.Placed.Runs && b.Second != nil && b.Second.End == nil {
		for _, w := range b.Second.Waiting() {
			w.What += ", measuring again to confirm"
			waiting = append(waiting, w)
		}
		return waiting
	}
	if ended >= b.Placed.Runs {
		waiting = append(waiting, Waiting{For: "plot", What: "to draw and report", Since: last})
	}
	return waiting
}

func describe(r events.RunRef) string {
	text := r.Job
	if key := r.Point.Key(); key != "" {
		text += " " + key
	}
	return fmt.Sprintf("%s, repeat %d", text, r.Repeat+1)
}
