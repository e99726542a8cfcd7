package ansible

import (
	"bufio"
	"fmt"
	"strings"
	"unicode/utf8"
)

// iniFormat is Ansible's INI. A value goes through two readers: the line is
// split as a POSIX shell would, then the value is read as a Python literal, or
// else taken as text. So that types survive, every value is written as a
// Python literal within single quotes, where a shell changes nothing.
//
// INI has no mark for what must not be evaluated. Such text is written as a
// template of its own that only has a string in it: {{ 'the text' }} evaluates
// to the text.
type iniFormat struct{}

// Python's words.
const (
	pythonNone  = "None"
	pythonTrue  = "True"
	pythonFalse = "False"
)

var iniValues = dialect{null: pythonNone, yes: pythonTrue, no: pythonFalse, text: iniText, key: iniQuote, copy: iniCopy}

// iniCopy writes canonical JSON as the Python literal that it nearly is.
func iniCopy(w *bufio.Writer, raw string) bool {
	start, quoted := 0, false
	replace := func(at, n int, with string) {
		w.WriteString(raw[start:at])
		w.WriteString(with)
		start = at + n
	}
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c >= 0x7f:
			w.WriteString(raw[start:i]) // some of these must be escaped
			r, n := utf8.DecodeRuneInString(raw[i:])
			if c == 0x7f || awkward(r, n) {
				unicodeEscape(w, r)
			} else {
				w.WriteString(raw[i : i+n])
			}
			i += n - 1
			start = i + 1
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case quoted && c == '\'':
			replace(i, 1, `\u0027`)
		case quoted:
		case c == 't':
			replace(i, 4, pythonTrue)
			i += 3
		case c == 'f':
			replace(i, 5, pythonFalse)
			i += 4
		case c == 'n':
			replace(i, 4, pythonNone)
			i += 3
		}
	}
	w.WriteString(raw[start:])
	return true
}

// iniQuote writes a Python string in double quotes, without single quotes.
func iniQuote(w *bufio.Writer, s string) {
	w.WriteByte('"')
	escape(w, s, "'")
	w.WriteByte('"')
}

func iniText(w *bufio.Writer, s string) {
	if !templated(s) {
		iniQuote(w, s)
		return
	}
	// Jinja joins the pieces; a single quote goes into double quotes. No
	// backslash is added, as Ansible escapes those within templates itself.
	literal := "{{ '" + strings.ReplaceAll(s, "'", `' ~ "'" ~ '`) + "' }}"
	iniQuote(w, literal)
}

func (*iniFormat) begin(*bufio.Writer) {}

func (*iniFormat) host(w *bufio.Writer, name string, vars []variable, _ []byte) {
	w.WriteString(name)
	for _, v := range vars {
		w.WriteByte(' ')
		w.WriteString(v.name)
		w.WriteString("='")
		iniValues.variable(w, v)
		w.WriteByte('\'')
	}
	w.WriteByte('\n')
}

func (*iniFormat) groups(w *bufio.Writer, groups []*Group, _ []string) {
	for _, g := range groups {
		iniSection(w, g.Name, g.Hosts)
		if len(g.Children) > 0 {
			iniSection(w, g.Name+":children", g.Children)
		}
	}
}

func iniSection(w *bufio.Writer, name string, members []string) {
	fmt.Fprintf(w, "\n[%s]\n", name)
	for _, m := range members {
		w.WriteString(m)
		w.WriteByte('\n')
	}
}
