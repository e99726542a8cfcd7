package log

import (
	"errors"
	"fmt"
	"io"

	"github.com/fiord-bench/fiord/fio/hist"
)

// HistTrack is one histogram log of several that are walked together.
type HistTrack struct {
	Reader  *HistReader
	ShiftMS int64 // added to every time
}

// HistCell is what all logs counted in one step.
type HistCell struct {
	StartMS int64
	StepMS  int64
	// Hist are the latencies by direction, empty where nothing completed. They
	// are overwritten for the next cell.
	Hist [3]*hist.Histogram
}

// pending is a track with the row that it is at.
type pending struct {
	HistTrack
	row  HistSample
	cell int64
	done bool
}

// WalkHist reads several histogram logs side by side and calls fn for each step
// of time in which something completed, in order. Only one row of each log is
// in memory. A row belongs to the step in which its interval ends; rows that go
// back in time count in the step at hand.
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
	out := HistCell{StepMS: stepMS}
	for {
		cell, more := earliest(all)
		if !more {
			return nil
		}
		out.StartMS = cell * stepMS
		for d := range out.Hist {
			out.Hist[d] = &hist.Histogram{}
		}
		for _, p := range all {
			for !p.done && p.cell <= cell {
				out.Hist[p.row.Dir].Merge(p.row.Hist)
				if err := p.next(stepMS); err != nil {
					return err
				}
			}
		}
		if err := fn(out); err != nil {
			return err
		}
	}
}

// next reads the track's next row.
func (p *pending) next(stepMS int64) error {
	err := p.Reader.Next(&p.row)
	if errors.Is(err, io.EOF) {
		p.done = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("walk histograms: %w", err)
	}
	// A row at the very end of a step belongs to that step.
	ms := int64(min(p.row.Time, 1<<62)) + p.ShiftMS - 1
	p.cell = ms / stepMS
	if ms < 0 {
		p.cell = 0
	}
	return nil
}

func earliest(all []*pending) (cell int64, more bool) {
	for _, p := range all {
		if !p.done && (!more || p.cell < cell) {
			cell, more = p.cell, true
		}
	}
	return cell, more
}
