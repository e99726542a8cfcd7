package repofile

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/fiord-bench/fiord/events"
)

// place is where something stands in the file, both from 1.
type place struct{ line, column int }

// decoder lays a YAML document over Go structs. Unlike a library's strict mode
// it goes on after a problem, knows the column, and remembers where every value
// stood, so that later checks can point at it.
type decoder struct {
	file     string
	problems []events.Problem
	at       map[string]place
	// bad are the paths of values that could not be read: what later checks
	// would say of them is not news.
	bad []string
	// options of fio by name and alias, filled when the first one is looked up.
	options map[string]bool
}

// maxProblems are told; a file with more is not being read to its end.
const maxProblems = 100

// fail adds a problem of the value at a path. A format that starts with a verb
// has the path for its subject.
func (d *decoder) fail(n *yaml.Node, rule, path, format string, args ...any) {
	d.failAt(place{n.Line, n.Column}, rule, path, sentence(path, fmt.Sprintf(format, args...)))
	if len(d.bad) < maxProblems {
		d.bad = append(d.bad, path)
	}
}

func sentence(path, message string) string {
	for _, verb := range []string{"is ", "has ", "takes "} {
		if strings.HasPrefix(message, verb) {
			if path == "" {
				path = "the file"
			}
			return path + " " + message
		}
	}
	return message
}

func (d *decoder) failAt(p place, rule, option, message string) {
	if len(d.problems) >= maxProblems {
		return
	}
	d.problems = append(d.problems, events.Problem{
		File: d.file, Line: p.line, Column: p.column, Rule: rule, Option: option, Message: message,
	})
}

// value decodes a node into v, which stands at the path.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	d.at[path] = place{n.Line, n.Column}
	switch {
	case n.Kind == yaml.AliasNode:
		d.fail(n, "syntax", path, "aliases are not taken: write the value out")
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		d.fail(n, "syntax", path, "has no value: give one, or leave the key out")
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path)
	case n.Kind == yaml.ScalarNode && d.text(n, v, path):
	case v.Kind() == reflect.Struct:
		d.object(n, v, path)
	case v.Kind() == reflect.Slice:
		d.list(n, v, path)
	case v.Kind() == reflect.Map:
		d.dictionary(n, v, path)
	default:
		d.scalar(n, v, path)
	}
}

// shorthand is a mapping that may be written as text alone. It is no
// TextUnmarshaler because package json would then take nothing else.
type shorthand interface{ short(text string) }

// text decodes types that read themselves from text, and tells whether v is one.
func (d *decoder) text(n *yaml.Node, v reflect.Value, path string) bool {
	if s, ok := v.Addr().Interface().(shorthand); ok {
		s.short(n.Value)
		return true
	}
	u, ok := v.Addr().Interface().(encoding.TextUnmarshaler)
	if !ok {
		return false
	}
	if err := u.UnmarshalText([]byte(n.Value)); err != nil {
		d.fail(n, "value", path, "%v", err)
	}
	return true
}

// pairs visits the keys of a mapping, each of them once.
func (d *decoder) pairs(n *yaml.Node, path string, visit func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, "type", path, "is %s, must be a mapping of keys to values", kind(n))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Value == "<<" {
			d.fail(key, "syntax", path, "keys must be plain words; merges are not taken: write the keys out")
			continue
		}
		if first, twice := seen[key.Value]; twice {
			d.fail(key, "syntax", join(path, key.Value), "%q stands here a second time, first in line %d", key.Value, first)
			continue
		}
		seen[key.Value] = key.Line
		visit(key, n.Content[i+1])
	}
}

func (d *decoder) object(n *yaml.Node, v reflect.Value, path string) {
	fields := map[string]int{}
	var names []string
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = i
		names = append(names, name)
	}
	d.pairs(n, path, func(key, value *yaml.Node) {
		i, known := fields[key.Value]
		if !known {
			d.fail(key, "unknown", join(path, key.Value), "there is no %q here%s", key.Value, didYouMean(key.Value, names))
			return
		}
		d.value(value, v.Field(i), join(path, key.Value))
	})
}

