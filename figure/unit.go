package figure

import (
	"math"
	"strconv"
	"strings"
)

// Quantity is what an axis measures. It knows its base unit and how people
// read it.
type Quantity int

const (
	// Count has no unit.
	Count Quantity = iota
	// IOPS is I/O operations per second.
	IOPS
	// Bandwidth is bytes per second.
	Bandwidth
	// Latency is nanoseconds.
	Latency
	// Percent runs from 0 to 100.
	Percent
	// ratio is how many times as much.
	ratio
)

// step is one unit of a quantity: its name and its size in base units.
type step struct {
	name string
	size float64
}

// ladder returns the quantity's units from small to large.
func (q Quantity) ladder() []step {
	switch q {
	case IOPS:
		return []step{{"IOPS", 1}, {"kIOPS", 1e3}, {"MIOPS", 1e6}}
	case Bandwidth:
		return []step{{"B/s", 1}, {"KiB/s", 1 << 10}, {"MiB/s", 1 << 20}, {"GiB/s", 1 << 30}, {"TiB/s", 1 << 40}}
	case Latency:
		return []step{{"ns", 1}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}}
	case ratio:
		return []step{{"×", 1}}
	case Percent:
		return []step{{"%", 1}}
	default:
		return []step{{"", 1}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}}
	}
}

// unitFor returns the largest unit of which v holds at least one.
func (q Quantity) unitFor(v float64) step {
	steps := q.ladder()
	u := steps[0]
	for _, s := range steps {
		if math.Abs(v) >= s.size {
			u = s
		}
	}
	return u
}

// Format writes v with three significant digits in the unit people read it in,
// such as "12.3 kIOPS", "512 MiB/s" or "98.4 µs". A value that is not a number
// is written "–".
func (q Quantity) Format(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	u := q.unitFor(v)
	text := digits(v / u.size)
	if math.Abs(v/u.size) >= 999.5 { // rounding carried into the next unit
		u = q.unitFor(v * 1.01)
		text = digits(v / u.size)
	}
	return strings.TrimSpace(text + " " + u.name)
}

// digits writes v with three significant digits and no trailing zeros after
// the point; whole numbers keep all their digits.
func digits(v float64) string {
	a := math.Abs(v)
	prec := 0
	switch {
	case a == 0:
	case a < 0.01:
		return strconv.FormatFloat(v, 'g', 2, 64)
	case a < 1:
		prec = 3
	case a < 10:
		prec = 2
	case a < 100:
		prec = 1
	}
	s := strconv.FormatFloat(v, 'f', prec, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// Grouped writes a count with thousands separated by commas.
func Grouped(n uint64) string { return groupDigits(strconv.FormatUint(n, 10)) }

// groupDigits puts a comma before every third digit from the end.
func groupDigits(s string) string {
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
