package reading

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/fiord-bench/fiord/fio/hist"
	"github.com/fiord-bench/fiord/fio/log"
	"github.com/fiord-bench/fiord/services/plot/figure"
)

func msec(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

// maxHeat bounds the intervals of histograms, whatever the logs claim.
const maxHeat = 4096

// heat merges the histogram logs of all jobs, interval by interval.
func (r *reader) heat(ctx context.Context, logs []numbered) (err error) {
	// A row is written when its interval is over, seldom on the millisecond:
	// it is placed by the interval's middle.
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
		tracks = append(tracks, log.HistTrack{Reader: reader, ShiftMS: -r.histMS / 2})
		defer func() { r.met(l.Name, reader.Stats(), log.Layout{}) }()
	}
	heat := map[string][]figure.Distribution{}
	first, step := int64(-1), r.run.HeatStep.Milliseconds()
	err = log.WalkHist(step, tracks, func(c log.HistCell) error {
		if r.opt.zoomed() && (msec(c.StartMS+step) <= r.opt.From || msec(c.StartMS) >= r.opt.To) {
			return ctx.Err()
		}
		if first < 0 {
			first = c.StartMS
		}
		i := (c.StartMS - first) / step
		if i >= maxHeat {
			return fmt.Errorf("%w: more than %d steps of %d ms", log.ErrGrid, maxHeat, step)
		}
		for d, name := range Directions() {
			if c.Hist[d].N() == 0 {
				continue
			}
			for int64(len(heat[name])) <= i {
				heat[name] = append(heat[name], figure.Distribution{Name: name})
			}
			heat[name][i].Bins = Bins(c.Hist[d])
		}
		return ctx.Err()
	})
	if errors.Is(err, log.ErrGrid) || errors.Is(err, log.ErrTooLarge) {
		r.locked(func() { r.flag("latency histograms: " + err.Error()) })
		err = nil
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read histogram logs: %w", err)
	}
	r.locked(func() { r.run.Heat, r.run.HeatFrom = heat, msec(max(first, 0)) })
	return err
}

func (r *reader) locked(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do()
}

// Bins converts a histogram of fio's for a figure.
func Bins(h *hist.Histogram) []figure.Bin {
	var out []figure.Bin
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
