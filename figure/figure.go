package figure

import (
	"io"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Sizes of a figure in points. The width is that of a printed column; on a
// phone the figure shrinks by a fifth. The height grows with the header.
const (
	figureWidth = vg.Length(420)
	plotHeight  = vg.Length(215)
	margin      = vg.Length(10)
	innerWidth  = figureWidth - 2*margin
)

// Head is what every figure says besides its data.
type Head struct {
	// Title says what is shown, such as "IOPS over time".
	Title string
	// Subject says of what: bench, job, host. It may be long.
	Subject string
	// Facts state the sample: how many intervals, runs or I/Os, how long.
	Facts []string
	// Flags say what is wrong with the data. They are drawn as a box above
	// the plot, so that nobody quotes the figure without them.
	Flags []string
}

// with returns the head with one more fact.
func (h Head) with(fact string) Head {
	h.Facts = append(slices.Clone(h.Facts), fact)
	return h
}

// Figure is a figure that is ready to be written in any format.
type Figure struct {
	head   Head
	keys   []key
	height vg.Length              // of the plot alone
	paint  func(c draw.Canvas)    // draws the plot
	detail func(*strings.Builder) // more for the description; may be nil
}

// WriteSVG writes the figure as SVG, with both themes inside.
func (f *Figure) WriteSVG(w io.Writer) error {
	l := f.layout()
	c := newSVG(figureWidth, l.height)
	f.draw(c, l)
	return c.writeTo(w, clean(f.head.Title), f.description())
}

// WritePNG writes the figure as PNG in one theme.
func (f *Figure) WritePNG(w io.Writer, theme Theme) error {
	l := f.layout()
	c := newRaster(figureWidth, l.height, theme)
	f.draw(c, l)
	return c.writeTo(w)
}

// description is the text equivalent of the figure.
func (f *Figure) description() string {
	var b strings.Builder
	b.WriteString(clean(f.head.Subject))
	for _, s := range f.head.Facts {
		b.WriteString(". " + clean(s))
	}
	for _, s := range f.head.Flags {
		b.WriteString(". Warning: " + clean(s))
	}
	for _, k := range f.keys {
		b.WriteString(". " + clean(k.name))
		if k.note != "" {
			b.WriteString(": " + clean(k.note))
		}
	}
	if f.detail != nil {
		f.detail(&b)
	}
	return strings.TrimPrefix(b.String(), ". ")
}

// layout is the header broken into lines, and the height all of it needs.
type layout struct {
	title, subject, facts []string
	flags                 []string
	rows                  [][]placedKey
	height                vg.Length
}

// maxFlagLines bounds the warning box; the text equivalent has all of them.
const maxFlagLines = 4

func (f *Figure) layout() layout {
	l := layout{
		title:   wrap(style(titleSize, inkTone(), true), f.head.Title, innerWidth, 2),
		subject: wrap(style(textSize, mutedTone(), false), f.head.Subject, innerWidth, 2),
		facts:   wrapItems(style(textSize, mutedTone(), false), f.head.Facts, innerWidth, 2),
		rows:    placeKeys(f.keys, innerWidth),
	}
	for _, s := range f.head.Flags {
		l.flags = append(l.flags, wrap(style(textSize, warnTone(), true), s, innerWidth-26, 2)...)
	}
	if n := len(l.flags); n > maxFlagLines {
		l.flags = append(l.flags[:maxFlagLines-1], "and more: see the report")
	}
	l.height = 2*margin + f.height + vg.Length(len(l.title))*18 +
		vg.Length(len(l.subject)+len(l.facts)+len(l.rows))*lineSkip + 4
	if len(l.flags) > 0 {
		l.height += vg.Length(len(l.flags))*lineSkip + 12
	}
	return l
}

// draw paints header, legend and plot from the top down.
func (f *Figure) draw(vc vg.CanvasSizer, l layout) {
	c := draw.New(vc)
	c.SetColor(paperTone())
	c.Fill(c.Path())
	y := c.Max.Y - margin
	lines := func(st draw.TextStyle, skip vg.Length, lines []string) {
		for _, s := range lines {
			y -= skip
			c.FillText(st, vg.Point{X: margin, Y: y + 3}, s)
		}
	}
	lines(style(titleSize, inkTone(), true), 18, l.title)
	lines(style(textSize, mutedTone(), false), lineSkip, l.subject)
	lines(style(textSize, mutedTone(), false), lineSkip, l.facts)
	y = drawFlags(c, y, l.flags)
	for _, row := range l.rows {
		y -= lineSkip
		for _, k := range row {
			k.draw(c, y)
		}
	}
	f.paint(draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
		Min: vg.Point{X: margin, Y: margin},
		Max: vg.Point{X: c.Max.X - margin, Y: margin + f.height},
	}})
}

// drawFlags draws the warning box below y and returns its lower edge.
func drawFlags(c draw.Canvas, y vg.Length, flags []string) vg.Length {
	if len(flags) == 0 {
		return y
	}
	h := vg.Length(len(flags))*lineSkip + 6
	top := y - 2
	box := vg.Rectangle{Min: vg.Point{X: margin, Y: top - h}, Max: vg.Point{X: margin + innerWidth, Y: top}}
	c.SetColor(warnBox())
	c.Fill(box.Path())
	c.SetColor(warnTone())
	c.Fill(vg.Rectangle{Min: box.Min, Max: vg.Point{X: box.Min.X + 3, Y: box.Max.Y}}.Path())
	drawSign(c, vg.Point{X: margin + 13, Y: top - 10.5})
	st := style(textSize, warnTone(), true)
	for i, s := range flags {
		c.FillText(st, vg.Point{X: margin + 23, Y: top - vg.Length(i+1)*lineSkip + 1}, s)
	}
	return top - h - 4
}

// drawSign draws a warning triangle centred on pt; fonts cannot be relied on
// to have one.
func drawSign(c draw.Canvas, pt vg.Point) {
	tri := func(r vg.Length) vg.Path {
		var p vg.Path
		p.Move(vg.Point{X: pt.X, Y: pt.Y + r})
		p.Line(vg.Point{X: pt.X + r, Y: pt.Y - r*0.8})
		p.Line(vg.Point{X: pt.X - r, Y: pt.Y - r*0.8})
		p.Close()
		return p
	}
	c.SetColor(warnTone())
	c.Fill(tri(6))
	c.SetColor(warnBox())
	bar := func(lo, hi vg.Length) {
		c.Fill(vg.Rectangle{Min: vg.Point{X: pt.X - 0.7, Y: pt.Y + lo}, Max: vg.Point{X: pt.X + 0.7, Y: pt.Y + hi}}.Path())
	}
	bar(-1.4, 3)
	bar(-3.6, -2.3)
}
