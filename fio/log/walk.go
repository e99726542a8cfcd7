package log

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/fiord-bench/fiord/fio/hist"
)

// HistTrack is one histogram log of several that are walked together.
type HistTrack struct {
	Reader  *HistReader
	ShiftMS int64 // added to every time
	// EveryMS is log_hist_msec. With it a row counts in the middle of its interval,
	// and one that fio stamped late is put back to when its I/Os completed. 0 takes
	// every row for its own time.
	EveryMS int64
	// Idle is called for each stretch in which nothing completed in a direction, as
	// late rows show; nil if nothing needs it.
	Idle func(d Direction, s Stretch)
}

// HistCell is what all logs counted in one step.
type HistCell struct {
	StartMS int64
	StepMS  int64
	// Hist are the latencies by direction, empty where nothing completed. They
	// are overwritten for the next cell.
	Hist [3]*hist.Histogram
}

// pending is a track with what is to be counted next.
type pending struct {
	HistTrack
	rows  [directions]ticks
	ahead []histPiece // in the order in which they are counted
	at    histPiece
	cell  int64
	done  bool
	begun bool
}

// histPiece is a row, or what of it completed at one time.
type histPiece struct {
	ms   int64
	dir  Direction
	hist *hist.Histogram
}

// WalkHist reads several histogram logs side by side and calls fn for each step
// of time in which something completed, in order. Only a row of each log is in
// memory, at its begin a few. A row belongs to the step in which its interval ends; rows that go
// back in time count in the step at hand, but for what is put back (EveryMS): that
// is a step of its own, earlier than those before.
func WalkHist(stepMS int64, tracks []HistTrack, fn func(HistCell) error) error {
	if stepMS <= 0 {
		return fmt.Errorf("grid step of %d ms: not positive", stepMS)
	}
	all := make([]*pending, len(tracks))
	for i, t := range tracks {
		all[i] = &pending{HistTrack: t}
		if err := all[i].next(stepMS); err != nil {
			return err
		}
	}
	for {
		cell, more := earliest(all)
		if !more {
			return nil
		}
		out, back := newCell(cell, stepMS), map[int64]HistCell{}
		for _, p := range all {
			for !p.done && p.cell <= cell {
				to := out
				if p.cell < cell && p.EveryMS > 0 {
					if _, ok := back[p.cell]; !ok {
						back[p.cell] = newCell(p.cell, stepMS)
					}
					to = back[p.cell]
				}
				to.Hist[p.at.dir].Merge(p.at.hist)
				if err := p.next(stepMS); err != nil {
					return err
				}
			}
		}
		for _, earlier := range slices.Sorted(maps.Keys(back)) {
			if err := fn(back[earlier]); err != nil {
				return err
			}
		}
		if err := fn(out); err != nil {
			return err
		}
	}
}

func newCell(cell, stepMS int64) HistCell {
	out := HistCell{StartMS: cell * stepMS, StepMS: stepMS}
	for d := range out.Hist {
		out.Hist[d] = &hist.Histogram{}
	}
	return out
}

// next goes on to the track's next piece.
func (p *pending) next(stepMS int64) error {
	if len(p.ahead) == 0 {
		switch err := p.read(); {
		case errors.Is(err, io.EOF):
			p.done = true
			return nil
		case err != nil:
			return fmt.Errorf("walk histograms: %w", err)
		}
	}
	p.at, p.ahead = p.ahead[0], p.ahead[1:]
	// A row at the very end of a step belongs to that step.
	ms := p.at.ms + p.ShiftMS - 1
	p.cell = max(ms, 0) / stepMS
	return nil
}

// read reads a row and cuts it into pieces.
func (p *pending) read() error {
	p.ahead = p.ahead[:0]
	if !p.begun && p.EveryMS > 0 {
		p.begun = true
		return p.begin()
	}
	var row HistSample
	if err := p.Reader.Next(&row); err != nil {
		return err
	}
	p.take(row)
	return nil
}

