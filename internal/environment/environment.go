// Package environment tells two environments apart: what bench records of a
// host in environment.json beside each run, plot shows of both sides of a
// comparison, and `fiord diff` prints of any two.
package environment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// File is the name of the artifact that a run leaves of its environment.
const File = "environment.json"

// MaxSize bounds what is read of one; they are some kilobytes.
const MaxSize = 4 << 20

// Change is one value that differs between two environments.
type Change struct {
	Name   string `json:"name"` // path such as kernel.release or target.queue.scheduler
	Before string `json:"before"`
	After  string `json:"after"`
}

// String reads "kernel.release: 6.1.0 → 6.2.0".
func (c Change) String() string { return fmt.Sprintf("%s: %s → %s", c.Name, c.Before, c.After) }

// Diff lists what differs between two environment.json, in the order of the
// names, without what differs between any two looks at one host. A value that
// only one of them has is empty in the other.
func Diff(before, after []byte) ([]Change, error) {
	a, err := flat(before)
	if err != nil {
		return nil, err
	}
	b, err := flat(after)
	if err != nil {
		return nil, err
	}
	names := maps.Clone(a)
	maps.Copy(names, b)
	var changes []Change
	for _, n := range slices.Sorted(maps.Keys(names)) {
		if a[n] != b[n] && !fleeting(n) {
			changes = append(changes, Change{Name: n, Before: a[n], After: b[n]})
		}
	}
	return changes, nil
}

// fleeting tells a value that differs between any two looks at one host.
func fleeting(name string) bool {
	switch name {
	case "taken", "facts.memory_free", "facts.swap_free", "target.health.celsius",
		"target.health.power_on_hours", "target.health.written_bytes":
		return true
	}
	return strings.HasPrefix(name, "facts.system_load_") || strings.HasPrefix(name, "facts.system_overload_")
}

// flat reads a document into paths and values.
func flat(raw []byte) (map[string]string, error) {
	var tree map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // sizes in bytes are told to the last digit
	if err := d.Decode(&tree); err != nil {
		return nil, fmt.Errorf("read environment: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read environment: more than one document")
	}
	out := map[string]string{}
	walk(out, "", tree)
	return out, nil
}

func walk(out map[string]string, path string, v any) {
	if m, ok := v.(map[string]any); ok {
		for k, inner := range m {
			walk(out, strings.TrimPrefix(path+"."+k, "."), inner)
		}
		return
	}
	if v != nil {
		out[path] = fmt.Sprint(v)
	}
}
