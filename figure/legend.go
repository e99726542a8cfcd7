package figure

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// swatch is how a legend shows a series.
type swatch int

const (
	swatchLine swatch = iota
	swatchArea
	swatchDot
)

// key is one entry of the legend.
type key struct {
	name, note string // the note is a figure such as "mean 12.3 kIOPS"
	kind       swatch
	tone       tone
	width      vg.Length
	dash       []vg.Length
	shape      draw.GlyphDrawer
}

// dashes tells lines apart in print without colour.
func dashes(i int) []vg.Length {
	return [][]vg.Length{nil, {7, 2}, {3, 1.5}, {9, 2, 2, 2}, {5, 1.5, 1, 1.5}, {1.2, 1.2}}[i%6]
}

// glyph tells points apart without colour.
func glyph(i int) draw.GlyphDrawer {
	return []draw.GlyphDrawer{
		draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{},
		draw.RingGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{},
	}[i%6]
}

// lineKey is the legend entry of the i-th coloured line.
func lineKey(i int, name, note string) key {
	return key{name: name, note: note, tone: seriesTone(i, 100), width: 1.4, dash: dashes(i)}
}

// Sizes in the legend.
const (
	swatchWidth = vg.Length(20)
	keyGap      = vg.Length(12)
	maxKeyRows  = 8
)

// placedKey is a key with its place in a row, its text shortened to fit.
type placedKey struct {
	key
	x    vg.Length
	text string
}

// placeKeys flows keys into rows of the given width. Rows beyond the limit
// become a count, never silence.
func placeKeys(keys []key, width vg.Length) [][]placedKey {
	st := style(textSize, inkTone(), false)
	var rows [][]placedKey
	var x vg.Length
	for i, k := range keys {
		label := keyLabel(k, width-swatchWidth)
		w := swatchWidth + st.Width(label) + keyGap
		if k.tone.class == "" {
			w -= swatchWidth
		}
		if len(rows) == 0 || x+w-keyGap > width {
			if len(rows) == maxKeyRows {
				last := &rows[maxKeyRows-1]
				*last = append((*last)[:0], placedKey{text: fmt.Sprintf("and %d more", len(keys)-i+len(*last)), x: margin})
				break
			}
			rows = append(rows, nil)
			x = 0
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], placedKey{key: k, x: margin + x, text: label})
		x += w
	}
	return rows
}

// keyLabel writes name and note so that they fit; the note gets up to half of
// the room, the name is shortened to the rest.
func keyLabel(k key, width vg.Length) string {
	st := style(textSize, inkTone(), false)
	note := shorten(st, clean(k.note), width/2)
	if note != "" {
		note = " – " + note
	}
	return shorten(st, clean(k.name), width-st.Width(note)) + note
}

// draw paints the key on the row whose baseline is a little above y.
func (k placedKey) draw(c draw.Canvas, y vg.Length) {
	textX := k.x
	if k.tone.class != "" {
		k.swatch(c, vg.Point{X: k.x, Y: y + 7})
		textX += swatchWidth
	}
	c.FillText(style(textSize, inkTone(), false), vg.Point{X: textX, Y: y + 3}, k.text)
}

// swatch paints the sample of the series with its left end at pt.
func (k placedKey) swatch(c draw.Canvas, pt vg.Point) {
	const w = swatchWidth - 5
	switch k.kind {
	case swatchArea:
		c.SetColor(k.tone)
		c.Fill(vg.Rectangle{Min: vg.Point{X: pt.X, Y: pt.Y - 4}, Max: vg.Point{X: pt.X + w, Y: pt.Y + 4}}.Path())
	case swatchDot:
		c.DrawGlyphNoClip(draw.GlyphStyle{Color: k.tone, Radius: 3.2, Shape: k.shape}, vg.Point{X: pt.X + w/2, Y: pt.Y})
	default:
		c.StrokeLine2(lineStyle(k.tone, max(k.width, 1), k.dash), pt.X, pt.Y, pt.X+w, pt.Y)
		if k.shape != nil {
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: k.tone, Radius: 2.6, Shape: k.shape}, vg.Point{X: pt.X + w/2, Y: pt.Y})
		}
	}
}

func lineStyle(c color.Color, w vg.Length, dash []vg.Length) draw.LineStyle {
	return draw.LineStyle{Color: c, Width: w, Dashes: dash}
}
