package figure

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// timeLine draws the means of columns; a column without value breaks it.
type timeLine struct {
	cols  []column
	style draw.LineStyle
	steps bool
}

// Plot draws columns as steps, which shows that each value covers its
// interval, or as a line through their centres.
func (l timeLine) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	var run []vg.Point
	flush := func() {
		if len(run) == 1 { // a lone column still deserves a mark
			run = append(run, vg.Point{X: run[0].X + 0.8, Y: run[0].Y})
		}
		if len(run) > 1 {
			c.StrokeLines(l.style, run)
		}
		run = nil
	}
	for _, col := range l.cols {
		if math.IsNaN(col.mid) {
			flush()
			continue
		}
		h := y(col.mid)
		if l.steps {
			run = append(run, vg.Point{X: x(col.from), Y: h}, vg.Point{X: x(col.to), Y: h})
		} else {
			run = append(run, vg.Point{X: x((col.from + col.to) / 2), Y: h})
		}
	}
	flush()
}

// envelope fills between the least and the greatest value of each column.
type envelope struct {
	cols []column
	tone tone
}

// Plot draws nothing where columns hold a single value.
func (e envelope) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for i := 0; i < len(e.cols); {
		j := i
		wide := false
		for j < len(e.cols) && !math.IsNaN(e.cols[j].low) {
			wide = wide || e.cols[j].top > e.cols[j].low
			j++
		}
		if wide {
			e.fill(c, e.cols[i:j], x, y)
		}
		i = j + 1
	}
}

func (e envelope) fill(c draw.Canvas, cols []column, x, y func(float64) vg.Length) {
	pts := make([]vg.Point, 0, 4*len(cols))
	for _, col := range cols {
		h := y(col.top)
		pts = append(pts, vg.Point{X: x(col.from), Y: h}, vg.Point{X: x(col.to), Y: h})
	}
	for i := len(cols) - 1; i >= 0; i-- {
		h := y(cols[i].low)
		pts = append(pts, vg.Point{X: x(cols[i].to), Y: h}, vg.Point{X: x(cols[i].from), Y: h})
	}
	c.FillPolygon(e.tone, pts)
}

// levelLine is a horizontal line across the plot.
type levelLine struct {
	value float64
	style draw.LineStyle
}

// Plot draws the line.
func (l levelLine) Plot(c draw.Canvas, p *plot.Plot) {
	_, y := p.Transforms(&c)
	c.StrokeLine2(l.style, c.Min.X, y(l.value), c.Max.X, y(l.value))
}

// timeSpans shades stretches of the x axis over the full height.
type timeSpans struct {
	spans []span
	tone  tone
}

// Plot draws all stretches as one path, each at least a visible sliver wide.
func (t timeSpans) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	var path vg.Path
	last := c.Min.X - 1
	for _, s := range t.spans {
		from, to := max(x(s.from), c.Min.X), min(x(s.to), c.Max.X)
		to = max(to, from+1)
		from = max(from, last) // slivers must not overlap: opacity would add up
		if to <= from {
			continue
		}
		path = append(path, vg.Rectangle{Min: vg.Point{X: from, Y: c.Min.Y}, Max: vg.Point{X: to, Y: c.Max.Y}}.Path()...)
		last = to
	}
	c.SetColor(t.tone)
	if len(path) > 0 {
		c.Fill(path)
	}
}
