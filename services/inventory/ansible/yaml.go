package ansible

import "bufio"

// yamlFormat is Ansible's YAML. Every string is quoted, as YAML 1.1 sees
// booleans, octal numbers, times and more in plain ones; what might be
// evaluated is tagged !unsafe.
type yamlFormat struct{}

var yamlValues = dialect{null: "null", yes: "true", no: "false", text: yamlText, key: quote, copy: yamlCopy}

// yamlCopy writes JSON as the YAML that it also is, unless it has a number with
// an exponent, which YAML 1.1 takes for text, or characters that YAML wants
// escaped and JSON doesn't.
func yamlCopy(w *bufio.Writer, raw string) bool {
	quoted := false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c >= 0x7f:
			return false
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case !quoted && (c == 'E' || c == 'e' && raw[i-1] >= '0' && raw[i-1] <= '9'):
			return false
		}
	}
	w.WriteString(raw)
	return true
}

func yamlText(w *bufio.Writer, s string) {
	if templated(s) {
		w.WriteString(" !unsafe ")
	}
	quote(w, s)
}

// quote writes text in double quotes, as YAML and JSON read it alike.
func quote(w *bufio.Writer, s string) {
	w.WriteByte('"')
	escape(w, s, "")
	w.WriteByte('"')
}

func (*yamlFormat) begin(w *bufio.Writer) { w.WriteString("all:\n  hosts:\n") }

func (*yamlFormat) host(w *bufio.Writer, name string, vars []variable, _ []byte) {
	w.WriteString("    ")
	quote(w, name)
	w.WriteString(":\n")
	for _, v := range vars {
		w.WriteString("      ")
		memberName(w, v.name)
		yamlValues.variable(w, v)
		w.WriteByte('\n')
	}
}

func (*yamlFormat) groups(w *bufio.Writer, groups []*Group, _ []string) {
	// Beside all rather than below it: there they would all be its children,
	// also those that other groups contain.
	for _, g := range groups {
		quote(w, g.Name)
		w.WriteString(":\n")
		yamlMembers(w, "hosts", g.Hosts)
		yamlMembers(w, "children", g.Children)
	}
}

func yamlMembers(w *bufio.Writer, kind string, names []string) {
	if len(names) == 0 {
		return
	}
	w.WriteString("  " + kind + ":\n")
	for _, name := range names {
		w.WriteString("    ")
		quote(w, name)
		w.WriteString(":\n")
	}
}
