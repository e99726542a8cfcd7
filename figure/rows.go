package figure

import (
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Figures with one row per thing (bars, intervals) write the row's name above
// its marks: names may be long, and a phone is narrow.
const (
	rowName   = vg.Length(14)
	barHeight = vg.Length(12)
	rowGap    = vg.Length(7)
	rowsFoot  = vg.Length(30)
	maxRows   = 40
)

// rowChart lays rows out over a horizontal axis.
type rowChart struct {
	lo, hi float64 // range of the axis
	ticks  linearTicks
	xName  string
	rows   []chartRow
	band   float64   // half the width of a shaded band around zero
	left   vg.Length // kept free beside the axis, for values
	right  vg.Length
}

// chartRow is one row: its name and what is painted below it.
type chartRow struct {
	name  string
	lines int // of barHeight each
	paint func(c draw.Canvas, x func(float64) vg.Length)
}

// height returns what the chart needs.
func (r rowChart) height() vg.Length {
	h := rowsFoot
	for _, row := range r.rows {
		h += rowName + vg.Length(row.lines)*barHeight + rowGap
	}
	return h
}

// paint draws grid, rows and axis from the top down.
func (r rowChart) paint(c draw.Canvas) {
	from, to := c.Min.X+r.left, c.Max.X-r.right
	x := func(v float64) vg.Length {
		v = max(r.lo, min(r.hi, v))
		return from + (to-from)*vg.Length((v-r.lo)/(r.hi-r.lo))
	}
	floor := c.Min.Y + rowsFoot
	r.axis(c, x, floor)
	y := c.Max.Y
	name := style(textSize, inkTone(), false)
	for _, row := range r.rows {
		c.FillText(name, vg.Point{X: c.Min.X, Y: y - rowName + 3.5}, shorten(name, clean(row.name), c.Max.X-c.Min.X))
		bottom := y - rowName - vg.Length(row.lines)*barHeight
		row.paint(draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
			Min: vg.Point{X: c.Min.X, Y: bottom}, Max: vg.Point{X: c.Max.X, Y: y - rowName},
		}}, x)
		y = bottom - rowGap
	}
}

func (r rowChart) axis(c draw.Canvas, x func(float64) vg.Length, floor vg.Length) {
	label := style(textSize, mutedTone(), false)
	label.XAlign = draw.XCenter
	if r.band > 0 {
		c.SetColor(gridTone())
		c.Fill(vg.Rectangle{Min: vg.Point{X: x(-r.band), Y: floor}, Max: vg.Point{X: x(r.band), Y: c.Max.Y}}.Path())
	}
	for _, t := range r.ticks.Ticks(r.lo, r.hi) {
		at := x(t.Value)
		c.StrokeLine2(lineStyle(gridTone(), 0.7, nil), at, floor, at, c.Max.Y)
		c.FillText(label, vg.Point{X: at, Y: floor - 12}, t.Label)
	}
	if r.lo < 0 && r.hi > 0 {
		c.StrokeLine2(lineStyle(axisTone(), 1, nil), x(0), floor, x(0), c.Max.Y)
	}
	c.StrokeLine2(lineStyle(axisTone(), 0.7, nil), x(r.lo), floor, x(r.hi), floor)
	c.FillText(label, vg.Point{X: (x(r.lo) + x(r.hi)) / 2, Y: c.Min.Y}, r.xName)
}

// Bars compares a quantity over points: queue depths, jobs, block sizes, runs.
type Bars struct {
	Head
	// Quantity is what the bars measure.
	Quantity Quantity
	// Groups are drawn in order, up to 40; more are counted in the figure.
	Groups []BarGroup
}

// BarGroup is one point with a bar for each of what was measured there.
type BarGroup struct {
	// Name of the point, such as iodepth=8.
	Name string
	Bars []Bar
}

// Bar is one or more measurements of the same thing. Its length is the median;
// a whisker spans least to greatest, and each measurement is a dot.
type Bar struct {
	// Name such as read; bars of one name share a colour.
	Name   string
	Values []float64
}

