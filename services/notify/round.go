package notify

import (
	"slices"
	"time"
)

// grouping says which notices of a target are told together, in the words and
// with the meaning that Alertmanager gave them.
type grouping struct {
	by       []string      // labels; nil for every notice alone
	wait     time.Duration // from the first notice of a group to its message
	interval time.Duration // between messages of one group
}

// round is the state of one group of one target. It is idle, collects until Due,
// is closed by its leader, and is sent.
//
// The leader is an event, not a process: JetStream delivers it again until it
// is settled, so that a round never waits for somebody who is gone.
type round struct {
	Due time.Time `json:"due,omitzero"`
	// Leader is the notice whose delivery sends the message, Members are all
	// that it tells, itself included.
	Leader  string    `json:"leader,omitempty"`
	Closed  time.Time `json:"closed,omitzero"`
	Members []string  `json:"members,omitempty"`
	// Sent tells that the target took the message, but that not each member's
	// entry says so yet.
	Sent bool `json:"sent,omitempty"`
	// Told is when the last message was sent.
	Told time.Time `json:"told,omitzero"`
}

// move is what a delivery does next.
type move int

const (
	moveWait   move = iota // come back later
	moveOpen               // write that the group collects
	moveClose              // write that this delivery leads
	moveSend               // send the message
	moveFinish             // enter what was sent
)

// next decides for the delivery of one notice. It has no effects. The wait is
// for moveWait; due for moveOpen.
func (r round) next(id string, g grouping, giveUp time.Duration, now time.Time) (m move, wait time.Duration, due time.Time) {
	switch {
	case r.Leader == id && r.Sent:
		return moveFinish, 0, due
	case r.Leader == id:
		return moveSend, 0, due
	case r.Leader != "" && now.Sub(r.Closed) > giveUp:
		return moveClose, 0, due // the leader's event is gone: purged, or its queue was removed
	case r.Leader != "":
		// Ever longer while the target is away, so that waiting costs little.
		return moveWait, min(max(now.Sub(r.Closed), time.Second), time.Minute), due
	case r.Due.IsZero():
		due = now.Add(g.wait)
		if next := r.Told.Add(g.interval); !r.Told.IsZero() && next.After(due) {
			due = next
		}
		return moveOpen, 0, due
	case now.Before(r.Due):
		return moveWait, r.Due.Sub(now), due
	default:
		return moveClose, 0, due
	}
}

// open is the round that collects until due.
func (r round) open(due time.Time) round { return round{Due: due.UTC(), Told: r.Told} }

// close is the round that id tells of these.
func (r round) close(id string, members []string, now time.Time) round {
	if !slices.Contains(members, id) {
		members = append(members, id)
	}
	return round{Leader: id, Closed: now.UTC(), Members: members, Told: r.Told}
}
