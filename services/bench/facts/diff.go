package facts

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Change is one value that differs between two environments.
type Change struct {
	Name   string `json:"name"` // path such as kernel.release or target.queue.scheduler
	Before string `json:"before"`
	After  string `json:"after"`
}

// String reads "kernel.release: 6.1.0 → 6.2.0".
func (c Change) String() string { return fmt.Sprintf("%s: %s → %s", c.Name, c.Before, c.After) }

// fleeting values differ between any two looks at one host.
var fleeting = map[string]bool{
	"taken": true, "facts.memory_free": true, "facts.swap_free": true, "target.health.celsius": true,
	"target.health.power_on_hours": true, "target.health.written_bytes": true,
}

// Diff lists what differs, in the order of the names, without what always does.
func Diff(before, after Environment) ([]Change, error) {
	a, err := flat(before)
	if err != nil {
		return nil, err
	}
	b, err := flat(after)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for n := range a {
		names[n] = true
	}
	for n := range b {
		names[n] = true
	}
	var changes []Change
	for _, n := range slices.Sorted(maps.Keys(names)) {
		if a[n] != b[n] && !fleeting[n] && !isLoad(n) {
			changes = append(changes, Change{Name: n, Before: a[n], After: b[n]})
		}
	}
	return changes, nil
}

func isLoad(name string) bool {
	const load, overload = "facts.system_load_", "facts.system_overload_"
	return len(name) > len(load) && name[:len(load)] == load || len(name) > len(overload) && name[:len(overload)] == overload
}

func flat(e Environment) (map[string]string, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode environment: %w", err)
	}
	var tree map[string]any
	if err := json.Unmarshal(b, &tree); err != nil {
		return nil, fmt.Errorf("decode environment: %w", err)
	}
	out := map[string]string{}
	var walk func(prefix string, v any)
	walk = func(prefix string, v any) {
		if m, ok := v.(map[string]any); ok {
			for k, inner := range m {
				walk(prefix+"."+k, inner)
			}
			return
		}
		out[prefix[1:]] = fmt.Sprint(v)
	}
	walk("", tree)
	return out, nil
}
