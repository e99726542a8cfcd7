package jinja

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// ErrUndefined: an expression uses a variable, attribute or item that isn't
// there. The error's text names it.
var ErrUndefined = errors.New("undefined")

// A Scope looks variables up. Values are nil, bool, int64, float64, string,
// []any of such, *Dict, or a gjson.Result for any part of a JSON document.
type Scope interface {
	Lookup(name string) (value any, defined bool)
}

// undefined stands for what isn't there.
type undefined struct {
	what string
	// empty is the value of an inline if without else: as a result it is no
	// text rather than an error.
	empty bool
}

func (u undefined) err() error { return fmt.Errorf("%w: %s", ErrUndefined, u.what) }

// native turns scalars of JSON into Go's; containers stay as they are.
func native(v any) any {
	r, ok := v.(gjson.Result)
	if !ok {
		return v
	}
	switch r.Type {
	case gjson.Null:
		return nil
	case gjson.True, gjson.False:
		return r.Bool()
	case gjson.String:
		return r.Str
	case gjson.Number:
		if n, err := strconv.ParseInt(r.Raw, 10, 64); err == nil {
			return n
		}
		return r.Num
	}
	return r
}

// get is value.name and value[name].
func get(v, key any) any {
	switch v := v.(type) {
	case undefined:
		return undefined{what: v.what} // the first name missing is the one to report
	case *Dict:
		if item, ok := v.Get(key); ok {
			return item
		}
	case gjson.Result:
		return getJSON(v, key)
	case []any:
		if i, ok := index(key, len(v)); ok {
			return native(v[i])
		}
	case string:
		runes := []rune(v)
		if i, ok := index(key, len(runes)); ok {
			return string(runes[i])
		}
	}
	return undefined{what: fmt.Sprint(key)}
}

func getJSON(r gjson.Result, key any) any {
	found := any(undefined{what: fmt.Sprint(key)})
	if r.IsObject() {
		name, ok := key.(string)
		if !ok {
			return found
		}
		r.ForEach(func(k, v gjson.Result) bool {
			if k.Str == name {
				found = native(v)
				return false
			}
			return true
		})
		return found
	}
	if items := r.Array(); r.IsArray() {
		if i, ok := index(key, len(items)); ok {
			return native(items[i])
		}
	}
	return found
}

// index resolves a list index; negative ones count from the end.
func index(key any, n int) (int, bool) {
	i, ok := key.(int64)
	if !ok {
		return 0, false
	}
	if i < 0 {
		i += int64(n)
	}
	return int(i), i >= 0 && i < int64(n)
}

// list is the items of a list, or false for anything else.
func list(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case gjson.Result:
		if !v.IsArray() {
			return nil, false
		}
		items := v.Array()
		out := make([]any, len(items))
		for i, item := range items {
			out[i] = native(item)
		}
		return out, true
	}
	return nil, false
}

// iterate is what Python iterates over: the items of a list, the keys of a
// dict, the characters of text.
func iterate(v any) ([]any, error) {
	if items, ok := list(v); ok {
		return items, nil
	}
	if pairs, ok := entries(v); ok {
		keys := make([]any, len(pairs))
		for i, p := range pairs {
			keys[i] = p.key
		}
		return keys, nil
	}
	if s, ok := v.(string); ok {
		characters := make([]any, 0, len(s))
		for _, r := range s {
			characters = append(characters, string(r))
		}
		return characters, nil
	}
	if u, ok := v.(undefined); ok {
		return nil, u.err()
	}
	return nil, fmt.Errorf("%s is not a list", describe(v))
}

// truth is Python's.
func truth(v any) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	}
	return length(v) != 0
}

// length is that of a string (in characters), list or dict; -1 for others.
func length(v any) int {
	switch v := v.(type) {
	case string:
		return utf8.RuneCountInString(v)
	case []any:
		return len(v)
	case *Dict:
		return len(v.entries)
	case gjson.Result:
		n := 0
		v.ForEach(func(_, _ gjson.Result) bool { n++; return true })
		return n
	}
	return -1
}

// number is the value as a number; booleans are 0 and 1 as in Python.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// equal compares as Python does: numbers by value, strings with strings, lists
// and dicts by what is in them.
func equal(a, b any) bool {
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	if x, ok := list(a); ok {
		y, ok := list(b)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equal(x[i], y[i]) {
				return false
			}
		}
		return true
	}
	if x, ok := dictOf(a); ok {
		y, ok := dictOf(b)
		return ok && x.equal(y)
	}
	if _, ok := list(b); ok {
		return false
	}
	if _, ok := dictOf(b); ok {
		return false
	}
	return a == b
}

// contains is "item in v".
func contains(v, item any) (bool, error) {
	if s, ok := v.(string); ok {
		part, ok := item.(string)
		if !ok {
			return false, fmt.Errorf("in looks for text in text, not for %s", describe(item))
		}
		return containsText(s, part), nil
	}
	if items, ok := list(v); ok {
		return has(items, item), nil
	}
	if r, ok := v.(gjson.Result); ok && r.IsObject() {
		_, missing := getJSON(r, item).(undefined)
		return !missing, nil
	}
	if d, ok := v.(*Dict); ok {
		_, found := d.Get(item)
		return found, nil
	}
	return false, fmt.Errorf("in needs text, a list or a dict, not %s", describe(v))
}

func has(items []any, item any) bool {
	for _, candidate := range items {
		if equal(candidate, item) {
			return true
		}
	}
	return false
}

// describe names the kind of a value for messages.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case undefined:
		return "what is undefined (" + v.what + ")"
	case bool:
		return "a boolean"
	case int64, float64:
		return "a number"
	case string:
		return "text"
	case *Dict:
		return "a dict"
	case gjson.Result:
		if v.IsObject() {
			return "a dict"
		}
	}
	return "a list"
}

// Text writes a value as Python's str would: True, None, 1.0, ['a', 1].
func Text(v any) (string, error) { return text(native(v)) }

// Items returns the items of a list, or false for any other value.
func Items(v any) ([]any, bool) { return list(v) }
