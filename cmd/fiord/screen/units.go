// Package screen writes for people: quantities, tables, summaries of benches,
// and progress, as a bar on a terminal and as lines anywhere else.
package screen

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
)

// IOPS writes operations per second: 950, 85.3k, 1.25M.
func IOPS(v float64) string { return scaled(v, 1000, []string{"", "k", "M", "G"}) }

// Bandwidth writes bytes per second: 333 MiB/s.
func Bandwidth(v float64) string {
	text := scaled(v, 1024, []string{" B/s", " KiB/s", " MiB/s", " GiB/s", " TiB/s"})
	return text
}

// Nanoseconds writes a latency: 870 ns, 93.1 µs, 4.20 ms, 1.50 s.
func Nanoseconds(v float64) string { return scaled(v, 1000, []string{" ns", " µs", " ms", " s"}) }

// scaled writes v with three significant digits and the unit it falls into.
func scaled(v, base float64, units []string) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "?"
	}
	unit := 0
	for math.Abs(v) >= base*0.9995 && unit < len(units)-1 {
		v, unit = v/base, unit+1
	}
	digits := 2
	switch abs := math.Abs(v); {
	case abs >= 99.95 || abs == math.Trunc(abs) && unit == 0:
		digits = 0
	case abs >= 9.995:
		digits = 1
	}
	return fmt.Sprintf("%.*f%s", digits, v, units[unit])
}

// Seconds writes a duration in whole seconds: 42s, 3m05s, 2h00m.
func Seconds(d time.Duration) string {
	s := int(math.Ceil(d.Seconds()))
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	}
	return fmt.Sprintf("%dh%02dm", s/3600, s%3600/60)
}

// Plural writes 1 run, 2 runs.
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Clean makes text from outside fit for a line of a terminal: what could move the
// cursor, recolour the screen, begin a line or turn the order of what is read
// becomes a space.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, text)
}

// CleanLines is [Clean] for text that may have lines.
func CleanLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = Clean(line)
	}
	return strings.Join(lines, "\n")
}
