package figure

import (
	"image/color"
	"strconv"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// Text sizes in points. The smallest stays readable when a figure is shrunk to
// the width of a phone.
const (
	titleSize = vg.Length(14)
	textSize  = vg.Length(11)
	lineSkip  = vg.Length(14.5)
)

// style returns a left-aligned text style on the baseline.
func style(size vg.Length, c color.Color, bold bool) text.Style {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f.Weight = xfont.WeightBold
	}
	return text.Style{Color: c, Font: f, Handler: plot.DefaultTextHandler}
}

// clean makes s printable on one line: what came from job files or hosts may
// hold control characters or invalid UTF-8.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "�")
	s = strings.Map(func(r rune) rune {
		if r == 0xFFFE || r == 0xFFFF { // no XML may hold them
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7F || (r >= 0x80 && r < 0xA0) }), " ")
}

// shorten cuts the middle out of s until it fits width: names of hosts and
// devices differ at either end more often than in the middle.
func shorten(st text.Style, s string, width vg.Length) string {
	if st.Width(s) <= width {
		return s
	}
	r := []rune(s)
	lo, hi := 0, min(len(r)-1, 400) // no line of a figure holds 400
	for lo < hi {                   // the most runes that fit, split between both ends
		mid := (lo + hi + 1) / 2
		if st.Width(ends(r, mid)) <= width {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return ends(r, lo)
}

// ends keeps n runes of r, the larger half in front.
func ends(r []rune, n int) string {
	head := (n + 1) / 2
	return string(r[:head]) + "…" + string(r[len(r)-(n-head):])
}

// wrap breaks s at spaces into at most maxLines lines of the given width; a
// word that is too long and the last line are shortened.
func wrap(st text.Style, s string, width vg.Length, maxLines int) []string {
	var lines []string
	line := ""
	words := strings.Fields(clean(s))
	for i, w := range words {
		next := w
		if line != "" {
			next = line + " " + w
		}
		if line != "" && st.Width(next) > width {
			if len(lines) == maxLines-1 {
				return append(lines, shorten(st, line+" "+strings.Join(words[i:], " "), width))
			}
			lines = append(lines, shorten(st, line, width))
			next = w
		}
		line = next
	}
	if line == "" {
		return lines
	}
	return append(lines, shorten(st, line, width))
}

// wrapItems flows short texts into lines, breaking between them only.
func wrapItems(st text.Style, items []string, width vg.Length, maxLines int) []string {
	const sep = " · "
	var lines []string
	for i, item := range items {
		item = clean(item)
		if n := len(lines); n > 0 && st.Width(lines[n-1]+sep+item) <= width {
			lines[n-1] += sep + item
			continue
		}
		if len(lines) == maxLines {
			lines[maxLines-1] = shorten(st, lines[maxLines-1]+sep+strings.Join(items[i:], sep), width)
			break
		}
		lines = append(lines, shorten(st, item, width))
	}
	return lines
}

// grouped writes n with thousands separated by commas.
func grouped(n int) string { return groupDigits(strconv.Itoa(n)) }

// Width returns how wide s is in points at a text size, in the figures' font.
func Width(s string, size float64) float64 {
	return float64(style(vg.Length(size), inkTone(), false).Width(clean(s)))
}

// Shorten makes s fit a width in points at a text size by cutting its middle.
func Shorten(s string, width, size float64) string {
	return shorten(style(vg.Length(size), inkTone(), false), clean(s), vg.Length(width))
}
