package figure

import (
	"fmt"
	"image/color"
)

// Theme chooses between the two sets of colours of a raster figure. An SVG
// carries both.
type Theme int

const (
	// Light is dark ink on white, also what paper gets.
	Light Theme = iota
	// Dark is light ink on near-black.
	Dark
)

// tone is a role in the figure with a colour for each theme. It satisfies
// color.Color with its light colour, so gonum passes it through untouched and
// our canvases can recognise it by type.
type tone struct {
	class       string
	light, dark color.NRGBA
}

// RGBA returns the light colour.
func (t tone) RGBA() (r, g, b, a uint32) { return t.light.RGBA() }

// in returns the tone's colour in the given theme.
func (t tone) in(th Theme) color.NRGBA {
	if th == Dark {
		return t.dark
	}
	return t.light
}

// newTone builds a tone from two 0xRRGGBB values and an opacity in percent.
func newTone(class string, light, dark uint32, opacity int) tone {
	a := uint8(opacity * 255 / 100) // #nosec G115 -- opacity is a percentage
	rgb := func(v uint32) color.NRGBA {
		return color.NRGBA{R: uint8(v >> 16 & 0xFF), G: uint8(v >> 8 & 0xFF), B: uint8(v & 0xFF), A: a}
	}
	return tone{class: class, light: rgb(light), dark: rgb(dark)}
}

// The roles that are no series.
func paperTone() tone  { return newTone("paper", 0xFFFFFF, 0x14171C, 100) }
func inkTone() tone    { return newTone("ink", 0x1B1F24, 0xE8EBEF, 100) }
func mutedTone() tone  { return newTone("muted", 0x565D66, 0xA4ADB8, 100) }
func axisTone() tone   { return newTone("axis", 0x8A929C, 0x6F7883, 100) }
func gridTone() tone   { return newTone("grid", 0xE2E6EA, 0x2B3138, 100) }
func warnTone() tone   { return newTone("warn", 0x8A3B00, 0xFFC46B, 100) }
func warnBox() tone    { return newTone("warnbox", 0xFFEFD6, 0x3A2A12, 100) }
func silentTone() tone { return newTone("silent", 0xD55E00, 0xFF9A57, 18) }
func swarmTone() tone  { return newTone("swarm", 0x565D66, 0xA4ADB8, 35) }

// seriesColours are the hues of Okabe and Ito, darkened where the original has
// less than 3:1 contrast on white, with a lighter partner for the dark theme.
// Their order keeps neighbours apart; a test measures the distances as people
// with protanopia, deuteranopia and tritanopia see them.
func seriesColours() [][2]uint32 {
	return [][2]uint32{
		{0x0072B2, 0x4C9AFF}, // blue
		{0xD55E00, 0xFF8A4C}, // vermillion
		{0x00946B, 0x35C79B}, // bluish green
		{0x8C2D83, 0xE29AD6}, // purple
		{0x4A2800, 0xF2CC4A}, // brown, in the dark yellow
		{0x3F4650, 0xD5DAE0}, // grey
	}
}

// maxColours is the number of series that get a colour of their own. More
// would not be told apart, and are drawn as a swarm with its extremes named.
const maxColours = 6

// seriesTone returns the tone of the i-th of at most maxColours series, with an
// opacity in percent for areas.
func seriesTone(i, opacity int) tone {
	all := seriesColours()
	c := all[i%len(all)]
	class := fmt.Sprintf("s%d", i%len(all))
	if opacity < 100 {
		class = fmt.Sprintf("%so%d", class, opacity)
	}
	return newTone(class, c[0], c[1], opacity)
}

// heatLevels is the number of steps of the sequential scale. Ten steps are
// about what the eye orders reliably, and they keep a heatmap's SVG small.
const heatLevels = 10

// heatTone returns level i (0 the least) of the sequential scale. Luminance
// falls monotonically with the level on white and rises on black, so the order
// survives greyscale printing and every colour vision deficiency.
func heatTone(i int) tone {
	i = max(0, min(heatLevels-1, i))
	f := float64(i) / (heatLevels - 1)
	light := ramp(f, 0xE6F1F8, 0x4FA3D1, 0x0A2A57)
	dark := ramp(f, 0x1D2C3A, 0x2F86B8, 0xF6F3B5)
	return newTone(fmt.Sprintf("h%d", i), light, dark, 100)
}

// ramp interpolates linearly between three colours.
func ramp(f float64, lo, mid, hi uint32) uint32 {
	a, b, t := lo, mid, f*2
	if f > 0.5 {
		a, b, t = mid, hi, (f-0.5)*2
	}
	var out uint32
	for _, shift := range []uint{16, 8, 0} {
		x, y := float64(a>>shift&0xFF), float64(b>>shift&0xFF)
		out |= uint32(x+(y-x)*t+0.5) << shift
	}
	return out
}

// heatInk is the ink for text on a level of the sequential scale: dark on the
// pale end and light on the deep one, which lie at opposite ends in the themes.
func heatInk(level int) tone {
	const dark, light = 0x0B1220, 0xFFFFFF
	if level <= heatLevels/2 {
		return newTone("hlow", dark, light, 100)
	}
	return newTone("hhigh", light, dark, 100)
}
