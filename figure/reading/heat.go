package reading

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/fio/hist"
	"github.com/fiord-bench/fiord/fio/log"
)

func msec(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

// maxHeat bounds the intervals of histograms, whatever the logs claim: each may
// hold 1856 bins. Where there would be more, neighbours are merged, which is
// exact, and intervals become twice as long.
const maxHeat = heatIntervals + heatIntervals/10

// heat is a grid of histograms that grows coarser as it grows longer.
type heat struct {
	first int64 // ms; -1 before the first interval
	step  int64 // ms
	cells map[string][]figure.Distribution
}

// add counts what completed in the step of the log that begins at a time.
func (h *heat) add(at int64, name string, bins []figure.Bin) {
	if h.first < 0 {
		h.first = at
	}
	if at < h.first { // put back before what came first
		n := (h.first - at + h.step - 1) / h.step
		for name, cells := range h.cells {
			h.cells[name] = append(make([]figure.Distribution, n, n+int64(len(cells))), cells...)
			for i := range n {
				h.cells[name][i].Name = name
			}
		}
		h.first -= n * h.step
	}
	for (at-h.first)/h.step >= maxHeat {
		h.coarsen()
	}
	i := (at - h.first) / h.step
	for int64(len(h.cells[name])) <= i {
		h.cells[name] = append(h.cells[name], figure.Distribution{Name: name})
	}
	h.cells[name][i].Bins = mergeBins(h.cells[name][i].Bins, bins)
}

// coarsen merges neighbours.
func (h *heat) coarsen() {
	h.step *= 2
	for name, cells := range h.cells {
		n := (len(cells) + 1) / 2
		for i := range n {
			merged := cells[2*i].Bins
			if 2*i+1 < len(cells) {
				merged = mergeBins(merged, cells[2*i+1].Bins)
			}
			cells[i].Bins = merged
		}
		clear(cells[n:])
		h.cells[name] = cells[:n]
	}
}

// mergeBins adds up bins of histograms that have the same edges.
func mergeBins(a, b []figure.Bin) []figure.Bin {
	if len(a) == 0 {
		return b
	}
	out := make([]figure.Bin, 0, max(len(a), len(b)))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].Low < b[0].Low:
			out, a = append(out, a[0]), a[1:]
		case a[0].Low > b[0].Low:
			out, b = append(out, b[0]), b[1:]
		default:
			one := a[0]
			one.Count += b[0].Count
			out, a, b = append(out, one), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// readHeat merges the histogram logs of all jobs, interval by interval.
func (r *reader) readHeat(ctx context.Context, logs []numbered) (err error) {
	var tracks []log.HistTrack
	for _, l := range logs {
		body, openErr := l.Open(ctx)
		if openErr != nil {
			return fmt.Errorf("open log %s: %w", l.Name, openErr)
		}
		defer func() { err = errors.Join(err, body.Close()) }()
		reader, openErr := log.OpenHist(body, r.config)
		if openErr != nil {
			r.locked(func() { r.flag(l.Name + ": " + openErr.Error()) })
			continue
		}
		defer func() { err = errors.Join(err, reader.Close()) }()
		tracks = append(tracks, log.HistTrack{Reader: reader, ShiftMS: r.shift, EveryMS: r.histMS, Idle: func(d log.Direction, s log.Stretch) {
			r.idle[d] = append(r.idle[d], s)
		}})
		defer func() { r.met(l.Name, reader.Stats(), log.Layout{}) }()
	}
	grid := heat{first: -1, step: r.run.HeatStep.Milliseconds(), cells: map[string][]figure.Distribution{}}
	err = log.WalkHist(grid.step, tracks, func(c log.HistCell) error {
		if r.opt.zoomed() && (msec(c.StartMS+c.StepMS) <= r.opt.From || msec(c.StartMS) >= r.opt.To) {
			return ctx.Err()
		}
		for d, name := range Directions() {
			if c.Hist[d].N() > 0 {
				grid.add(c.StartMS, name, Bins(c.Hist[d]))
			}
		}
		return ctx.Err()
	})
	if errors.Is(err, log.ErrGrid) || errors.Is(err, log.ErrTooLarge) {
		r.locked(func() { r.flag("latency histograms: " + err.Error()) })
		err = nil
	}
	if err != nil && r.opt.Damaged && ctx.Err() == nil {
		r.locked(func() {
			r.flag(fmt.Sprintf("latency histograms: a log breaks off (%v); what comes before is shown", err))
		})
		err = nil
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read histogram logs: %w", err)
	}
	r.locked(func() {
		r.run.Heat, r.run.HeatFrom, r.run.HeatStep = grid.cells, msec(max(grid.first, 0)), msec(grid.step)
	})
	return err
}

func (r *reader) locked(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do()
}

// Bins converts a histogram of fio's for a figure.
func Bins(h *hist.Histogram) []figure.Bin {
	n := 0
	for range h.All() {
		n++
	}
	out := make([]figure.Bin, 0, n) // hundreds of histograms are kept at once
	for b := range h.All() {
		out = append(out, figure.Bin{Low: float64(b.Low), High: float64(b.High), Count: b.Count})
	}
	return out
}

// Percentiles returns a series for each of the given percentiles (0 to 1) of a
// direction, read from each interval's own histogram: percentiles of windows
// are never averaged. NaN where nothing completed.
func (run *Run) Percentiles(direction string, shares ...float64) []figure.Series {
	cells := run.Heat[direction]
	out := make([]figure.Series, len(shares))
	for i, p := range shares {
		out[i] = figure.Series{Start: run.HeatFrom, Step: run.HeatStep, Values: make([]float64, len(cells))}
		for j, c := range cells {
			out[i].Values[j] = math.NaN()
			// One in n is the rarest share that n latencies can show.
			if n := float64(c.N()); n > 0 && n*(1-p) >= 1 {
				out[i].Values[j] = c.Percentile(p)
			}
		}
	}
	return out
}

// HeatMeans returns the mean completion latency of each interval's histogram, of
// one direction: what is shown of a run that has no latency logs. NaN where
// nothing completed.
func (run *Run) HeatMeans(direction string) figure.Series {
	cells := run.Heat[direction]
	out := figure.Series{Start: run.HeatFrom, Step: run.HeatStep, Values: make([]float64, len(cells))}
	for i, c := range cells {
		out.Values[i] = c.Mean()
	}
	return out
}
