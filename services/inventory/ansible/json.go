package ansible

import "bufio"

// jsonValues is JSON as Ansible reads it: what might be evaluated is wrapped
// so that it isn't.
var jsonValues = dialect{null: "null", yes: "true", no: "false", text: jsonText, key: quote, copy: jsonCopy}

func jsonCopy(w *bufio.Writer, raw string) bool {
	w.WriteString(raw)
	return true
}

func jsonText(w *bufio.Writer, s string) {
	if !templated(s) {
		quote(w, s)
		return
	}
	w.WriteString(`{"__ansible_unsafe": `)
	quote(w, s)
	w.WriteByte('}')
}

// jsonHost is a host and its variables as a member of an object, without line
// ends. Three of the formats have it.
func jsonHost(w *bufio.Writer, name string, vars []variable) {
	quote(w, name)
	w.WriteString(": {")
	for i, v := range vars {
		if i > 0 {
			w.WriteString(", ")
		}
		memberName(w, v.name)
		jsonValues.variable(w, v)
	}
	w.WriteByte('}')
}

// memberName writes the name of a variable, which is an identifier.
func memberName(w *bufio.Writer, name string) {
	w.WriteByte('"')
	w.WriteString(name)
	w.WriteString(`": `)
}

// jsonMember writes a host on a line of its own.
func jsonMember(w *bufio.Writer, first bool, newline string, member []byte) {
	if !first {
		w.WriteByte(',')
	}
	w.WriteString(newline)
	w.Write(member)
}

func jsonNames(w *bufio.Writer, names []string, after string) {
	for i, name := range names {
		if i > 0 {
			w.WriteString(", ")
		}
		quote(w, name)
		w.WriteString(after)
	}
}

// jsonFormat is a static file: the shape of the YAML inventory.
type jsonFormat struct{ hosts int }

func (*jsonFormat) begin(w *bufio.Writer) { w.WriteString(`{"all": {"hosts": {`) }

func (f *jsonFormat) host(w *bufio.Writer, _ string, _ []variable, member []byte) {
	jsonMember(w, f.hosts == 0, "\n", member)
	f.hosts++
}

func (*jsonFormat) groups(w *bufio.Writer, groups []*Group, _ []string) {
	w.WriteString("\n}}")
	for _, g := range groups {
		w.WriteString(",\n")
		quote(w, g.Name)
		w.WriteString(`: {"hosts": {`)
		jsonNames(w, g.Hosts, ": null")
		w.WriteString(`}, "children": {`)
		jsonNames(w, g.Children, ": null")
		w.WriteString("}}")
	}
	w.WriteString("\n}\n")
}

// scriptFormat is what a script prints for --list. _meta saves Ansible a call
// of the script for each host.
type scriptFormat struct {
	hosts   int
	newline string // what starts a line: "\n", and more in a comment
}

func (*scriptFormat) begin(w *bufio.Writer) { w.WriteString(`{"_meta": {"hostvars": {`) }

func (f *scriptFormat) host(w *bufio.Writer, _ string, _ []variable, member []byte) {
	jsonMember(w, f.hosts == 0, f.newline, member)
	f.hosts++
}

func (f *scriptFormat) groups(w *bufio.Writer, groups []*Group, ungrouped []string) {
	w.WriteString(f.newline + "}}")
	for _, g := range groups {
		w.WriteString("," + f.newline)
		quote(w, g.Name)
		w.WriteString(`: {"hosts": [`)
		jsonNames(w, g.Hosts, "")
		w.WriteString(`], "children": [`)
		jsonNames(w, g.Children, "")
		w.WriteString("]}")
	}
	w.WriteString("," + f.newline + `"ungrouped": {"hosts": [`)
	jsonNames(w, ungrouped, "")
	w.WriteString("]}}\n")
}

// execFormat is an inventory script: a few lines of Python, which Ansible
// itself needs, and the inventory behind them as comments.
type execFormat struct{ scriptFormat }

// comment starts the lines of the script that are the inventory.
const comment = "#\t"

const script = `#!/usr/bin/env python3
"""An Ansible inventory: --list prints it, --host NAME one host's variables."""
import json
import sys


def read():
    with open(__file__, encoding="utf-8", newline="\n") as f:
        return json.loads("".join(line[1:] for line in f if line.startswith("#\t")))


def main():
    inventory = read()
    if sys.argv[1:] == ["--list"]:
        json.dump(inventory, sys.stdout)
    elif len(sys.argv) == 3 and sys.argv[1] == "--host":
        json.dump(inventory["_meta"]["hostvars"].get(sys.argv[2], {}), sys.stdout)
    else:
        sys.exit("usage: hosts.py --list | --host NAME")


if __name__ == "__main__":
    main()

`

func (f *execFormat) begin(w *bufio.Writer) {
	w.WriteString(script + comment)
	f.scriptFormat.begin(w)
}
