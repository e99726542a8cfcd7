package repofile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/fiord-bench/fiord/events"
)

// MaxBytes bounds a fiord.yaml.
const MaxBytes = 256 << 10

// Problems are all that is wrong with a file, in the order of its lines.
type Problems []events.Problem

// Error names every problem on a line of its own.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// Parse reads and checks a fiord.yaml. The name is how the author knows the
// file. The error is of type [Problems].
func Parse(name string, src []byte) (*File, error) {
	d := &decoder{file: name, at: map[string]place{}}
	f := &File{name: name, at: d.at}
	if node := d.document(src); node != nil {
		d.value(node, reflect.ValueOf(f).Elem(), "")
		d.check(f)
	}
	if len(d.problems) == 0 {
		return f, nil
	}
	slices.SortStableFunc(d.problems, func(a, b events.Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return nil, Problems(d.problems)
}

// document reads the one YAML document of a file.
func (d *decoder) document(src []byte) *yaml.Node {
	if len(src) > MaxBytes {
		d.failAt(place{}, "size", "", fmt.Sprintf("has %d bytes, at most %d are read", len(src), MaxBytes))
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			d.failAt(place{1, 1}, "syntax", "", "the file is empty: it needs version and benches")
		} else {
			d.failAt(yamlPlace(err), "syntax", "", yamlMessage(err))
		}
		return nil
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		d.failAt(place{max(more.Line, 1), max(more.Column, 1)}, "syntax", "", "a second document starts here: the file must hold one")
		return nil
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		d.failAt(place{1, 1}, "syntax", "", "the file is empty: it needs version and benches")
		return nil
	}
	return doc.Content[0]
}

var yamlLine = regexp.MustCompile(`line (\d+)(?:, column (\d+))?`)

// yamlPlace finds the line, which the library's syntax errors have in their
// text alone.
func yamlPlace(err error) place {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		return place{1, 1}
	}
	line, _ := strconv.Atoi(m[1])
	column, _ := strconv.Atoi(m[2])
	return place{line, max(column, 1)}
}

func yamlMessage(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if i := strings.LastIndex(text, ": "); i >= 0 && yamlLine.MatchString(text[:i]) {
		text = text[i+2:]
	}
	if strings.Contains(text, "found character that cannot start any token") {
		text += ": YAML is indented with spaces, never with tabs, and text that begins with @ or ` wants quotes"
	}
	return "this is no YAML: " + abbreviateLong(text)
}

func abbreviateLong(s string) string {
	const most = 200
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
