package log

import (
	"errors"
	"fmt"
	"math"
)

// DefaultMaxCells is how many cells a grid may have unless GridConfig says
// otherwise: twelve days of seconds.
const DefaultMaxCells = 1 << 20

// ErrGrid means that a log spans more time than a grid has cells for.
var ErrGrid = errors.New("log spans too much time")

// GridConfig describes a common time grid.
type GridConfig struct {
	StepMS   int64 // width of a cell
	MaxCells int   // DefaultMaxCells when 0
}

// Series are the values of a grid, one for each step.
type Series struct {
	StartMS int64 // beginning of the first cell
	StepMS  int64
	Values  []float64
}

// cells is a growing run of cells of one direction, addressed by the number of
// steps since time zero.
type cells struct {
	origin int64 // number of the first cell
	values []float64

	// The cell that was used last, because the next sample mostly falls into
	// the same: its bounds in ms and its index.
	from, to float64
	at       int
}

// grid is what Rates and Means share: an origin, a step and a limit.
type grid struct {
	step int64
	most int
}

func newGrid(cfg GridConfig) (grid, error) {
	if cfg.StepMS <= 0 {
		return grid{}, fmt.Errorf("grid step of %d ms: not positive", cfg.StepMS)
	}
	if cfg.MaxCells <= 0 {
		cfg.MaxCells = DefaultMaxCells
	}
	return grid{step: cfg.StepMS, most: cfg.MaxCells}, nil
}

// index returns the number of the cell that a time falls into.
func (g grid) index(ms float64) int64 { return int64(math.Floor(ms / float64(g.step))) }

// cover makes the cells hold the given number.
func (g grid) cover(c *cells, i int64) error {
	first, last := c.origin, c.origin+int64(len(c.values))
	if len(c.values) == 0 {
		first, last = i, i
	}
	first, last = min(first, i), max(last, i+1)
	if n := last - first; n > int64(g.most) || n < 0 {
		return fmt.Errorf("%w: %d steps of %d ms, and %d are allowed; take longer steps, or look for a wrong clock or a stale file", ErrGrid, n, g.step, g.most)
	}
	if len(c.values) == 0 {
		c.origin = first
	}
	if front := c.origin - first; front > 0 {
		c.from, c.to = 0, 0
		c.values = append(make([]float64, front), c.values...)
		c.origin = first
	}
	for int64(len(c.values)) < last-first {
		c.values = append(c.values, 0)
	}
	return nil
}

// spread adds an amount evenly over a stretch of time, from exclusive to
// inclusive, in ms. A stretch without length goes into one cell.
func (g grid) spread(c *cells, from, to, amount float64) error {
	if to <= from {
		return g.put(c, to, amount)
	}
	first, last := g.index(from), g.index(math.Nextafter(to, from))
	if err := g.cover(c, first); err != nil {
		return err
	}
	if err := g.cover(c, last); err != nil {
		return err
	}
	for i := first; i <= last; i++ {
		begin := math.Max(from, float64(i*g.step))
		end := math.Min(to, float64((i+1)*g.step))
		c.values[i-c.origin] += amount * (end - begin) / (to - from)
	}
	return nil
}

// put adds an amount to the cell of one moment.
func (g grid) put(c *cells, ms, amount float64) error {
	if ms < c.from || ms >= c.to {
		i := g.index(ms)
		if err := g.cover(c, i); err != nil {
			return err
		}
		c.from, c.to, c.at = float64(i*g.step), float64((i+1)*g.step), int(i-c.origin)
	}
	c.values[c.at] += amount
	return nil
}

// amount sums what lies within a stretch of time, cells at its ends in part.
func (g grid) amount(c *cells, from, to float64) float64 {
	var sum float64
	for i := max(g.index(from), c.origin); i < c.origin+int64(len(c.values)); i++ {
		begin := math.Max(from, float64(i*g.step))
		end := math.Min(to, float64((i+1)*g.step))
		if end <= begin {
			break
		}
		sum += c.values[i-c.origin] * (end - begin) / float64(g.step)
	}
	return sum
}

// bounds returns the first cell and the one behind the last over all
// directions, so that their series line up.
func bounds(all []cells) (first, last int64) {
	empty := true
	for _, c := range all {
		if len(c.values) == 0 {
			continue
		}
		end := c.origin + int64(len(c.values))
		if empty {
			first, last, empty = c.origin, end, false
		}
		first, last = min(first, c.origin), max(last, end)
	}
	return first, last
}
