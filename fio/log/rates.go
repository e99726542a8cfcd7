package log

import (
	"errors"
	"fmt"
	"math"
)

// Kind is what a log of rates counts.
type Kind uint8

// The kinds of rates.
const (
	Bandwidth Kind = iota // bytes per second
	IOPS                  // I/Os per second
)

// Rates puts bandwidth or IOPS logs on a common grid: over jobs and hosts they
// add up, and an interval in which nothing completed is zero.
type Rates struct {
	grid
	kind Kind
	dirs [directions]cells // bytes or I/Os in each cell
}

// NewRates returns an empty grid.
func NewRates(kind Kind, cfg GridConfig) (*Rates, error) {
	g, err := newGrid(cfg)
	return &Rates{grid: g, kind: kind}, err
}

// Add reads a log to its end and adds it.
func (r *Rates) Add(src Source, t Track) error {
	err := t.rows(src, func(w row) error {
		return r.spread(&r.dirs[w.Dir], w.from, w.to, r.amountOf(w))
	})
	if err != nil {
		return fmt.Errorf("add log: %w", err)
	}
	return nil
}

// amountOf returns the bytes or I/Os that a row stands for.
func (r *Rates) amountOf(w row) float64 {
	single := w.single
	switch {
	case single && r.kind == IOPS:
		return 1
	case single:
		return float64(w.BS)
	case r.kind == IOPS:
		return float64(w.Value) * (w.to - w.from) / 1000
	}
	return float64(w.Value) * 1024 * (w.to - w.from) / 1000
}

// Merge adds another grid of the same kind and step, of another job or host.
func (r *Rates) Merge(o *Rates) error {
	if o.kind != r.kind || o.step != r.step {
		return fmt.Errorf("merge grids: kinds %d and %d, steps of %d and %d ms differ", r.kind, o.kind, r.step, o.step)
	}
	for d := range o.dirs {
		for i, v := range o.dirs[d].values {
			at := o.dirs[d].origin + int64(i)
			if err := r.cover(&r.dirs[d], at); err != nil {
				return err
			}
			r.dirs[d].values[at-r.dirs[d].origin] += v
		}
	}
	return nil
}

// Series returns the rates of one direction, per second. All directions of a
// grid have the same cells; a direction without samples has zeros.
func (r *Rates) Series(d Direction) Series {
	first, last := bounds(r.dirs[:])
	s := Series{StartMS: first * r.step, StepMS: r.step, Values: make([]float64, last-first)}
	for i, v := range r.dirs[d].values {
		s.Values[r.dirs[d].origin-first+int64(i)] = v * 1000 / float64(r.step)
	}
	return s
}

// Total returns all bytes or I/Os of one direction: the rates' integral.
func (r *Rates) Total(d Direction) float64 {
	var sum float64
	for _, v := range r.dirs[d].values {
		sum += v
	}
	return sum
}

// Means puts latency logs on a common grid: over jobs and hosts they are
// averaged with their numbers of I/Os as weights.
type Means struct {
	grid
	sums    [directions]cells
	weights [directions]cells
	highest [directions]cells
}

// NewMeans returns an empty grid.
func NewMeans(cfg GridConfig) (*Means, error) {
	g, err := newGrid(cfg)
	return &Means{grid: g}, err
}

// Add reads a latency log to its end and adds it. A row of an averaged log
// weighs as many I/Os as the same job's IOPS log counts in its window; iops is
// that log's grid, with the same shift. Without it, time is the weight, which
// is right for one job only.
func (m *Means) Add(src Source, t Track, iops *Rates) error {
	var moments [directions]moment
	err := t.rows(src, func(w row) error {
		if w.single {
			return m.count(&moments[w.Dir], w)
		}
		weight := w.to - w.from
		if iops != nil {
			weight = iops.amount(&iops.dirs[w.Dir], w.from, w.to)
		}
		if weight <= 0 {
			return nil
		}
		if err := m.spread(&m.sums[w.Dir], w.from, w.to, weight*float64(w.Value)); err != nil {
			return err
		}
		if err := m.spread(&m.weights[w.Dir], w.from, w.to, weight); err != nil {
			return err
		}
		// A window's end belongs to the cell before.
		return m.raise(w.Dir, math.Nextafter(w.to, w.from), float64(max(w.Max, w.Value)))
	})
	for d := range moments {
		err = errors.Join(err, m.flush(Direction(d), &moments[d]))
	}
	if err != nil {
		return fmt.Errorf("add log: %w", err)
	}
	return nil
}

// moment gathers single I/Os of one cell before they are entered: there are
// thousands to a cell, one after the other.
type moment struct {
	from, to          float64 // bounds of the cell in ms
	sum, count, value float64 // of latencies; how many; the largest
}

func (m *Means) count(at *moment, w row) error {
	if w.to < at.from || w.to >= at.to {
		if err := m.flush(w.Dir, at); err != nil {
			return err
		}
		i := m.index(w.to)
		*at = moment{from: float64(i * m.step), to: float64((i + 1) * m.step)}
	}
	at.sum += float64(w.Value)
	at.count++
	at.value = max(at.value, float64(max(w.Max, w.Value)))
	return nil
}

func (m *Means) flush(d Direction, at *moment) error {
	if at.count == 0 {
		return nil
	}
	return errors.Join(m.put(&m.sums[d], at.from, at.sum), m.put(&m.weights[d], at.from, at.count), m.raise(d, at.from, at.value))
}

// raise keeps the largest value of a cell.
func (m *Means) raise(d Direction, ms, value float64) error {
	c := &m.highest[d]
	if err := m.put(c, ms, 0); err != nil {
		return err
	}
	c.values[c.at] = max(c.values[c.at], value)
	return nil
}

// Series returns the mean latencies of one direction in ns, NaN in cells where
// nothing completed.
func (m *Means) Series(d Direction) Series {
	return m.series(func(i int64) float64 {
		if weight := m.weights[d].value(i); weight > 0 {
			return m.sums[d].value(i) / weight
		}
		return math.NaN()
	})
}

// Highest returns the largest latencies of one direction in ns, NaN where
// nothing completed: of single I/Os if the log has them, of window averages
// else.
func (m *Means) Highest(d Direction) Series {
	return m.series(func(i int64) float64 {
		if v := m.highest[d].value(i); v > 0 {
			return v
		}
		return math.NaN()
	})
}

func (m *Means) series(at func(int64) float64) Series {
	first, last := bounds(m.weights[:])
	s := Series{StartMS: first * m.step, StepMS: m.step, Values: make([]float64, last-first)}
	for i := range s.Values {
		s.Values[i] = at(first + int64(i))
	}
	return s
}

func (c *cells) value(i int64) float64 {
	if i -= c.origin; i < 0 || i >= int64(len(c.values)) {
		return 0
	}
	return c.values[i]
}

// Check compares what a log adds up to with what fio's summary says.
type Check struct {
	Logged    float64 `json:"logged"`    // bytes or I/Os, by the log
	Reported  float64 `json:"reported"`  // by the summary
	Deviation float64 `json:"deviation"` // (logged-reported)/reported
	Agree     bool    `json:"agree"`
}

// Compare checks a log's total against the summary's. A share of tolerance is
// allowed, and slack on top: what may be lost in an unfinished last window.
func Compare(logged, reported, tolerance, slack float64) Check {
	c := Check{Logged: logged, Reported: reported}
	if reported > 0 {
		c.Deviation = (logged - reported) / reported
	}
	c.Agree = math.Abs(logged-reported) <= tolerance*reported+slack
	return c
}
