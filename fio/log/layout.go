package log

import (
	"fmt"
	"strconv"
	"strings"
)

// Layout says which optional columns a log has. All logs but histograms have
//
//	time_ms, value[, max], ddir, bs[, offset][, prio][, issue_ns]
type Layout struct {
	Max    bool // value_max, with log_window_value=both since 3.37
	Offset bool // with log_offset
	Prio   bool // since 3.18
	Issue  bool // issue time, with log_issue_time since 3.38
	// Guess says how the layout was found out when neither version nor options
	// were known; it is empty for a layout that is sure.
	Guess string
}

// Columns returns how many columns the layout has.
func (l Layout) Columns() int {
	n := 4
	for _, has := range []bool{l.Max, l.Offset, l.Prio, l.Issue} {
		if has {
			n++
		}
	}
	return n
}

// String lists the columns.
func (l Layout) String() string {
	names := []string{"time", "value"}
	if l.Max {
		names = append(names, "max")
	}
	names = append(names, "ddir", "bs")
	if l.Offset {
		names = append(names, "offset")
	}
	if l.Prio {
		names = append(names, "prio")
	}
	if l.Issue {
		names = append(names, "issue")
	}
	return strings.Join(names, ", ")
}

// Version is a version of fio.
type Version struct{ Major, Minor int }

// ParseVersion reads fio's version string: fio-3.33, 3.36-5-gabc, fio-3.39-dirty.
func ParseVersion(s string) (Version, error) {
	s = strings.TrimPrefix(s, "fio-")
	major, rest, ok := strings.Cut(s, ".")
	if i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		rest = rest[:i]
	}
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi(rest)
	if !ok || errA != nil || errB != nil {
		return Version{}, fmt.Errorf("fio version %q: not of the form fio-3.33", s)
	}
	return Version{a, b}, nil
}

// AtLeast tells whether the version is the given one or later.
func (v Version) AtLeast(major, minor int) bool {
	return v.Major > major || v.Major == major && v.Minor >= minor
}

// Options are the options of a job that shape its logs.
type Options struct {
	Offset     bool // log_offset
	BothValues bool // log_window_value=both
	IssueTime  bool // log_issue_time
	WindowMS   int  // log_avg_msec; 0 means a line for every I/O
}

// LayoutOf returns the layout that a version of fio writes with the given
// options.
func LayoutOf(v Version, o Options) Layout {
	return Layout{
		Max:    o.BothValues && v.AtLeast(3, 37),
		Offset: o.Offset,
		Prio:   v.AtLeast(3, 18),
		Issue:  o.IssueTime && v.AtLeast(3, 38),
	}
}

// guessLayout decides from some complete lines.
func guessLayout(text []byte) Layout {
	columns, rows := 0, 0
	var hex, bigLast, bigThird bool
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimSpace(line), ",")
		if len(fields) < 4 || rows >= 256 {
			continue
		}
		if columns == 0 {
			columns = len(fields)
		}
		if len(fields) != columns {
			continue
		}
		rows++
		last := strings.TrimSpace(fields[columns-1])
		hex = hex || strings.HasPrefix(last, "0x")
		bigLast = bigLast || !hex && last != "0" && last != "1"
		third := strings.TrimSpace(fields[2])
		bigThird = bigThird || len(third) != 1 || third > "2"
	}
	l := guessColumns(columns, hex, bigLast, bigThird)
	if columns == 0 {
		l.Guess = "no line to guess from"
	}
	return l
}

// guessColumns picks the likeliest layout of a number of columns: hex says that
// the last one is written 0x…, big that it or the third hold what cannot be a
// priority or a direction.
func guessColumns(columns int, hex, bigLast, bigThird bool) Layout {
	var l Layout
	because := "as recent versions write them"
	switch {
	case columns <= 4:
		because = "as fio wrote them before 3.18"
	case columns == 5 && bigLast:
		l.Offset = true
		because = "the last one is too large for a priority"
	case columns == 5:
		l.Prio = true
	case columns == 6 && bigThird:
		l.Max, l.Prio = true, true
		because = "the third one is too large for a direction"
	case columns == 6:
		l.Offset, l.Prio = true, true
	case columns == 7 && bigThird:
		l.Max, l.Offset, l.Prio = true, true, true
	case columns == 7:
		l.Offset, l.Prio, l.Issue = true, true, true
	default:
		l = Layout{Max: true, Offset: true, Prio: true, Issue: true}
	}
	if hex && l.Prio && !l.Issue {
		because = "the last one is written as a priority is"
	}
	l.Guess = fmt.Sprintf("%d columns taken for (%s): %s", columns, l, because)
	return l
}
