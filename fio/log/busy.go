package log

import (
	"cmp"
	"slices"
)

// Stretch is a stretch of time in ms.
type Stretch struct{ From, To float64 }

// Quiet is the shortest stretch without a completion that counts as a silence, in
// ms. What is shorter cannot be distinguished from the windows of a log.
const Quiet = 1000

// Busy is when something completed: stretches that lie at least Quiet apart. The
// zero value is empty.
type Busy struct {
	list  []Stretch
	dirty bool // not in order, or not disjoint
}

// Add adds a stretch, which may be a moment.
func (b *Busy) Add(from, to float64) {
	last := len(b.list) - 1
	if last >= 0 && from >= b.list[last].From && from < b.list[last].To+Quiet {
		b.list[last].To = max(b.list[last].To, to)
		return
	}
	b.dirty = b.dirty || last >= 0 && from < b.list[last].From
	b.list = append(b.list, Stretch{from, to})
	if b.dirty && len(b.list) > 4096 {
		b.tidy()
	}
}

// Merge adds what another log was busy with.
func (b *Busy) Merge(o *Busy) {
	for _, s := range o.list {
		b.Add(s.From, s.To)
	}
}

// End is the end of the last stretch, 0 if there is none.
func (b *Busy) End() float64 {
	end := 0.0
	for _, s := range b.list {
		end = max(end, s.To)
	}
	return end
}

// Shift moves all stretches in time.
func (b *Busy) Shift(ms float64) {
	for i := range b.list {
		b.list[i].From += ms
		b.list[i].To += ms
	}
}

// tidy puts the stretches in order and joins those that are close.
func (b *Busy) tidy() {
	if !b.dirty {
		return
	}
	b.dirty = false
	slices.SortFunc(b.list, func(x, y Stretch) int { return cmp.Compare(x.From, y.From) })
	out := b.list[:0]
	for _, s := range b.list {
		if n := len(out) - 1; n >= 0 && s.From < out[n].To+Quiet {
			out[n].To = max(out[n].To, s.To)
			continue
		}
		out = append(out, s)
	}
	b.list = out
}

// Silences are the stretches of at least Quiet in which nothing completed, out of
// those in which something should have.
func (b *Busy) Silences(active []Stretch) []Stretch {
	b.tidy()
	var out []Stretch
	for _, a := range joined(active) {
		at := a.From
		for _, s := range b.list {
			if s.To <= at {
				continue
			}
			if s.From >= a.To {
				break
			}
			if s.From-at >= Quiet {
				out = append(out, Stretch{at, s.From})
			}
			at = s.To
		}
		if a.To-at >= Quiet {
			out = append(out, Stretch{at, a.To})
		}
	}
	return out
}

// joined are stretches in order, those that touch as one.
func joined(list []Stretch) []Stretch {
	var out []Stretch
	for _, s := range slices.SortedFunc(slices.Values(list), func(x, y Stretch) int { return cmp.Compare(x.From, y.From) }) {
		if n := len(out) - 1; n >= 0 && s.From <= out[n].To {
			out[n].To = max(out[n].To, s.To)
			continue
		}
		out = append(out, s)
	}
	return out
}
