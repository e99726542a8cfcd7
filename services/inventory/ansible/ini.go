package ansible

import (
	"bufio"
	"fmt"
	"strings"
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

var iniValues = dialect{null: "None", yes: "True", no: "False", text: iniText, key: iniQuote}

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

func (*iniFormat) host(w *bufio.Writer, name string, vars []Var) {
	w.WriteString(name)
	for _, v := range vars {
		fmt.Fprintf(w, " %s='", v.Name)
		iniValues.value(w, v.Value)
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
