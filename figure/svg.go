package figure

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// fontStack names the fonts whose widths equal those used for layout
// (Liberation Sans and its metric twins), then whatever the reader has. Text
// carries its laid-out length, so that a substitute still fits.
const fontStack = `Arial,"Liberation Sans",Arimo,Helvetica,sans-serif`

// svgCanvas is a vg.Canvas that writes SVG. Unlike gonum's it names colours by
// role, so one document serves light and dark readers, transforms points as
// they come instead of nesting groups, and fixes the length of every text.
type svgCanvas struct {
	w, h  vg.Length
	body  bytes.Buffer
	tones map[string]tone
	// metadata in JSON, for programs that read the figure; may be empty.
	metadata []byte

	state svgState
	stack []svgState
}

// svgState is what Push saves.
type svgState struct {
	tone  tone
	width vg.Length
	dash  []vg.Length
	m     affine
}

// affine maps (x, y) to (a·x + c·y + e, b·x + d·y + f).
type affine struct{ a, b, c, d, e, f float64 }

func (m affine) apply(p vg.Point) (x, y float64) {
	px, py := float64(p.X), float64(p.Y)
	return m.a*px + m.c*py + m.e, m.b*px + m.d*py + m.f
}

// then returns the map that applies n first and m after it.
func (m affine) then(n affine) affine {
	return affine{
		a: m.a*n.a + m.c*n.b, b: m.b*n.a + m.d*n.b,
		c: m.a*n.c + m.c*n.d, d: m.b*n.c + m.d*n.d,
		e: m.a*n.e + m.c*n.f + m.e, f: m.b*n.e + m.d*n.f + m.f,
	}
}

func newSVG(w, h vg.Length) *svgCanvas {
	c := &svgCanvas{w: w, h: h, tones: map[string]tone{}}
	c.state.m = affine{a: 1, d: 1}
	vg.Initialize(c)
	return c
}

// Size returns the size the canvas was made with.
func (c *svgCanvas) Size() (w, h vg.Length) { return c.w, c.h }

// SetLineWidth sets the width of stroked paths.
func (c *svgCanvas) SetLineWidth(w vg.Length) { c.state.width = w }

// SetLineDash sets the dash pattern; the offset is not used by figures.
func (c *svgCanvas) SetLineDash(d []vg.Length, _ vg.Length) { c.state.dash = d }

// SetColor sets the tone. A colour that is no tone gets a class of its own,
// the same in both themes.
func (c *svgCanvas) SetColor(col color.Color) {
	if t, ok := col.(tone); ok {
		c.state.tone = t
		return
	}
	if col == nil {
		col = color.Black
	}
	n := color.NRGBAModel.Convert(col).(color.NRGBA)
	class := fmt.Sprintf("c%02x%02x%02x%02x", n.R, n.G, n.B, n.A)
	c.state.tone = tone{class: class, light: n, dark: n}
}

// Rotate, Translate and Scale change the transform as vg.Canvas describes.
func (c *svgCanvas) Rotate(rad float64) {
	s, k := math.Sincos(rad)
	c.state.m = c.state.m.then(affine{a: k, b: s, c: -s, d: k})
}

// Translate moves the origin to pt.
func (c *svgCanvas) Translate(pt vg.Point) {
	c.state.m = c.state.m.then(affine{a: 1, d: 1, e: float64(pt.X), f: float64(pt.Y)})
}

// Scale scales both axes.
func (c *svgCanvas) Scale(x, y float64) {
	c.state.m = c.state.m.then(affine{a: x, d: y})
}

// Push saves the drawing state.
func (c *svgCanvas) Push() { c.stack = append(c.stack, c.state) }

// Pop restores the state saved by the matching Push.
func (c *svgCanvas) Pop() {
	c.state = c.stack[len(c.stack)-1]
	c.stack = c.stack[:len(c.stack)-1]
}

// Stroke draws the outline of p.
func (c *svgCanvas) Stroke(p vg.Path) {
	if c.state.width <= 0 || len(p) == 0 {
		return
	}
	c.tones[c.state.tone.class] = c.state.tone
	fmt.Fprintf(&c.body, `<path class="l %s" stroke-width="%s"`, c.state.tone.class, num(float64(c.state.width)))
	for i, d := range c.state.dash {
		sep := ","
		if i == 0 {
			sep = ` stroke-dasharray="`
		}
		c.body.WriteString(sep + num(float64(d)))
	}
	if len(c.state.dash) > 0 {
		c.body.WriteByte('"')
	}
	c.path(p)
}

// Fill fills p.
func (c *svgCanvas) Fill(p vg.Path) {
	if len(p) == 0 {
		return
	}
	c.tones[c.state.tone.class] = c.state.tone
	fmt.Fprintf(&c.body, `<path class="%s"`, c.state.tone.class)
	c.path(p)
}

// path writes the d attribute and ends the element.
func (c *svgCanvas) path(p vg.Path) {
	c.body.WriteString(` d="`)
	for _, comp := range p {
		switch comp.Type {
		case vg.MoveComp:
			c.point('M', comp.Pos)
		case vg.LineComp:
			c.point('L', comp.Pos)
		case vg.ArcComp:
			c.arc(comp)
		case vg.CurveComp:
			c.curve(comp)
		case vg.CloseComp:
			c.body.WriteByte('Z')
		}
	}
	c.body.WriteString("\"/>\n")
}

// point writes one path command with its point, the y axis turned downwards.
func (c *svgCanvas) point(cmd byte, p vg.Point) {
	c.body.WriteByte(cmd)
	c.pair(p)
}

