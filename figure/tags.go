package figure

import (
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// tags writes short labels beside the points of all curves of a plot.
type tags []tagged

// tagged is one curve with a label for each point.
type tagged struct {
	points []point
	labels []string
	tone   tone
}

// Plot puts each label where it covers neither a point nor another label, and
// no line if that can be had; one that finds no room is left out.
func (t tags) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	var taken []vg.Rectangle // by points, and by labels as they are placed
	var lines [][2]vg.Point
	places := make([][]vg.Point, len(t))
	for i, one := range t {
		for j, at := range one.points {
			pt := vg.Point{X: x(at.x), Y: y(at.y)}
			places[i] = append(places[i], pt)
			taken = append(taken, around(pt, 3.4))
			if j > 0 {
				lines = append(lines, [2]vg.Point{places[i][j-1], pt})
			}
		}
	}
	for i, one := range t {
		st := style(textSize-1, one.tone, false)
		for j, pt := range places[i] {
			label := shorten(st, clean(one.labels[j]), 70)
			if box, ok := room(c, pt, st.Width(label), taken, lines); ok && label != "" {
				c.FillText(st, vg.Point{X: box.Min.X, Y: box.Min.Y + 1}, label)
				taken = append(taken, box)
			}
		}
	}
}

// room finds a place for a label of a width beside a point.
func room(c draw.Canvas, pt vg.Point, w vg.Length, taken []vg.Rectangle, lines [][2]vg.Point) (vg.Rectangle, bool) {
	const h, gap = vg.Length(9), vg.Length(4.5)
	corners := []vg.Point{
		{X: pt.X + gap, Y: pt.Y - gap - h + 2}, {X: pt.X - gap - w, Y: pt.Y + gap - 2}, {X: pt.X + gap, Y: pt.Y - h/2}, {X: pt.X - gap - w, Y: pt.Y - h/2},
		{X: pt.X - w/2, Y: pt.Y + gap}, {X: pt.X - w/2, Y: pt.Y - gap - h}, {X: pt.X + gap, Y: pt.Y + gap - 2}, {X: pt.X - gap - w, Y: pt.Y - gap - h + 2},
	}
	for _, strict := range []bool{true, false} {
		for _, at := range corners {
			box := vg.Rectangle{Min: at, Max: vg.Point{X: at.X + w, Y: at.Y + h}}
			if box.Min.X < c.Min.X || box.Max.X > c.Max.X || box.Min.Y < c.Min.Y || box.Max.Y > c.Max.Y ||
				slices.ContainsFunc(taken, func(b vg.Rectangle) bool { return overlap(b, box) }) ||
				strict && slices.ContainsFunc(lines, func(l [2]vg.Point) bool { return crosses(l, box) }) {
				continue
			}
			return box, true
		}
	}
	return vg.Rectangle{}, false
}

func around(pt vg.Point, r vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: pt.X - r, Y: pt.Y - r}, Max: vg.Point{X: pt.X + r, Y: pt.Y + r}}
}

func overlap(a, b vg.Rectangle) bool {
	return a.Min.X < b.Max.X && b.Min.X < a.Max.X && a.Min.Y < b.Max.Y && b.Min.Y < a.Max.Y
}

// crosses tells whether a line passes through a box: it is cut by each side in
// turn until nothing or a piece is left.
func crosses(l [2]vg.Point, box vg.Rectangle) bool {
	from, to := vg.Length(0), vg.Length(1)
	dx, dy := l[1].X-l[0].X, l[1].Y-l[0].Y
	for _, side := range [][2]vg.Length{
		{-dx, l[0].X - box.Min.X}, {dx, box.Max.X - l[0].X}, {-dy, l[0].Y - box.Min.Y}, {dy, box.Max.Y - l[0].Y},
	} {
		p, q := side[0], side[1]
		switch {
		case p == 0 && q < 0:
			return false
		case p < 0:
			from = max(from, q/p)
		case p > 0:
			to = min(to, q/p)
		}
	}
	return from < to
}
