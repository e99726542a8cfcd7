package page

import (
	"fmt"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// link is one step of the chain from a push to what people are told. Nobody
// conducts a bench: what has been done and who has the next word is derived
// from the events.
type link struct {
	What, Who string
	// From and To are when it happened; a step that is awaited has no To.
	From, To time.Time
	Note     string
	URL      string // of the note, empty for none
	// State is done, waiting, or failed.
	State string
	// Left and Wide place the step on a bar of barWidth units from the first step
	// to the last; Wide is 0 for a step that is no stretch of time.
	Left, Wide int
}

// States of links.
const (
	linkDone    = "done"
	linkWaiting = "waiting"
	linkFailed  = "failed"
)

// barWidth is how long the bar of a chain is, in its own units.
const barWidth = 1000

// maxAwaited bounds how many running runs are listed one by one.
const maxAwaited = 12

// chain lists the steps of a bench so far, and what is awaited.
func chain(b model.Bench) []link {
	var out []link
	if t := b.Trigger; t != nil {
		out = append(out, link{What: spoken(t.Type), Who: "forge, to ingest", From: t.At, To: t.At, State: linkDone})
		if t.Type == events.TypeScheduleFired {
			out[0].Who = "schedule, to ingest"
		}
	}
	since := b.At
	if !b.RequestedAt.IsZero() {
		since = b.RequestedAt
		out = append(out, link{What: "requested", Who: b.By, From: first(out, since), To: since, State: linkDone})
	}
	switch {
	case b.Placed != nil:
		out = append(out, link{What: "placed", Who: "inventory", From: since, To: b.Placed.PlacedAt, State: linkDone, Note: fmt.Sprintf("%s on %s", many(b.Placed.Runs, "run"), many(b.Placed.Slots, "slot"))})
		out = append(out, measured(b)...)
	case !b.State.Ended():
		out = append(out, link{What: "to place the bench", Who: "inventory", From: since, State: linkWaiting})
	}
	if b.Second != "" {
		l := link{What: "measured again, to confirm", Who: "inventory, bench, plot", From: lastEnd(b), To: b.EndedAt, Note: "bench " + short(b.Second), URL: "/benches/" + b.Second, State: linkDone}
		if !b.State.Ended() {
			l.What, l.To, l.State = "to measure again, to confirm", time.Time{}, linkWaiting
		}
		out = append(out, l)
	}
	out = append(out, ended(b)...)
	for _, n := range b.Notices {
		l := link{What: "told", Who: "notify", From: n.At, To: n.At, Note: n.Target + " (" + n.Kind + ") of " + spoken(n.Told), State: linkDone}
		if n.Reason != "" {
			l.What, l.State, l.Note = "could not be told", linkFailed, l.Note+": "+n.Reason
		}
		out = append(out, l)
	}
	return laid(out)
}

// spoken is a type as people say it: push received.
func spoken(t events.Type) string { return t.Noun() + " " + t.Verb() }

// first is when the step before ended, or at if there is none.
func first(list []link, at time.Time) time.Time {
	if len(list) == 0 {
		return at
	}
	return list[len(list)-1].To
}

// measured are the steps of the runs: what was measured, drawn, and is awaited.
func measured(b model.Bench) []link {
	var begun, over, drawnFrom, drawn time.Time
	var running []link
	finished, figures, awaited := 0, 0, 0
	for _, r := range b.Runs {
		if at := r.StartedAt; !at.IsZero() && (begun.IsZero() || at.Before(begun)) {
			begun = at
		}
		switch {
		case r.State.Ended():
			finished++
			over = latest(over, r.EndedAt)
		case r.State == model.StateRunning:
			running = append(running, link{What: "to measure " + r.Job + ", " + pointText(r.Point.Key()) + fmt.Sprintf(", repeat %d", r.Repeat+1), Who: "bench on " + r.Host, From: r.StartedAt, State: linkWaiting, URL: "/runs/" + r.Run, Note: "run"})
		}
		if r.Completed != nil {
			awaited++
		}
		if r.Plots != nil {
			figures++
			drawn = latest(drawn, r.DrawnAt)
			if drawnFrom.IsZero() || r.EndedAt.Before(drawnFrom) {
				drawnFrom = r.EndedAt
			}
		}
	}
	planned := b.Counts().Planned
	var out []link
	if finished > 0 {
		out = append(out, link{What: "measured", Who: "bench", From: earliest(begun, over), To: over, State: linkDone, Note: fmt.Sprintf("%d of %s ended", finished, many(planned, "run"))})
	}
	if figures > 0 {
		out = append(out, link{What: "drawn", Who: "plot", From: earliest(drawnFrom, drawn), To: drawn, State: linkDone, Note: fmt.Sprintf("figures of %d of %s", figures, many(awaited, "completed run"))})
	}
	if b.State.Ended() {
		return out
	}
	if more := len(running) - maxAwaited; more > 0 {
		running = append(running[:maxAwaited], link{What: fmt.Sprintf("to measure %d more that run", more), Who: "bench", From: begun, State: linkWaiting})
	}
	if rest := planned - finished - len(running); rest > 0 {
		running = append(running, link{What: fmt.Sprintf("to start %s", many(rest, "more run")), Who: "bench", From: latest(b.Placed.PlacedAt, over), State: linkWaiting})
	}
	out = append(out, running...)
	if rest := awaited - figures; rest > 0 {
		out = append(out, link{What: "to draw " + many(rest, "run"), Who: "plot", From: over, State: linkWaiting})
	}
	if finished >= planned && b.Second == "" {
		out = append(out, link{What: "to report", Who: "plot", From: latest(over, drawn), State: linkWaiting})
	}
	return out
}

// ended is the end of the bench, if it has one.
func ended(b model.Bench) []link {
	l := link{What: string(b.State), Who: "plot", From: lastEnd(b), To: b.EndedAt, State: linkDone}
	switch {
	case b.Report != nil:
		l.Note = string(b.Report.Verdict)
	case b.Unplaced != nil:
		l.Who, l.State = "inventory", linkFailed
	case b.Cancelled != nil:
		l.Note, l.State = "by "+b.Cancelled.By, linkFailed
	default:
		return nil
	}
	return []link{l}
}

// lastEnd is when the last run ended or was drawn, or when the bench was asked
// for.
func lastEnd(b model.Bench) time.Time {
	at := b.At
	for _, r := range b.Runs {
		at = latest(at, latest(r.EndedAt, r.DrawnAt))
	}
	return at
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// earliest is a, unless that is unknown or after b.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || a.After(b) {
		return b
	}
	return a
}

// laid places the steps on the bar. Clocks of hosts may differ by a little from
// the server's, so a step may begin after it ended: it is drawn as a moment.
func laid(list []link) []link {
	var from, to time.Time
	for _, l := range list {
		if from.IsZero() || l.From.Before(from) {
			from = l.From
		}
		to = latest(to, latest(l.From, l.To))
	}
	whole := to.Sub(from)
	if whole <= 0 {
		return list
	}
	at := func(t time.Time) int { return int(barWidth * t.Sub(from) / whole) }
	for i, l := range list {
		list[i].Left = min(at(l.From), barWidth-6)
		list[i].Wide = max(6, at(l.To)-list[i].Left)
		if l.State == linkWaiting {
			list[i].Wide = barWidth - list[i].Left
		}
	}
	return list
}

// Took is how long the step took; empty for a moment and for what is awaited.
func (l link) Took() string {
	d := l.To.Sub(l.From)
	switch {
	case l.To.IsZero() || d < time.Millisecond:
		return ""
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}

// At is when the step was over, or since when it is awaited.
func (l link) At() time.Time {
	if l.State == linkWaiting {
		return l.From
	}
	return l.To
}

// many counts things.
func many(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
