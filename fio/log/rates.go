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
	busy Busy
	late []*late
	last [directions][]*lastRow // of each log
}

// lastRow is where a log ends.
type lastRow struct {
	from, to float64
	rate     float64 // per ms
	until    float64 // what it went on to, if its log has no row of that
}

// NewRates returns an empty grid.
func NewRates(kind Kind, cfg GridConfig) (*Rates, error) {
	g, err := newGrid(cfg)
	return &Rates{grid: g, kind: kind}, err
}

// Add reads a log to its end and adds it.
func (r *Rates) Add(src Source, t Track) error {
	var last [directions]lastRow // rows so far
	err := t.rows(src, func(w row) error {
		amount := r.amountOf(w)
		before := last[w.Dir]
		last[w.Dir] = lastRow{from: w.from, to: w.to, rate: amount / max(w.to-w.from, 1)}
		if w.since < w.from && w.to > w.from && len(r.late) < maxLate {
			r.late = append(r.late, &late{dir: w.Dir, from: w.from, to: w.to, since: w.since, before: before.rate, amount: amount})
		} else {
			r.busy.Add(w.from, w.to)
		}
		return r.spread(&r.dirs[w.Dir], w.from, w.to, amount)
	})
	for d := range last {
		if last[d].to > 0 {
			r.last[d] = append(r.last[d], &last[d])
		}
	}
	if err != nil {
		return fmt.Errorf("add log: %w", err)
	}
	return nil
}

// amountOf returns the bytes or I/Os that a row stands for.
func (r *Rates) amountOf(w row) float64 {
	if !w.single {
		return r.kind.Amount(w.Value, w.to-w.from)
	}
	if r.kind == IOPS {
		return 1
	}
	return float64(w.BS)
}

// few is the rate up to which it matters that fio cuts rates to whole numbers.
const few = 200

// Amount is how many I/Os or bytes a row's rate stands for over a time in ms. fio
// counts I/Os and writes their rate cut to a whole number: of the 3.99 a second
// that are 2 in 501 ms it writes 3. The count can be recovered, as it is whole
// too. A rate of bytes is cut to whole KiB, half of one on the average.
func (k Kind) Amount(value uint64, ms float64) float64 {
	amount := float64(value) * ms / 1000
	switch {
	case k == Bandwidth && value < few:
		return (amount + ms/2000) * 1024
	case k == Bandwidth:
		return amount * 1024
	case value < few && ms <= 1000+slackMS:
		// fio looks at the clock twice, which may differ by a ms or two.
		return math.Ceil(amount - float64(value)*0.002 - 1e-9)
	case value < few:
		return amount + ms/2000
	}
	return amount
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
		r.last[d] = append(r.last[d], o.last[d]...)
	}
	r.busy.Merge(&o.busy)
	r.late = append(r.late, o.late...)
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