func (c *svgCanvas) pair(p vg.Point) {
	x, y := c.state.m.apply(p)
	c.body.WriteString(num(x))
	c.body.WriteByte(' ')
	c.body.WriteString(num(float64(c.h) - y))
}

// arc writes a circular arc as two halves, because SVG cannot express a full
// turn in one. It starts with a line to the arc's first point, as vg does.
func (c *svgCanvas) arc(a vg.PathComp) {
	at := func(angle float64) vg.Point {
		s, k := math.Sincos(angle)
		return vg.Point{X: a.Pos.X + a.Radius*vg.Length(k), Y: a.Pos.Y + a.Radius*vg.Length(s)}
	}
	r := num(float64(a.Radius) * math.Hypot(c.state.m.a, c.state.m.b))
	sweep := "0"
	if a.Angle < 0 {
		sweep = "1"
	}
	c.point('L', at(a.Start))
	for _, part := range []float64{0.5, 1} {
		fmt.Fprintf(&c.body, "A%s %s 0 0 %s ", r, r, sweep)
		c.pair(at(a.Start + a.Angle*part))
	}
}

func (c *svgCanvas) curve(comp vg.PathComp) {
	cmd := byte('Q')
	if len(comp.Control) == 2 {
		cmd = 'C'
	}
	for _, p := range comp.Control {
		c.point(cmd, p)
		cmd = ' '
	}
	c.point(' ', comp.Pos)
}

// FillString writes s as text with its laid-out length.
func (c *svgCanvas) FillString(f font.Face, pt vg.Point, s string) {
	if s == "" || f.Font.Size <= 0 {
		return
	}
	c.tones[c.state.tone.class] = c.state.tone
	x, y := c.state.m.apply(pt)
	y = float64(c.h) - y
	fmt.Fprintf(&c.body, `<text class="%s" x="%s" y="%s" font-size="%s"`,
		c.state.tone.class, num(x), num(y), num(float64(f.Font.Size)))
	if f.Font.Weight > 0 {
		c.body.WriteString(` font-weight="bold"`)
	}
	if len(s) > 2 {
		fmt.Fprintf(&c.body, ` textLength="%s" lengthAdjust="spacingAndGlyphs"`, num(float64(f.Width(s))))
	}
	if c.state.m.b != 0 {
		deg := -math.Atan2(c.state.m.b, c.state.m.a) * 180 / math.Pi
		fmt.Fprintf(&c.body, ` transform="rotate(%s %s %s)"`, num(deg), num(x), num(y))
	}
	fmt.Fprintf(&c.body, ">%s</text>\n", html.EscapeString(s))
}

// DrawImage embeds img as PNG. Figures draw no images; it is here because
// vg.Canvas asks for it.
func (c *svgCanvas) DrawImage(r vg.Rectangle, img image.Image) {
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		return
	}
	x, y := c.state.m.apply(vg.Point{X: r.Min.X, Y: r.Max.Y})
	fmt.Fprintf(&c.body, `<image x="%s" y="%s" width="%s" height="%s" preserveAspectRatio="none" href="data:image/png;base64,%s"/>`+"\n",
		num(x), num(float64(c.h)-y), num(float64(r.Size().X)), num(float64(r.Size().Y)),
		base64.StdEncoding.EncodeToString(buf.Bytes()))
}

// writeTo writes the document. Title and description are what screen readers
// announce, and hold the names that the picture had to shorten.
func (c *svgCanvas) writeTo(w io.Writer, title, desc string) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, `<svg class="fig" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]s %[2]s" width="%[1]s" height="%[2]s" role="img">`+"\n",
		num(float64(c.w)), num(float64(c.h)))
	fmt.Fprintf(b, "<title>%s</title>\n<desc>%s</desc>\n", html.EscapeString(title), html.EscapeString(desc))
	if len(c.metadata) > 0 {
		fmt.Fprintf(b, "<metadata>%s</metadata>\n", strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(string(c.metadata)))
	}
	c.writeStyle(b)
	b.Write(c.body.Bytes())
	b.WriteString("</svg>\n")
	return b.Flush()
}

// writeStyle writes a rule for each tone in use. A tone's class sets the
// colour, which areas and text take as fill and lines (class l) as stroke. All
// rules start with .fig, so a figure placed inline leaves its page alone.
func (c *svgCanvas) writeStyle(b *bufio.Writer) {
	names := make([]string, 0, len(c.tones))
	for n := range c.tones {
		names = append(names, n)
	}
	slices.Sort(names)
	fmt.Fprintf(b, "<style>.fig text{font-family:%s}.fig path,.fig text{fill:currentColor}.fig path.l{fill:none;stroke:currentColor;stroke-linejoin:round}", fontStack)
	for _, n := range names {
		fmt.Fprintf(b, ".fig .%s{color:%s}", n, css(c.tones[n].light))
	}
	b.WriteString("@media screen and (prefers-color-scheme:dark){")
	for _, n := range names {
		fmt.Fprintf(b, ".fig .%s{color:%s}", n, css(c.tones[n].dark))
	}
	b.WriteString("}</style>\n")
}

// css writes a colour in the form every SVG reader knows.
func css(c color.NRGBA) string {
	if c.A == 255 {
		return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B)
	}
	return fmt.Sprintf("rgba(%d,%d,%d,%s)", c.R, c.G, c.B, num(float64(c.A)/255))
}

// num writes a number with at most two decimals: a hundredth of a point is
// finer than any screen or printer draws.
func num(v float64) string {
	v = math.Round(v*100) / 100
	if v == 0 {
		v = 0 // no "-0"
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
