package figure

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// chart is what a page needs to let people point at a figure over time: where
// the plot lies in the picture, and the values that its lines were drawn of. It
// stands in the SVG's metadata, so that a figure and its values never part.
type chart struct {
	// Area is the plot's left, top, right and bottom edge in the SVG's units.
	Area [4]number `json:"area"`
	// From and To are the seconds at the left and the right edge.
	From number `json:"from"`
	To   number `json:"to"`
	// Units of the values from small to large: a name and its size each.
	Units []chartUnit `json:"units,omitempty"`
	Lines []chartLine `json:"lines,omitempty"`
}

type chartUnit struct {
	Name string  `json:"name"`
	Size float64 `json:"size"`
}

// chartLine is one line: even columns between two times.
type chartLine struct {
	Name string `json:"name"`
	From number `json:"from"`
	To   number `json:"to"`
	// Mid are the values, null where there is none. Low and Top are the least
	// and the greatest of what fell into a column, where that was several.
	Mid []number `json:"mid"`
	Low []number `json:"low,omitempty"`
	Top []number `json:"top,omitempty"`
}

// number is written with five digits: more than a pointer can tell apart.
type number float64

// MarshalJSON writes what is no number as null.
func (n number) MarshalJSON() ([]byte, error) {
	v := float64(n)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, v, 'g', 5, 64), nil
}

// newChart prepares the chart of a quantity over a stretch of time.
func newChart(q Quantity, from, to float64) *chart {
	c := &chart{From: number(from), To: number(to)}
	for _, s := range q.ladder() {
		c.Units = append(c.Units, chartUnit{s.name, s.size})
	}
	return c
}

// line adds the columns that a line was drawn of.
func (c *chart) line(name string, cols []column) {
	if len(cols) == 0 {
		return
	}
	l := chartLine{Name: clean(name), From: number(cols[0].from), To: number(cols[len(cols)-1].to)}
	wide := false
	for _, col := range cols {
		l.Mid = append(l.Mid, number(col.mid))
		l.Low, l.Top = append(l.Low, number(col.low)), append(l.Top, number(col.top))
		wide = wide || col.top > col.low
	}
	if !wide {
		l.Low, l.Top = nil, nil
	}
	c.Lines = append(c.Lines, l)
}

// paint draws axes, and tells an SVG about the chart.
func (c *chart) paint(a *axes) func(draw.Canvas) {
	return func(canvas draw.Canvas) {
		a.paint(canvas)
		svg, ok := canvas.Canvas.(*svgCanvas)
		if !ok {
			return
		}
		r := a.DataCanvas(a.body(canvas)).Rectangle
		c.Area = [4]number{number(r.Min.X), number(svg.h - r.Max.Y), number(r.Max.X), number(svg.h - r.Min.Y)}
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false) // the SVG escapes it
		if enc.Encode(c) == nil {
			svg.metadata = bytes.TrimSpace(b.Bytes())
		}
	}
}

// body is the part of a canvas that holds plot and ticks.
func (a *axes) body(c draw.Canvas) draw.Canvas {
	room := vg.Length(-17)
	if a.yName == "" {
		room = -6
	}
	return draw.Crop(c, 0, -4, 0, room)
}
