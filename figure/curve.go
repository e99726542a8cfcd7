package figure

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// point is a place in a plot, in data coordinates.
type point struct{ x, y float64 }

// curve draws points joined by lines, with a glyph on each if it has a shape.
type curve struct {
	points []point
	style  draw.LineStyle
	glyph  draw.GlyphStyle
}

// Plot draws the curve.
func (k curve) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	pts := make([]vg.Point, len(k.points))
	for i, at := range k.points {
		pts[i] = vg.Point{X: x(at.x), Y: y(at.y)}
	}
	if len(pts) > 1 && k.style.Width > 0 {
		c.StrokeLines(k.style, pts)
	}
	if k.glyph.Shape != nil {
		for _, at := range pts {
			c.DrawGlyphNoClip(k.glyph, at)
		}
	}
}

// maxCurve bounds the points of one curve.
const maxCurve = 1200

// thin drops points of a long monotonic curve evenly until about n are left;
// both ends stay.
func thin(points []point, n int) []point {
	if len(points) <= n {
		return points
	}
	out := make([]point, 0, n+1)
	for i := range n {
		out = append(out, points[i*len(points)/n])
	}
	return append(out, points[len(points)-1])
}
