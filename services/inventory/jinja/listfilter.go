package jinja

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// listFilters adds the filters of lists.
func listFilters(all map[string]filterFunc) {
	all["list"] = func(v any, _ arguments) (any, error) { return iterated(v) }
	all["join"] = func(v any, a arguments) (any, error) {
		separator, err := a.text(0, "d", "")
		if err != nil {
			return nil, err
		}
		if key := a.get(1, "attribute", nil); key != nil {
			if v, err = mapAttribute(v, key, nil, false); err != nil {
				return nil, err
			}
		}
		return joinWith(separator, v)
	}
	all["first"] = func(v any, _ arguments) (any, error) { return end1(v, 0) }
	all["last"] = func(v any, _ arguments) (any, error) { return end1(v, -1) }
	all["map"] = func(v any, a arguments) (any, error) { return mapped(v, a, all) }
	all["sort"], all["unique"] = sorted, unique
	all["select"], all["reject"] = selecting(true, false), selecting(false, false)
	all["selectattr"], all["rejectattr"] = selecting(true, true), selecting(false, true)
	all["min"] = extreme(func(c int) bool { return c < 0 })
	all["max"] = extreme(func(c int) bool { return c > 0 })
	all["sum"] = summed
	all["reverse"] = func(v any, _ arguments) (any, error) {
		return cut(v, [3]*int{nil, nil, ptr(-1)})
	}
	all["flatten"] = func(v any, a arguments) (any, error) {
		levels, err := a.whole(0, "levels", maxDepth)
		if err != nil {
			return nil, err
		}
		return flattened(v, levels)
	}
	all["union"] = ofSets(func(x, y []any) []any { return append(slices.Clone(x), y...) })
	all["intersect"] = ofSets(func(x, y []any) []any { return keep(x, func(v any) bool { return has(y, v) }) })
	all["difference"] = ofSets(func(x, y []any) []any { return keep(x, func(v any) bool { return !has(y, v) }) })
	all["symmetric_difference"] = ofSets(func(x, y []any) []any {
		return append(keep(x, func(v any) bool { return !has(y, v) }), keep(y, func(v any) bool { return !has(x, v) })...)
	})
	all["zip"], all["batch"], all["groupby"] = zipped, batched, groupedBy
}

func ptr(n int) *int { return &n }

func iterated(v any) ([]any, error) {
	items, err := iterate(v)
	return append([]any{}, items...), err
}

func end1(v any, at int64) (any, error) {
	items, err := iterate(v)
	if err != nil {
		return nil, err
	}
	return get(items, at), nil
}

// attributeOf follows a dotted path: ebs.volume_id, 0.name.
func attributeOf(v, key any) any {
	if n, ok := integer(key); ok {
		return get(v, n)
	}
	path, ok := key.(string)
	if !ok {
		return undefined{what: fmt.Sprint(key)}
	}
	for part := range strings.SplitSeq(path, ".") {
		if n, err := strconv.ParseInt(part, 10, 64); err == nil {
			v = get(v, n)
		} else {
			v = get(v, part)
		}
	}
	return v
}

func mapAttribute(v, key, otherwise any, hasOtherwise bool) (any, error) {
	items, err := iterate(v)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(items))
	for i, item := range items {
		out[i] = attributeOf(item, key)
		if _, missing := out[i].(undefined); missing && hasOtherwise {
			out[i] = otherwise
		}
	}
	return out, nil
}

// mapped is map(attribute='x') and map('filter', arguments).
func mapped(v any, a arguments, filters map[string]filterFunc) (any, error) {
	if key, ok := a.named["attribute"]; ok {
		otherwise, has := a.named["default"]
		return mapAttribute(v, key, otherwise, has)
	}
	if err := a.need(1); err != nil {
		return nil, fmt.Errorf("%w: the name of a filter, or attribute=", err)
	}
	filter, err := text(a.list[0])
	if err != nil {
		return nil, err
	}
	f, known := filters[lastName(filter)]
	if !known {
		return nil, fmt.Errorf("the filter %q isn't supported", filter)
	}
	items, err := iterate(v)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(items))
	for i, item := range items {
		if u, missing := item.(undefined); missing && !takesUndefined[lastName(filter)] {
			return nil, u.err()
		}
		if out[i], err = f(item, arguments{a.list[1:], a.named}); err != nil {
			return nil, fmt.Errorf("%s: %w", filter, err)
		}
	}
	return out, nil
}

func lastName(qualified string) string { return qualified[strings.LastIndexByte(qualified, '.')+1:] }

