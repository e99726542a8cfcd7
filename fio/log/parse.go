package log

import (
	"bytes"
	"fmt"
	"strings"
)

// parse reads one line, which ends in \n, and returns its length with the end.
func (s *Sample) parse(b []byte, l Layout) (int, bool) {
	var (
		i  int
		ok bool
	)
	if s.Time, i, ok = number(b, i); !ok || b[i] != ',' {
		return 0, false
	}
	if s.Value, i, ok = number(b, i+1); !ok || b[i] != ',' {
		return 0, false
	}
	s.Max = s.Value
	if l.Max {
		if s.Max, i, ok = number(b, i+1); !ok || b[i] != ',' {
			return 0, false
		}
	}
	var dir uint64
	if dir, i, ok = number(b, i+1); !ok || b[i] != ',' || dir >= uint64(directions) {
		return 0, false
	}
	s.Dir = Direction(dir)
	if s.BS, i, ok = number(b, i+1); !ok {
		return 0, false
	}
	s.Offset, s.Issue, s.Prio = 0, 0, 0
	if l.Offset {
		if b[i] != ',' {
			return 0, false
		}
		if s.Offset, i, ok = number(b, i+1); !ok {
			return 0, false
		}
	}
	if l.Prio {
		if i, ok = s.parsePrio(b, i); !ok {
			return 0, false
		}
	}
	if l.Issue {
		if b[i] != ',' {
			return 0, false
		}
		if s.Issue, i, ok = number(b, i+1); !ok {
			return 0, false
		}
	}
	return lineEnd(b, i)
}

// parseShort reads a line of the layout without maximum, offset and issue time,
// written exactly as fio writes it. It returns 0 for any other line, which
// parse then judges. It is parse with its calls unfolded, and twice as fast.
func (s *Sample) parseShort(b []byte) int {
	var t, v, bs uint64
	i := 0
	for i < len(b) && b[i]-'0' <= 9 {
		t = t*10 + uint64(b[i]-'0')
		i++
	}
	if i == 0 || i > 19 || i+1 >= len(b) || b[i] != ',' || b[i+1] != ' ' {
		return 0
	}
	i += 2
	start := i
	for i < len(b) && b[i]-'0' <= 9 {
		v = v*10 + uint64(b[i]-'0')
		i++
	}
	// ", D, B" with the direction D and the first digit B of the block size
	if i == start || i-start > 19 || i+6 >= len(b) || b[i] != ',' || b[i+1] != ' ' || b[i+3] != ',' || b[i+4] != ' ' {
		return 0
	}
	dir := b[i+2] - '0'
	i += 5
	start = i
	for i < len(b) && b[i]-'0' <= 9 {
		bs = bs*10 + uint64(b[i]-'0')
		i++
	}
	if i == start || i-start > 19 || dir >= byte(directions) {
		return 0
	}
	*s = Sample{Time: t, Value: v, Max: v, BS: bs, Dir: Direction(dir)}
	// ", P" and the line's end, with a priority of 0 or 1
	if i+3 < len(b) && b[i] == ',' && b[i+1] == ' ' && b[i+2]-'0' <= 1 && b[i+3] == '\n' {
		s.Prio = uint32(b[i+2] - '0')
		return i + 4
	}
	return 0
}

// parsePrio reads the priority: 0 or 1, or 0x0000 with log_prio.
func (s *Sample) parsePrio(b []byte, i int) (int, bool) {
	if b[i] != ',' {
		return 0, false
	}
	i++
	for b[i] == ' ' {
		i++
	}
	if b[i] != '0' || b[i+1] != 'x' {
		v, next, ok := number(b, i)
		s.Prio = uint32(v)
		return next, ok && v <= 1<<32-1
	}
	i += 2
	start := i
	var v uint32
	for {
		d := hexDigit(b[i])
		if d > 15 {
			break
		}
		v = v<<4 | uint32(d)
		i++
	}
	s.Prio = v
	return i, i > start && i-start <= 8
}

func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 0xff
}

// number reads a decimal number behind spaces. It stops at the first byte that
// is no digit; the \n at the end of b stops it at the latest.
func number(b []byte, i int) (v uint64, next int, ok bool) {
	for b[i] == ' ' {
		i++
	}
	start := i
	for {
		d := b[i] - '0'
		if d > 9 {
			break
		}
		v = v*10 + uint64(d)
		i++
	}
	// 19 digits always fit; fio prints no more for times, rates and offsets.
	return v, i, i > start && i-start <= 19
}

// lineEnd checks that nothing but blanks follows.
func lineEnd(b []byte, i int) (int, bool) {
	for b[i] == ' ' || b[i] == '\r' {
		i++
	}
	return i + 1, b[i] == '\n'
}

// why explains a line that parse refused.
func why(line []byte, l Layout) string {
	switch fields := bytes.Count(line, []byte(",")) + 1; {
	case len(line) > MaxLine:
		return "line is too long"
	case fields != l.Columns():
		return fmt.Sprintf("%d columns instead of %d (%s)", fields, l.Columns(), l)
	}
	return "not numbers in the columns " + l.String()
}

// clip cuts a line for display and makes it valid UTF-8.
func clip(line []byte) string {
	if len(line) > 120 {
		line = line[:120]
	}
	return strings.TrimSpace(string(bytes.ToValidUTF8(line, []byte("?"))))
}