func (d *decoder) dictionary(n *yaml.Node, v reflect.Value, path string) {
	v.Set(reflect.MakeMap(v.Type()))
	d.pairs(n, path, func(key, value *yaml.Node) {
		elem := reflect.New(v.Type().Elem()).Elem()
		d.value(value, elem, join(path, key.Value))
		v.SetMapIndex(reflect.ValueOf(key.Value).Convert(v.Type().Key()), elem)
	})
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, "type", path, "is %s, must be a list: write [%s]", kind(n), abbreviate(n.Value))
		return
	}
	if len(n.Content) == 0 {
		remedy := "leave the key out"
		switch {
		case path == "benches":
			remedy = "name at least one bench, with its jobs"
		case strings.HasSuffix(path, ".jobs"):
			remedy = "name at least one fio job file"
		}
		d.fail(n, "value", path, "is an empty list: %s", remedy)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode {
		d.fail(n, "type", path, "is %s, must be a single value", kind(n))
		return
	}
	var err error
	switch v.Kind() {
	case reflect.String:
		d.str(n, v, path)
		return
	case reflect.Int:
		var i int64
		i, err = strconv.ParseInt(n.Value, 10, 32)
		v.SetInt(i)
	case reflect.Uint64:
		var u uint64
		u, err = strconv.ParseUint(n.Value, 10, 64)
		v.SetUint(u)
	case reflect.Float64:
		var f float64
		f, err = strconv.ParseFloat(n.Value, 64)
		v.SetFloat(f)
	case reflect.Bool:
		var b bool
		b, err = strconv.ParseBool(n.Value)
		if n.Tag != "!!bool" {
			err = strconv.ErrSyntax
		}
		v.SetBool(b)
	default:
		panic("decode fiord.yaml: no rule for " + v.Type().String())
	}
	if err != nil {
		d.fail(n, "type", path, "is %q, must be %s", abbreviate(n.Value), map[reflect.Kind]string{
			reflect.Int: "a whole number", reflect.Uint64: "a whole number, not negative",
			reflect.Float64: "a number", reflect.Bool: "true or false",
		}[v.Kind()])
	}
}

// str takes text. A matrix's values are what fio gets, so numbers and booleans
// are taken there as they are written; elsewhere a number in the place of text
// is asked to be quoted, except for a count, which is one or "all".
func (d *decoder) str(n *yaml.Node, v reflect.Value, path string) {
	loose := v.Type() == reflect.TypeFor[events.Scalar]() || strings.HasSuffix(path, ".count")
	if n.Tag != "!!str" && !loose {
		text := abbreviate(n.Value)
		if strings.HasSuffix(path, ".threshold") {
			text += "%"
		}
		d.fail(n, "type", path, "is %s, must be text: write %q in quotes", kind(n), text)
		return
	}
	v.SetString(n.Value)
}

func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		switch n.Tag {
		case "!!int", "!!float":
			return "a number"
		case "!!bool":
			return "true or false"
		}
	}
	return "text"
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func abbreviate(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// didYouMean finds the name that was probably meant, or lists them all.
func didYouMean(name string, names []string) string {
	names = slices.Sorted(slices.Values(names)) // so that the answer is always the same
	for _, n := range names {
		if strings.EqualFold(n, name) || strings.TrimSuffix(n, "s") == strings.TrimSuffix(name, "s") || oneEditApart(n, name) {
			return fmt.Sprintf(": did you mean %q?", n)
		}
	}
	return ": possible are " + strings.Join(names, ", ")
}

// oneEditApart tells whether one letter was added, left out, changed or swapped
// with its neighbour.
func oneEditApart(a, b string) bool {
	if len(a) < len(b) {
		a, b = b, a
	}
	if len(a)-len(b) > 1 {
		return false
	}
	i := 0
	for i < len(b) && a[i] == b[i] {
		i++
	}
	if len(a) > len(b) {
		return a[i+1:] == b[i:]
	}
	if i == len(a) || a[i+1:] == b[i+1:] {
		return true
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}
