package log

import (
	"errors"
	"io"
	"math"
	"slices"
)

// WindowUnknown makes a Track find its window out from the first samples.
const WindowUnknown = -1

// Track says what the rows of one log stand for.
type Track struct {
	// WindowMS is log_avg_msec, 0 for a log with a line for every I/O, or
	// WindowUnknown.
	WindowMS int
	// ShiftMS is added to every time: what this job or host began later than
	// the common origin.
	ShiftMS int64
}

// row is a sample with the stretch of time that it stands for.
type row struct {
	*Sample
	from, to float64 // ms; equal for a single I/O
	since    float64 // where the row before ended: earlier than from when rows are missing
	single   bool    // of one I/O rather than of a window
}

// rows calls fn for every sample of a log with its stretch of time.
//
// fio looks at its counters each time a window has passed, seldom on the dot,
// and writes a row that holds the rate since it looked before, unless nothing
// completed since. So a row stands for the time since the one before when they
// are less than two windows apart, and for one of several looks when more.
func (t Track) rows(src Source, fn func(row) error) error {
	w := &windower{window: float64(t.WindowMS)}
	dst := make([]Sample, 1024)
	for {
		n, err := src.Read(dst)
		if t.WindowMS == WindowUnknown && !w.found && n > 0 {
			w.window, w.found = guessWindow(dst[:n]), true
		}
		for i := range dst[:n] {
			r := w.row(&dst[i])
			shift := float64(t.ShiftMS)
			r.from, r.to, r.since = r.from+shift, r.to+shift, r.since+shift
			if err := fn(r); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// windower keeps the last row's time of each direction.
type windower struct {
	window float64
	found  bool
	last   [directions]float64
}

// slackMS is how much earlier than a window's end fio may look.
const slackMS = 10

// unixTime is the least time that must be a date rather than a time since the
// job began, in ms: ten years.
const unixTime = 10 * 365 * 24 * 3600 * 1000

// maxTime is the latest time that is told apart, in ms: far beyond any log, and
// exact as a floating-point number.
const maxTime = 1 << 53

// span is the time in ms that a row of an averaged log stands for, when the row
// before it lies so far back: all of that when fio was merely late, and one
// window when there was silence between.
func span(back, window float64) float64 {
	if back >= 2*(window-slackMS) {
		back /= max(math.Round(back/window), 1)
	}
	return max(back, 0)
}

func (w *windower) row(s *Sample) row {
	to := float64(min(s.Time, maxTime))
	if w.window <= 0 {
		return row{s, to, to, to, true}
	}
	// The first row counts from the job's begin.
	since := min(w.last[s.Dir], to)
	from := to - span(to-since, w.window)
	if since == 0 && to > unixTime { // nothing is known of before
		since = from
	}
	w.last[s.Dir] = to
	return row{s, from, to, since, false}
}

// guessWindow estimates the window of rows that have no block size, and returns
// 0 for rows that have one: they stand for single I/Os. A log with long stalls
// does not show its window; then the nearest round number below its shortest
// distance of rows is taken. The check against the summary shows if it is wrong.
func guessWindow(samples []Sample) float64 {
	var last [directions]uint64
	var gaps []float64
	for _, s := range samples {
		if s.BS != 0 {
			return 0
		}
		if s.Time > last[s.Dir] {
			gaps = append(gaps, float64(s.Time-last[s.Dir]))
		}
		last[s.Dir] = s.Time
	}
	if len(gaps) == 0 {
		return 0
	}
	slices.Sort(gaps)
	shortest, median := gaps[0], gaps[len(gaps)/2]
	if median <= 1.1*shortest+slackMS {
		return median
	}
	return roundDown(shortest + slackMS)
}

// roundDown returns the largest of 1, 2, 2.5 and 5 times a power of ten that is
// not above a time: windows are chosen by people.
func roundDown(ms float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(max(ms, 1))))
	for _, f := range []float64{5, 2.5, 2} {
		if f*power <= ms {
			return f * power
		}
	}
	return power
}