// Figure lays the figure out.
func (b Bars) Figure() *Figure {
	colours, hi := b.survey()
	if len(colours) == 0 {
		return emptyFigure(b.Head, "nothing measured")
	}
	unit := b.Quantity.unitFor(hi)
	chart := rowChart{lo: 0, hi: hi * 1.02, ticks: linearTicks{unit: unit, want: 5}, xName: unit.name, right: 58}
	f := &Figure{head: b.Head}
	for i, g := range b.Groups {
		if i == maxRows {
			f.head = f.head.with(fmt.Sprintf("first %d of %d points drawn", maxRows, len(b.Groups)))
			break
		}
		chart.rows = append(chart.rows, chartRow{name: g.Name, lines: max(1, len(g.Bars)), paint: b.painter(g, colours)})
	}
	if len(colours) > 1 {
		for i, name := range names(colours) {
			f.keys = append(f.keys, key{name: name, kind: swatchArea, tone: seriesTone(i, 100)})
		}
	}
	f.height, f.paint = chart.height(), chart.paint
	return f
}

// survey numbers the bars' names in order of appearance and finds the greatest
// value.
func (b Bars) survey() (colours map[string]int, hi float64) {
	colours = map[string]int{}
	for _, g := range b.Groups {
		for _, bar := range g.Bars {
			if len(bar.Values) == 0 {
				continue
			}
			if _, ok := colours[bar.Name]; !ok {
				colours[bar.Name] = len(colours)
			}
			for _, v := range bar.Values {
				if !math.IsInf(v, 0) && v > hi {
					hi = v
				}
			}
		}
	}
	if hi == 0 {
		hi = 1
	}
	return colours, hi
}

// names returns the keys of colours in their order.
func names(colours map[string]int) []string {
	out := make([]string, len(colours))
	for name, i := range colours {
		out[i] = name
	}
	return out
}

// painter returns what draws one group.
func (b Bars) painter(g BarGroup, colours map[string]int) func(draw.Canvas, func(float64) vg.Length) {
	return func(c draw.Canvas, x func(float64) vg.Length) {
		text := style(textSize, mutedTone(), false)
		y := c.Max.Y
		for _, bar := range g.Bars {
			mid := y - barHeight/2
			values := append([]float64(nil), bar.Values...)
			m := median(values) // sorts
			if math.IsNaN(m) {
				c.FillText(text, vg.Point{X: x(0) + 3, Y: mid - 4}, "–")
				y -= barHeight
				continue
			}
			c.SetColor(seriesTone(colours[bar.Name], 100))
			c.Fill(vg.Rectangle{Min: vg.Point{X: x(0), Y: mid - 4.5}, Max: vg.Point{X: max(x(m), x(0)+0.8), Y: mid + 4.5}}.Path())
			end := x(m)
			if n := len(values); n > 1 {
				drawSpread(c, x, values, mid)
				end = max(end, x(values[n-1]))
			}
			c.FillText(text, vg.Point{X: end + 4, Y: mid - 4}, b.Quantity.Format(m))
			y -= barHeight
		}
	}
}

// drawSpread draws the whisker and dots of sorted values over a bar.
func drawSpread(c draw.Canvas, x func(float64) vg.Length, sorted []float64, y vg.Length) {
	line := lineStyle(inkTone(), 0.9, nil)
	lo, hi := x(sorted[0]), x(sorted[len(sorted)-1])
	c.StrokeLine2(line, lo, y, hi, y)
	c.StrokeLine2(line, lo, y-2.5, lo, y+2.5)
	c.StrokeLine2(line, hi, y-2.5, hi, y+2.5)
	if len(sorted) > 30 {
		return
	}
	for _, v := range sorted {
		c.SetColor(paperTone())
		dot := draw.GlyphStyle{Color: paperTone(), Radius: 1.9, Shape: draw.CircleGlyph{}}
		c.DrawGlyphNoClip(dot, vg.Point{X: x(v), Y: y})
		dot.Color, dot.Radius = inkTone(), 1.3
		c.DrawGlyphNoClip(dot, vg.Point{X: x(v), Y: y})
	}
}
