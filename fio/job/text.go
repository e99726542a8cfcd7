package job

import "strings"

// isSpace is C's isspace in the C locale.
func isSpace(c byte) bool { return c == ' ' || (c >= '\t' && c <= '\r') }

// isBlank is what fio trims at the end of a line: white space and control
// characters.
func isBlank(c byte) bool { return c <= ' ' || c == 0x7f }

// isEmptyOrComment tells whether fio skips the line.
func isEmptyOrComment(line string) bool {
	for i := range len(line) {
		switch c := line[i]; {
		case c == ';' || c == '#':
			return true
		case !isBlank(c):
			return false
		}
	}
	return true
}

// trimFront removes leading white space, as fio's strip_blank_front.
func trimFront(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	return s
}

// trimEnd cuts a comment and what is blank before it, as fio's
// strip_blank_end: the first ; or # ends the line wherever it stands. There are
// no quotes in job files.
func trimEnd(s string) string {
	if i := strings.IndexAny(s, ";#"); i >= 0 {
		s = s[:i]
	}
	for s != "" && isBlank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// splitList splits a list at its colons, as fio's get_next_str: \: is a colon
// within a name, colons at the front of a name are skipped, and an empty name
// ends the list.
func splitList(s string) []string {
	var names []string
	for s != "" {
		name, rest, more := nextName(s)
		if name == "" {
			break
		}
		names = append(names, name)
		if !more {
			break
		}
		s = rest
	}
	return names
}

// nextName takes the first name off a colon-separated list.
func nextName(s string) (name, rest string, more bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == ':' && b.Len() == 0:
			// fio skips colons in front of a name
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == ':':
			b.WriteByte(':')
			i++
		case s[i] == ':':
			return b.String(), s[i+1:], true
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), "", false
}
