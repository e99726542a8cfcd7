package differential

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
)

// option is what fio says of one of its options.
type option struct {
	name   string
	engine string // that brings it along; "" for every engine
	kind   string // fio's description of the value's form
	values []string
}

// table is fio's option table, read from its help. Details are asked for when
// an option is first drawn, because each costs a start of fio.
type table struct {
	fio   string
	names []option            // that every engine has
	of    map[string][]option // by the engine that brings them along

	mu      sync.Mutex
	details map[string]option
}

// readTable asks the installed fio for the names of its options and engines.
func readTable(fio string) (*table, error) {
	t := &table{fio: fio, of: map[string][]option{}, details: map[string]option{}}
	for _, name := range names(t.ask("--cmdhelp=all")) {
		t.names = append(t.names, option{name: name})
	}
	words := strings.Fields(t.ask("--enghelp"))
	if len(t.names) < 150 || len(words) < 4 {
		return nil, fmt.Errorf("fio lists %d options and %d engines: its help has another form", len(t.names), len(words))
	}
	for _, engine := range words[3:] { // behind "Available IO engines:"
		if !slices.Contains(pools["ioengine"], engine) {
			continue // the guard refuses it, or it is for a device
		}
		for _, name := range names(t.ask("--enghelp=" + engine)) {
			t.of[engine] = append(t.of[engine], option{name: name, engine: engine})
		}
	}
	return t, nil
}

// ask returns what fio prints; its exit status means nothing here.
func (t *table) ask(arg string) string {
	out, _ := exec.Command(t.fio, arg).CombinedOutput() //nolint:gosec // the installed fio
	return string(out)
}

// names reads "name   : help" lines, indented or not.
func names(list string) []string {
	var out []string
	for line := range strings.Lines(list) {
		name, _, found := strings.Cut(strings.TrimSpace(line), " ")
		if found && strings.Contains(line, ":") && !strings.ContainsAny(name, ":.") {
			out = append(out, name)
		}
	}
	return out
}

// detail returns the form of an option's value.
func (t *table) detail(o option) option {
	key := o.engine + "," + o.name
	t.mu.Lock()
	defer t.mu.Unlock()
	if known, ok := t.details[key]; ok {
		return known
	}
	arg := "--cmdhelp=" + o.name
	if o.engine != "" {
		arg = "--enghelp=" + key
	}
	inValues := false
	for line := range strings.Lines(t.ask(arg)) {
		label, rest, _ := strings.Cut(line, ":")
		label = strings.TrimSpace(label)
		switch {
		case label == "type":
			o.kind = strings.TrimSpace(rest)
		case label == "valid values":
			inValues = true
		case label != "":
			inValues = false
		}
		if word, _, found := strings.Cut(strings.TrimSpace(rest), " "); inValues && found && word != "" {
			o.values = append(o.values, word)
		}
	}
	t.details[key] = o
	return o
}
