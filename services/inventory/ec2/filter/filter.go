package filter

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// Filter is EC2's: names and the values of which one must match. All names
// must.
type Filter map[string]Texts

// Texts take a single value as well as a list.
type Texts []string

// UnmarshalYAML reads a scalar or a list. Booleans are written as EC2 writes
// them.
func (v *Texts) UnmarshalYAML(n *yaml.Node) error {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	for _, item := range items {
		if item.Kind == yaml.AliasNode {
			item = item.Alias
		}
		if item.Kind != yaml.ScalarNode {
			return fmt.Errorf("line %d: expected a value or a list of values", item.Line)
		}
		value := item.Value
		if lower := strings.ToLower(value); item.Tag == "!!bool" && item.Style == 0 && (lower == "true" || lower == "false") {
			value = lower
		}
		*v = append(*v, value)
	}
	return nil
}

// State is the name of the filter of states.
const State = "instance-state-name"

// DefaultStates are the plugin's: everything but what ends or has ended.
var DefaultStates = Texts{"running", "pending", "stopping", "stopped"}

// MaxValues is how many values EC2 takes in one filter.
const MaxValues = 200

// Validate reports a filter that EC2 would refuse for its shape.
func (f Filter) Validate() error {
	for name, values := range f {
		if name == "" || len(values) == 0 || len(values) > MaxValues {
			return fmt.Errorf("filter %q has %d values, EC2 takes 1 to %d", name, len(values), MaxValues)
		}
	}
	return nil
}

// Match holds a machine against the filter as EC2 would, from what is known of
// it. The error is a filter that there isn't.
func (f Filter) Match(i *instance.Instance) (bool, error) {
	if _, asked := f[State]; !asked && !matchAny(DefaultStates, f.values(i, State)) {
		return false, nil
	}
	for name, wanted := range f {
		if !Known(name) && name != "tag-key" && name != "tag-value" && !strings.HasPrefix(name, "tag:") {
			return false, fmt.Errorf("EC2 has no filter %q", name)
		}
		if !matchAny(wanted, f.values(i, name)) {
			return false, nil
		}
	}
	return true, nil
}

func (f Filter) values(i *instance.Instance, name string) []string {
	switch {
	case name == "tag-key":
		return tagsOf(i, func(key, _ string) string { return key })
	case name == "tag-value":
		return tagsOf(i, func(_, value string) string { return value })
	case strings.HasPrefix(name, "tag:"):
		if value, ok := i.Tags[strings.TrimPrefix(name, "tag:")]; ok {
			return []string{value}
		}
		return nil
	}
	return Values(i.Vars, name)
}

func tagsOf(i *instance.Instance, of func(key, value string) string) []string {
	var out []string
	for key, value := range i.Tags {
		out = append(out, of(key, value))
	}
	return out
}

func matchAny(patterns, values []string) bool {
	return slices.ContainsFunc(values, func(v string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, v) })
	})
}

// matches knows EC2's wildcards: * for any characters, ? for one, \ before
// either to mean itself.
func matches(pattern, value string) bool {
	if !strings.ContainsAny(pattern, `*?\`) {
		return pattern == value
	}
	// A bracket has no meaning to EC2, nor has a slash.
	escaped := strings.NewReplacer("[", `\[`, "/", "\x00").Replace(pattern)
	ok, err := path.Match(escaped, strings.ReplaceAll(value, "/", "\x00"))
	return ok && err == nil
}
