package config

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

func (s *Set) readFile(src Source) (*layer, error) {
	if src.File == "" {
		return newLayer(), nil
	}
	text, err := os.ReadFile(src.File)
	if err != nil {
		return newLayer(), fmt.Errorf("read configuration: %w", err)
	}
	return s.parseFile(src.File, text)
}

// parseFile reads the YAML text of the file called name.
func (s *Set) parseFile(name string, text []byte) (*layer, error) {
	r := &fileReader{set: s, name: name, layer: newLayer()}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return r.layer, fmt.Errorf("%s: %w", name, err)
	}
	if len(document.Content) > 0 {
		r.group(document.Content[0], "")
	}
	return r.layer, errors.Join(r.problems...)
}

// A fileReader walks the nodes of a document along the settings, so that every
// mistake can be told with its line.
type fileReader struct {
	set      *Set
	name     string
	layer    *layer
	problems []error
}

func (r *fileReader) problem(n *yaml.Node, format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf("%s: %s", r.origin(n), fmt.Sprintf(format, args...)))
}

func (r *fileReader) origin(n *yaml.Node) string { return fmt.Sprintf("%s:%d", r.name, n.Line) }

// group reads a mapping whose keys lie at path.
func (r *fileReader) group(n *yaml.Node, path string) {
	for key, value := range r.pairs(n, path) {
		full := joinKey(path, key.Value)
		f, isField := r.set.byKey[full]
		switch secret, isFile := r.set.secretOfFile(full); {
		case isField:
			r.field(f, value)
		case isFile:
			if err := r.layer.setSecretFile(secret, r.resolve(value.Value), r.origin(value)); err != nil {
				r.problems = append(r.problems, err)
			}
		case r.set.hasGroup(full):
			r.group(value, full)
		case path == "" && slices.Contains(r.set.siblings, key.Value):
			// for another program
		default:
			r.problem(key, "%s is not a setting%s", full, didYouMean(key.Value, r.set.children(path)))
		}
	}
}

func (r *fileReader) field(f *Field, n *yaml.Node) {
	if n.Tag == "!!null" {
		return // an empty value leaves the default, as leaving the key out does
	}
	if f.secret() {
		r.problem(n, "%s is a secret: name a file with %s_file, or set %s", f.Key, f.Key, f.Env)
		return
	}
	if value, ok := r.value(n, f.value.Type(), f.Key); ok {
		r.layer.set(f.Key, value, r.origin(n))
	}
}

// value turns a node into text, lists and maps for a setting of type t.
func (r *fileReader) value(n *yaml.Node, t reflect.Type, path string) (any, bool) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case isGroup(t):
		return r.structure(n, t, path), true
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		list := make([]any, 0, len(n.Content))
		for i, item := range n.Content {
			if v, ok := r.value(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i)); ok {
				list = append(list, v)
			}
		}
		return list, true
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Map:
		m := map[string]any{}
		for key, item := range r.pairs(n, path) {
			if v, ok := r.value(item, t.Elem(), joinKey(path, key.Value)); ok {
				m[key.Value] = v
			}
		}
		return m, true
	case n.Kind == yaml.ScalarNode && kindName(t) != "structure":
		return n.Value, true
	}
	r.problem(n, "%s: want a %s", path, kindName(t))
	return nil, false
}

// structure reads a mapping inside a list or map of structs. Its secrets take
// key_file, and key_env in the place of the variable they don't have.
func (r *fileReader) structure(n *yaml.Node, t reflect.Type, path string) map[string]any {
	types := map[string]reflect.Type{}
	for _, sf := range reflect.VisibleFields(t) {
		types[sf.Tag.Get("config")] = sf.Type
	}
	m := map[string]any{}
	for key, item := range r.pairs(n, path) {
		full := joinKey(path, key.Value)
		base, how := cutSecret(key.Value)
		switch ft, known := types[key.Value]; {
		case known && ft == secretType:
			r.problem(item, "%s is a secret: name a file with %s_file or a variable with %s_env", full, key.Value, key.Value)
		case known:
			if v, ok := r.value(item, ft, full); ok {
				m[key.Value] = v
			}
		case how != "" && types[base] == secretType:
			m[base] = r.secret(item, how, full)
		default:
			r.problem(key, "%s is not a setting%s", full, didYouMean(key.Value, keys(types)))
		}
	}
	return m
}

func (r *fileReader) secret(n *yaml.Node, how, path string) string {
	if how == "env" {
		value, ok := os.LookupEnv(n.Value)
		if !ok {
			r.problem(n, "%s: the variable %s is not set", path, n.Value)
		}
		return value
	}
	text, err := readSecret(r.resolve(n.Value))
	if err != nil {
		r.problem(n, "%s: read secret: %v", path, err)
	}
	return text
}

// resolve makes a file named in the configuration relative to it.
func (r *fileReader) resolve(file string) string {
	if file == "" || filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(filepath.Dir(r.name), file)
}

// pairs yields the keys and values of a mapping and reports anything else:
// other nodes, anchors, and keys that stand twice.
func (r *fileReader) pairs(n *yaml.Node, path string) func(func(k, v *yaml.Node) bool) {
	return func(yield func(k, v *yaml.Node) bool) {
		if n.Kind != yaml.MappingNode {
			if n.Tag != "!!null" {
				r.problem(n, "%s: want keys and values", cmp.Or(path, "top level"))
			}
			return
		}
		seen := map[string]bool{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			switch {
			case value.Kind == yaml.AliasNode:
				r.problem(value, "%s: anchors and aliases are not read here: write the value out", joinKey(path, key.Value))
			case seen[key.Value]:
				r.problem(key, "%s stands here a second time", joinKey(path, key.Value))
			case !yield(key, value):
				return
			}
			seen[key.Value] = true
		}
	}
}

// secretOfFile returns the secret that key names a file for.
func (s *Set) secretOfFile(key string) (string, bool) {
	base, ok := strings.CutSuffix(key, "_file")
	f := s.byKey[base]
	return base, ok && f != nil && f.secret()
}

func (s *Set) hasGroup(key string) bool {
	return slices.ContainsFunc(s.fields, func(f Field) bool { return strings.HasPrefix(f.Key, key+".") })
}

// children lists the keys that may stand in the mapping at path.
func (s *Set) children(path string) []string {
	found := map[string]bool{}
	for _, f := range s.fields {
		rest, ok := strings.CutPrefix(f.Key, joinKey(path, ""))
		if path == "" {
			rest, ok = f.Key, true
		}
		if !ok {
			continue
		}
		name, _, deeper := strings.Cut(rest, ".")
		if f.secret() && !deeper {
			name += "_file"
		}
		found[name] = true
	}
	return keys(found)
}

func cutSecret(key string) (base, how string) {
	for _, how := range []string{"file", "env"} {
		if base, ok := strings.CutSuffix(key, "_"+how); ok {
			return base, how
		}
	}
	return key, ""
}
