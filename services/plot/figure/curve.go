package figure

import (
	"fmt"
	"math"
	"slices"

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

// thin drops points of a long monotonic curve evenly; both ends stay.
func thin(points []point) []point {
	if len(points) <= maxCurve {
		return points
	}
	out := make([]point, 0, maxCurve+1)
	for i := range maxCurve {
		out = append(out, points[i*len(points)/maxCurve])
	}
	return append(out, points[len(points)-1])
}

// Load is a figure of latency over throughput: how much more load costs, up to
// the bend where it only costs latency.
type Load struct {
	Head
	// Throughput is what the x axis measures: IOPS or Bandwidth.
	Throughput Quantity
	Curves     []LoadCurve
}

// LoadCurve is one series of measurements in order of rising load.
type LoadCurve struct {
	Name   string
	Points []LoadPoint
}

// LoadPoint is one measurement.
type LoadPoint struct {
	// Label says at which load, such as 32 for a queue depth.
	Label      string
	Throughput float64
	Latency    float64 // ns
}

// Figure lays the figure out.
func (l Load) Figure() *Figure {
	most, lo, hi := 0.0, math.Inf(1), 0.0
	var curves []LoadCurve
	for _, c := range l.Curves {
		c.Points = slices.DeleteFunc(slices.Clone(c.Points), func(p LoadPoint) bool { return !(p.Throughput > 0 && p.Latency > 0) })
		for _, p := range c.Points {
			most, lo, hi = max(most, p.Throughput), min(lo, p.Latency), max(hi, p.Latency)
		}
		if len(c.Points) > 0 {
			curves = append(curves, c)
		}
	}
	if len(curves) == 0 {
		return emptyFigure(l.Head, "nothing measured")
	}
	head := l.Head
	if len(curves) > maxColours {
		head.Facts = append(append([]string{}, head.Facts...), fmt.Sprintf("first %d of %d drawn", maxColours, len(curves)))
		curves = curves[:maxColours]
	}
	f := &Figure{head: head, height: plotHeight + 20}
	unit := l.Throughput.unitFor(most)
	a := newAxes(unit.name, "")
	a.X.Min, a.X.Max = 0, most*1.08
	a.X.Tick.Marker = linearTicks{unit: unit, want: 6}
	var taken []vg.Rectangle
	for i, c := range curves {
		k := lineKey(i, c.Name, "")
		k.shape, k.dash = glyph(i), nil // glyphs tell the curves apart already
		f.keys = append(f.keys, k)
		points := make([]point, len(c.Points))
		labels := make([]string, len(c.Points))
		for j, p := range c.Points {
			points[j], labels[j] = point{p.Throughput, p.Latency}, p.Label
		}
		a.Add(curve{points: points, style: lineStyle(k.tone, k.width, k.dash), glyph: draw.GlyphStyle{Color: k.tone, Radius: 3, Shape: k.shape}})
		a.Add(tags{points, labels, &taken})
	}
	if hi/lo > 20 {
		a.logY(Latency, lo, hi)
	} else {
		a.linearY(Latency, hi)
	}
	f.paint = func(c draw.Canvas) {
		taken = taken[:0]
		a.paint(c)
	}
	return f
}

// tags writes short labels beside points, leaving out what would overlap.
type tags struct {
	points []point
	labels []string
	taken  *[]vg.Rectangle // by labels drawn before, of all curves
}

// Plot draws the labels that find room.
func (t tags) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	st := style(textSize-1, mutedTone(), false)
	for i, at := range t.points {
		label := shorten(st, clean(t.labels[i]), 70)
		w := st.Width(label)
		pt := vg.Point{X: x(at.x) + 5, Y: y(at.y) - 9}
		if pt.X+w > c.Max.X {
			pt.X = x(at.x) - w - 5
		}
		box := vg.Rectangle{Min: pt, Max: vg.Point{X: pt.X + w, Y: pt.Y + 9}}
		if label == "" || slices.ContainsFunc(*t.taken, func(b vg.Rectangle) bool { return overlap(b, box) }) {
			continue
		}
		c.FillText(st, pt, label)
		*t.taken = append(*t.taken, box)
	}
}

func overlap(a, b vg.Rectangle) bool {
	return a.Min.X < b.Max.X && b.Min.X < a.Max.X && a.Min.Y < b.Max.Y && b.Min.Y < a.Max.Y
}
