package jinja

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tidwall/gjson"
)

// entry is one key of a dict and its value.
type entry struct{ key, value any }

// A Dict is a dict that an expression made. Its keys are scalars and keep the
// order in which they came, as Python's do.
type Dict struct {
	entries []entry
	at      map[any]int
}

// NewDict is an empty dict.
func NewDict() *Dict { return &Dict{at: map[any]int{}} }

// Get finds the value of a key.
func (d *Dict) Get(key any) (any, bool) {
	if !isScalar(key) {
		return nil, false
	}
	i, ok := d.at[hashable(key)]
	if !ok {
		return nil, false
	}
	return native(d.entries[i].value), true
}

// Set puts a value under a key, in place of the one it had. Keys are scalars.
func (d *Dict) Set(key, value any) {
	if i, ok := d.at[hashable(key)]; ok {
		d.entries[i].value = value
		return
	}
	d.at[hashable(key)] = len(d.entries)
	d.entries = append(d.entries, entry{key, value})
}

// ForEach calls a function for each key in order, until it returns false.
func (d *Dict) ForEach(each func(key, value any) bool) {
	for _, e := range d.entries {
		if !each(e.key, e.value) {
			return
		}
	}
}

func (d *Dict) equal(other *Dict) bool {
	if len(d.entries) != len(other.entries) {
		return false
	}
	for _, e := range d.entries {
		v, ok := other.Get(e.key)
		if !ok || !equal(native(e.value), v) {
			return false
		}
	}
	return true
}

// hashable makes equal numbers one key, as 1, 1.0 and True are in Python.
func hashable(key any) any {
	if n, ok := number(key); ok {
		return n
	}
	return key
}

func isScalar(v any) bool {
	switch v.(type) {
	case nil, bool, int64, float64, string:
		return true
	}
	return false
}

// entries lists the keys and values of a dict, or false for anything else.
func entries(v any) ([]entry, bool) {
	switch v := v.(type) {
	case *Dict:
		return v.entries, true
	case gjson.Result:
		if !v.IsObject() {
			return nil, false
		}
		var out []entry
		v.ForEach(func(k, item gjson.Result) bool {
			out = append(out, entry{k.Str, native(item)})
			return true
		})
		return out, true
	}
	return nil, false
}

// dictOf is a dict that may be changed or compared.
func dictOf(v any) (*Dict, bool) {
	pairs, ok := entries(v)
	if !ok {
		return nil, false
	}
	d := NewDict()
	for _, p := range pairs {
		d.Set(p.key, p.value)
	}
	return d, true
}

// dictCall is dict(mapping, name=value) and dict([[key, value], ...]).
func dictCall(a arguments) (any, error) {
	d := NewDict()
	if len(a.list) > 1 {
		return nil, fmt.Errorf("dict takes one mapping or list of pairs, not %d", len(a.list))
	}
	if len(a.list) == 1 {
		if pairs, ok := entries(a.list[0]); ok {
			for _, p := range pairs {
				d.Set(p.key, p.value)
			}
		} else {
			rows, err := iterate(a.list[0])
			if err != nil {
				return nil, err
			}
			for _, row := range rows {
				pair, err := iterate(row)
				if err != nil || len(pair) != 2 {
					return nil, fmt.Errorf("dict takes a list of pairs, and one of them is none")
				}
				key := native(pair[0])
				if !isScalar(key) {
					return nil, fmt.Errorf("%s can't be a key", describe(key))
				}
				d.Set(key, pair[1])
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(a.named)) {
		d.Set(key, a.named[key])
	}
	return d, nil
}
