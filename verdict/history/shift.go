package history

import (
	"math"
	"slices"

	"github.com/fiord-bench/fiord/events"
)

// Told is one thing that regressed, and by how much when it was told.
type Told struct {
	Job    string `json:"job,omitempty"`
	Point  string `json:"point"`
	Host   string `json:"host,omitempty"`
	Metric string `json:"metric"`
	// Change as in [events.Comparison]: -0.12 is 12% less.
	Change float64 `json:"change"`
	// Before is what it was held against when it was told, in the metric's unit; 0
	// in histories of earlier versions.
	Before float64 `json:"before,omitempty"`
}

// Open is the shift that a history is in: reports keep telling it until figures
// are back, or somebody accepts them.
type Open struct {
	events.Shift
	// Told is everything that was told of it.
	Told []Told `json:"told"`
}

// Outcome is what a report adds to a history's shift; all are nil for one that
// neither regressed nor shows that a shift is over. Settled is a shift that is over
// although figures are not back: it lasted, and the level moved there.
type Outcome struct {
	Shift, Recovered, Settled *events.Shift
}

// Next finds which shift the report of a bench tells, or ends. A regression
// belongs to the open shift if all of it was told already, and is a new one if
// a point or metric has joined, or one is clearly worse than when it was told:
// by the threshold, and beyond its interval.
func (h History) Next(bench, commit string, v events.Verdict, list []events.Comparison, threshold float64) Outcome {
	switch v {
	case events.VerdictRegressed:
		if o := h.Open; o != nil && o.Since != bench && h.allTold(list, threshold) {
			return Outcome{Shift: &events.Shift{Since: o.Since, Commit: o.Commit, Reports: o.Reports + 1}}
		}
		return Outcome{Shift: &events.Shift{Since: bench, Commit: commit, Reports: 1}}
	case events.VerdictUnchanged, events.VerdictImproved:
		if o := h.Open; o != nil && slices.ContainsFunc(list, o.told) {
			over := o.Shift
			if o.stays(list) {
				return Outcome{Settled: &over}
			}
			return Outcome{Recovered: &over}
		}
	}
	return Outcome{}
}

func (o Open) told(c events.Comparison) bool {
	return slices.ContainsFunc(o.Told, func(t Told) bool { return t.is(c) })
}

// stays says whether everything that was told lies nearer to where it shifted to
// than to where it came from: it is the level now, and not back.
func (o Open) stays(list []events.Comparison) bool {
	for _, c := range list {
		i := slices.IndexFunc(o.Told, func(t Told) bool { return t.is(c) })
		if i < 0 {
			continue
		}
		if t := o.Told[i]; t.Before <= 0 || c.Level == nil || !c.Level.Decides || math.Abs(c.After-t.Before) < math.Abs(c.After-t.Before*(1+t.Change)) {
			return false
		}
	}
	return true
}

func (t Told) is(c events.Comparison) bool {
	return t.Job == c.Job && t.Point == c.Point && t.Host == c.Host && t.Metric == c.Metric
}

func (h History) allTold(list []events.Comparison, threshold float64) bool {
	for _, c := range list {
		if c.Verdict != events.VerdictRegressed {
			continue
		}
		if !slices.ContainsFunc(h.Open.Told, func(t Told) bool { return t.is(c) && !t.outdoneBy(c, threshold) }) {
			return false
		}
	}
	return true
}

// outdoneBy tells whether a change is clearly greater than the one told.
func (t Told) outdoneBy(c events.Comparison, threshold float64) bool {
	further := (1 + c.Change) / (1 + t.Change)
	if t.Change < 0 {
		return further <= 1-threshold && c.High < t.Change
	}
	return further >= 1+threshold && c.Low > t.Change
}

// Report adds what a bench was reported with. It returns false if the bench is
// there already.
func (h *History) Report(e Entry, told Outcome, list []events.Comparison) bool {
	switch {
	case told.Shift != nil:
		e.Shift = told.Shift.Since
	case told.Recovered == nil && told.Settled == nil && h.Open != nil:
		e.Shift = h.Open.Since
	}
	if !h.Add(e) {
		return false
	}
	switch {
	case told.ends(h.Open):
		h.Open = nil
	case told.Shift != nil:
		h.open(*told.Shift, list)
	}
	return true
}

// ends says whether the open shift is over.
func (o Outcome) ends(open *Open) bool {
	for _, over := range []*events.Shift{o.Recovered, o.Settled} {
		if over != nil && open != nil && open.Since == over.Since {
			return true
		}
	}
	return false
}

// open makes a shift the open one. A new one on top of an open one keeps what
// that told: what was slow and still is must not be news again. A repeated one
// leaves what was told as it is, or a shift could grow without end by steps too
// small to be news.
func (h *History) open(s events.Shift, list []events.Comparison) {
	next := Open{Shift: s}
	if h.Open != nil {
		next.Told = h.Open.Told
	}
	if h.Open != nil && h.Open.Since == s.Since {
		next.Reports = max(s.Reports, h.Open.Reports)
		h.Open = &next
		return
	}
	for _, c := range list {
		if c.Verdict != events.VerdictRegressed {
			continue
		}
		i := slices.IndexFunc(next.Told, func(t Told) bool { return t.is(c) })
		if i < 0 {
			next.Told = append(next.Told, Told{Job: c.Job, Point: c.Point, Host: c.Host, Metric: c.Metric, Change: c.Change, Before: c.Before})
		} else if math.Abs(c.Change) > math.Abs(next.Told[i].Change) {
			next.Told[i].Change = c.Change
		}
	}
	h.Open = &next
}
