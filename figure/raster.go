package figure

import (
	"image/color"
	"image/png"
	"io"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
)

// rasterDPI gives a figure about 1,120 pixels across: sharp on a phone held
// sideways and at the width of a printed column.
const rasterDPI = 192

// rasterCanvas draws tones in one theme on gonum's image canvas.
type rasterCanvas struct {
	*vgimg.Canvas
	theme Theme
}

// newRaster returns a canvas filled with the theme's paper.
func newRaster(w, h vg.Length, theme Theme) rasterCanvas {
	return rasterCanvas{
		Canvas: vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(rasterDPI), vgimg.UseBackgroundColor(paperTone().in(theme))),
		theme:  theme,
	}
}

// SetColor resolves tones to the canvas's theme.
func (c rasterCanvas) SetColor(col color.Color) {
	if t, ok := col.(tone); ok {
		col = t.in(c.theme)
	}
	c.Canvas.SetColor(col)
}

// writeTo encodes the image. Figures are mostly flat: the fastest compression
// costs a third more bytes and saves most of the time.
func (c rasterCanvas) writeTo(w io.Writer) error {
	enc := png.Encoder{CompressionLevel: png.BestSpeed}
	return enc.Encode(w, c.Image())
}
