package jinja

import (
	"fmt"
	"slices"
)

// dictFilters adds the filters of dicts.
func dictFilters(all map[string]filterFunc) {
	all["combine"], all["dict2items"], all["items2dict"], all["dictsort"] = combined, dictToItems, itemsToDict, dictSorted
	all["items"] = func(v any, a arguments) (any, error) {
		pairs, ok := entries(v)
		if !ok {
			return nil, fmt.Errorf("needs a dict, not %s", describe(v))
		}
		return dictMethods["items"](pairs, v, a)
	}
}

// combined merges dicts; the last one wins.
func combined(v any, a arguments) (any, error) {
	recursive := truth(a.get(-1, "recursive", false))
	out := NewDict()
	for _, part := range append([]any{v}, a.list...) {
		parts := []any{part}
		if items, ok := list(part); ok {
			parts = items
		}
		for _, dict := range parts {
			pairs, ok := entries(dict)
			if !ok {
				return nil, fmt.Errorf("needs dicts, not %s", describe(dict))
			}
			merge(out, pairs, recursive)
		}
	}
	return out, nil
}

func merge(into *Dict, pairs []entry, recursive bool) {
	for _, p := range pairs {
		value := native(p.value)
		if inner, isDict := entries(value); isDict && recursive {
			have, _ := into.Get(p.key)
			if both, ok := dictOf(have); ok {
				merge(both, inner, true)
				value = both
			}
		}
		into.Set(p.key, value)
	}
}

func dictToItems(v any, a arguments) (any, error) {
	pairs, ok := entries(v)
	if !ok {
		return nil, fmt.Errorf("needs a dict, not %s", describe(v))
	}
	out := make([]any, len(pairs))
	for i, p := range pairs {
		d := NewDict()
		d.Set(a.get(0, "key_name", "key"), p.key)
		d.Set(a.get(1, "value_name", "value"), native(p.value))
		out[i] = d
	}
	return out, nil
}

func itemsToDict(v any, a arguments) (any, error) {
	items, ok := list(v)
	if !ok {
		return nil, fmt.Errorf("needs a list, not %s", describe(v))
	}
	out := NewDict()
	for _, item := range items {
		key, err := defined(get(item, a.get(0, "key_name", "key")), nil)
		if err != nil {
			return nil, err
		}
		value, err := defined(get(item, a.get(1, "value_name", "value")), nil)
		if err != nil || !isScalar(key) {
			return nil, fmt.Errorf("%s can't be a key with a value: %w", describe(key), err)
		}
		out.Set(key, value)
	}
	return out, nil
}

func dictSorted(v any, _ arguments) (any, error) {
	pairs, ok := entries(v)
	if !ok {
		return nil, fmt.Errorf("needs a dict, not %s", describe(v))
	}
	var failed error
	pairs = slices.Clone(pairs)
	slices.SortStableFunc(pairs, func(x, y entry) int {
		c, err := compare(folded(x.key, arguments{}), folded(y.key, arguments{}))
		if err != nil {
			failed = err
		}
		return c
	})
	return column(pairs, func(e entry) any { return []any{e.key, native(e.value)} }), failed
}