// selecting is select, reject, selectattr and rejectattr.
func selecting(wanted, byAttribute bool) filterFunc {
	return func(v any, a arguments) (any, error) {
		items, err := iterate(v)
		if err != nil {
			return nil, err
		}
		rest := a.list
		var key any
		if byAttribute {
			if err := a.need(1); err != nil {
				return nil, err
			}
			key, rest = rest[0], rest[1:]
		}
		test := "truthy"
		if len(rest) > 0 {
			if test, err = text(rest[0]); err != nil {
				return nil, err
			}
			rest = rest[1:]
		}
		out := []any{}
		for _, item := range items {
			subject := item
			if byAttribute {
				subject = attributeOf(item, key)
			}
			holds, err := applyTest(lastName(test), subject, arguments{rest, a.named})
			if err != nil {
				return nil, err
			}
			if holds == wanted {
				out = append(out, item)
			}
		}
		return out, nil
	}
}

// folded is the value that sorting looks at: text in small letters unless case
// matters.
func folded(v any, a arguments) any {
	if key := a.named["attribute"]; key != nil {
		v = attributeOf(v, key)
	}
	if s, ok := v.(string); ok && !truth(a.get(-1, "case_sensitive", false)) {
		return strings.ToLower(s)
	}
	return v
}

func sorted(v any, a arguments) (any, error) {
	items, err := iterated(v)
	if err != nil {
		return nil, err
	}
	var failed error
	slices.SortStableFunc(items, func(x, y any) int {
		c, err := compare(folded(x, a), folded(y, a))
		failed = errors.Join(failed, err)
		if truth(a.get(0, "reverse", false)) {
			return -c
		}
		return c
	})
	return items, failed
}

func unique(v any, a arguments) (any, error) {
	items, err := iterate(v)
	var seen, out []any
	for _, item := range items {
		if f := folded(item, a); !has(seen, f) {
			seen, out = append(seen, f), append(out, item)
		}
	}
	return append([]any{}, out...), err
}

func extreme(better func(int) bool) filterFunc {
	return func(v any, a arguments) (any, error) {
		items, err := iterate(v)
		if err != nil || len(items) == 0 {
			return undefined{what: "an item of an empty list"}, err
		}
		best := items[0]
		for _, item := range items[1:] {
			c, err := compare(folded(item, a), folded(best, a))
			if err != nil {
				return nil, err
			}
			if better(c) {
				best = item
			}
		}
		return best, nil
	}
}

func summed(v any, a arguments) (any, error) {
	if key := a.get(0, "attribute", nil); key != nil {
		var err error
		if v, err = mapAttribute(v, key, nil, false); err != nil {
			return nil, err
		}
	}
	items, err := iterate(v)
	if err != nil {
		return nil, err
	}
	total := a.get(1, "start", int64(0))
	for _, item := range items {
		if total, err = add(total, item); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func flattened(v any, levels int64) (any, error) {
	items, err := iterate(v)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, item := range items {
		inner, isList := list(item)
		switch {
		case isList && levels > 0:
			deeper, err := flattened(inner, levels-1)
			if err != nil {
				return nil, err
			}
			out = append(out, deeper.([]any)...)
		case item != nil:
			out = append(out, item)
		}
	}
	return out, nil
}

func keep(items []any, wanted func(any) bool) []any {
	return slices.DeleteFunc(slices.Clone(items), func(v any) bool { return !wanted(v) })
}

func ofSets(apply func(x, y []any) []any) filterFunc {
	return func(v any, a arguments) (any, error) {
		if err := a.need(1); err != nil {
			return nil, err
		}
		x, err := iterate(v)
		if err != nil {
			return nil, err
		}
		y, err := iterate(a.list[0])
		if err != nil {
			return nil, err
		}
		var out []any
		for _, item := range apply(x, y) {
			if !has(out, item) {
				out = append(out, item)
			}
		}
		return append([]any{}, out...), nil
	}
}

func zipped(v any, a arguments) (any, error) {
	first, err := iterate(v)
	if err != nil {
		return nil, err
	}
	columns := [][]any{first}
	shortest := len(first)
	for _, other := range a.list {
		column, err := iterate(other)
		if err != nil {
			return nil, err
		}
		columns, shortest = append(columns, column), min(shortest, len(column))
	}
	out := make([]any, shortest)
	for i := range out {
		row := make([]any, len(columns))
		for n := range columns {
			row[n] = columns[n][i]
		}
		out[i] = row
	}
	return out, nil
}

func batched(v any, a arguments) (any, error) {
	size, err := a.whole(0, "linecount", 0)
	if err != nil || size < 1 {
		return nil, errors.New("needs a size of at least 1")
	}
	items, err := iterate(v)
	out := []any{}
	for batch := range slices.Chunk(items, int(min(size, maxProduct))) {
		out = append(out, append([]any{}, batch...))
	}
	return out, err
}

func groupedBy(v any, a arguments) (any, error) {
	if err := a.need(1); err != nil {
		return nil, err
	}
	items, err := sorted(v, arguments{named: map[string]any{"attribute": a.list[0]}})
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, item := range items.([]any) {
		key := attributeOf(item, a.list[0])
		if n := len(out); n > 0 && equal(out[n-1].([]any)[0], key) {
			group := out[n-1].([]any)
			group[1] = append(group[1].([]any), item)
			continue
		}
		out = append(out, []any{key, []any{item}})
	}
	return out, nil
}