// take cuts a row into pieces.
func (p *pending) take(row HistSample) {
	if p.EveryMS <= 0 || row.Time > unixTime {
		p.ahead = append(p.ahead, histPiece{int64(min(row.Time, 1<<62)), row.Dir, row.Hist}) // #nosec G115 -- fits
		return
	}
	p.ahead = append(p.ahead, p.rows[row.Dir].place(p.HistTrack, row)...)
}

// begin reads the first rows: all that were written at once, and the next one. How
// many there are shows how late they are.
func (p *pending) begin() error {
	var rows []HistSample
	for len(rows) < maxLate {
		var row HistSample
		err := p.Reader.Next(&row)
		if errors.Is(err, io.EOF) && len(rows) > 0 {
			break
		}
		if err != nil {
			return err
		}
		row.Hist = row.Hist.Clone()
		rows = append(rows, row)
		p.rows[row.Dir].count(int64(min(row.Time, unixTime)), p.EveryMS)  // #nosec G115 -- fits
		if 2*(row.Time-min(rows[0].Time, row.Time)) > uint64(p.EveryMS) { // #nosec G115 -- positive
			break
		}
	}
	for d := range p.rows {
		if t := &p.rows[d]; t.n > 0 {
			t.n = 0
			if p.Idle != nil && t.base > p.EveryMS/4 { // until the first completion
				p.Idle(Direction(d), Stretch{float64(p.ShiftMS), float64(t.base + p.ShiftMS)}) // #nosec G115 -- small
			}
		}
	}
	for _, row := range rows {
		p.take(row)
	}
	return nil
}

// ticks counts the rows of a direction. fio writes one at the first completion
// after each interval has passed, and counts the next interval from where this one
// should have ended. So when nothing completes for a while, the next row comes
// late, holds what completed before, and is followed by one for each interval that
// passed meanwhile, with an I/O or two each.
type ticks struct {
	n    int64 // rows so far
	base int64 // where the first interval began, ms
	last int64 // time of the row before
	held int64 // how many I/Os it held

	known bool // base is
}

// count counts a row: the first interval began where the least late of them says.
func (t *ticks) count(ms, every int64) {
	t.n++
	begin := max(ms-t.n*every, 0)
	if !t.known || begin < t.base {
		t.base, t.known = begin, true
	}
}

// place says when a row's I/Os completed.
func (t *ticks) place(track HistTrack, row HistSample) []histPiece {
	every, ms := track.EveryMS, int64(row.Time) // #nosec G115 -- checked by the caller
	t.count(ms, every)
	ends := t.base + t.n*every
	before, held, n := t.last, t.held, int64(min(row.Hist.N(), unixTime)) // #nosec G115 -- fits
	t.last, t.held = ms, n
	switch {
	case ms-ends < every/4 && n == 1:
		return []histPiece{{ms, row.Dir, row.Hist}}
	case ms-ends < every/4 || n == 0:
		return []histPiece{{ms - every/2, row.Dir, row.Hist}}
	}
	// At the pace of before, its I/Os took so long.
	from := max(ends, before)
	if held > 0 && before > 0 {
		from = min(from, before+every*(n-1)/held)
	}
	if track.Idle != nil && ms > from {
		track.Idle(row.Dir, Stretch{float64(from + track.ShiftMS), float64(ms + track.ShiftMS)})
	}
	// The I/O that made fio write completed just then; it waited the longest.
	last := row.Hist.TakeHighest()
	if row.Hist.N() == 0 {
		return []histPiece{{ms, row.Dir, last}}
	}
	return []histPiece{{(min(max(ends-every, before), from) + from) / 2, row.Dir, row.Hist}, {ms, row.Dir, last}}
}

func earliest(all []*pending) (cell int64, more bool) {
	for _, p := range all {
		if !p.done && (!more || p.cell < cell) {
			cell, more = p.cell, true
		}
	}
	return cell, more
}
