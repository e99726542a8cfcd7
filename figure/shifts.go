package figure

import (
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Shifts shows relative changes with their intervals, one row each, around the
// band of what is not worth telling.
type Shifts struct {
	Head
	// Threshold is half the width of the band: 0.05 for ±5%.
	Threshold float64
	Rows      []Shift
}

// Shift is one relative change: 0.05 is five percent more.
type Shift struct {
	// Name such as read.iops at iodepth=8.
	Name string
	// Change with the bounds of its interval. Bounds that are not finite, or
	// beyond what the axis shows, end in an arrow.
	Change, Low, High float64
	// Told marks a change that is beyond noise and threshold; Worse its
	// direction.
	Told, Worse bool
}

// Figure lays the figure out.
func (s Shifts) Figure() *Figure {
	if len(s.Rows) == 0 {
		return emptyFigure(s.Head, "nothing to compare")
	}
	reach := s.reach()
	chart := rowChart{lo: -reach, hi: reach, ticks: linearTicks{unit: step{"", 0.01}, want: 6}, xName: "change (%)", band: s.Threshold, left: 6, right: 6}
	f := &Figure{head: s.Head, keys: []key{
		{name: fmt.Sprintf("within ±%s%%", digits(s.Threshold*100)), kind: swatchArea, tone: gridTone()},
		{name: "better", kind: swatchDot, tone: seriesTone(2, 100), shape: draw.CircleGlyph{}},
		{name: "worse", kind: swatchDot, tone: seriesTone(1, 100), shape: draw.BoxGlyph{}},
		{name: "not told apart from noise", kind: swatchDot, tone: mutedTone(), shape: draw.RingGlyph{}},
	}}
	for i, r := range s.Rows {
		if i == maxRows {
			f.head = f.head.with(fmt.Sprintf("first %d of %d drawn", maxRows, len(s.Rows)))
			break
		}
		chart.rows = append(chart.rows, chartRow{name: fmt.Sprintf("%s  %+.1f%%", clean(r.Name), r.Change*100), lines: 1, paint: shiftPainter(r, reach)})
	}
	f.height, f.paint = chart.height(), chart.paint
	return f
}

// reach is how far the axis goes to either side: it holds every change, and
// intervals unless they are much wider than that.
func (s Shifts) reach() float64 {
	most := s.Threshold
	for _, r := range s.Rows {
		most = max(most, math.Abs(r.Change))
	}
	most = min(most, 2.5)
	reach := most
	for _, r := range s.Rows {
		reach = max(reach, min(-r.Low, 2*most), min(r.High, 2*most))
	}
	return reach * 1.08
}

// shiftPainter returns what draws one row.
func shiftPainter(r Shift, reach float64) func(draw.Canvas, func(float64) vg.Length) {
	tone, shape := mutedTone(), draw.GlyphDrawer(draw.RingGlyph{})
	if r.Told && r.Worse {
		tone, shape = seriesTone(1, 100), draw.BoxGlyph{}
	} else if r.Told {
		tone, shape = seriesTone(2, 100), draw.CircleGlyph{}
	}
	return func(c draw.Canvas, x func(float64) vg.Length) {
		y := (c.Min.Y + c.Max.Y) / 2
		c.StrokeLine2(lineStyle(tone, 1.4, nil), x(r.Low), y, x(r.High), y)
		if r.Low < -reach {
			drawArrow(c, tone, vg.Point{X: x(-reach), Y: y}, -1)
		}
		if r.High > reach {
			drawArrow(c, tone, vg.Point{X: x(reach), Y: y}, 1)
		}
		c.DrawGlyphNoClip(draw.GlyphStyle{Color: tone, Radius: 3.6, Shape: shape}, vg.Point{X: x(r.Change), Y: y})
	}
}

// drawArrow draws the head of an arrow that points out of the plot.
func drawArrow(c draw.Canvas, t tone, tip vg.Point, direction vg.Length) {
	var p vg.Path
	p.Move(tip)
	p.Line(vg.Point{X: tip.X - 5*direction, Y: tip.Y + 3})
	p.Line(vg.Point{X: tip.X - 5*direction, Y: tip.Y - 3})
	p.Close()
	c.SetColor(t)
	c.Fill(p)
}
