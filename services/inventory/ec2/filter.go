package ec2

import (
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"go.yaml.in/yaml/v4"
)

// Filter is EC2's: names and the values of which one must match.
type Filter map[string]Values

// Values take a single value as well as a list.
type Values []string

// UnmarshalYAML reads a scalar or a list.
func (v *Values) UnmarshalYAML(n *yaml.Node) error {
	switch n.Kind {
	case yaml.ScalarNode:
		*v = Values{n.Value}
		return nil
	case yaml.SequenceNode:
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode {
				return fmt.Errorf("line %d: expected a value", item.Line)
			}
			*v = append(*v, item.Value)
		}
		return nil
	}
	return fmt.Errorf("line %d: expected a value or a list of values", n.Line)
}

// stateFilter is the name of the filter of states.
const stateFilter = "instance-state-name"

// defaultStates are the plugin's: everything but terminated.
var defaultStates = Values{"running", "pending", "stopping", "stopped"}

// MaxValues is how many values EC2 takes in one filter.
const MaxValues = 200

func (f Filter) validate() error {
	for name, values := range f {
		if name == "" || len(values) == 0 || len(values) > MaxValues {
			return fmt.Errorf("filter %q has %d values, EC2 takes 1 to %d", name, len(values), MaxValues)
		}
	}
	return nil
}

// and is what matches both filters; where both have a name, only is taken.
func (f Filter) and(only Filter) Filter {
	if len(only) == 0 {
		return f
	}
	both := maps.Clone(only)
	for name, values := range f {
		if _, taken := both[name]; !taken {
			both[name] = values
		}
	}
	return both
}

// api is the filter as the SDK has it, in a stable order.
func (f Filter) api() []types.Filter {
	var out []types.Filter
	for name, values := range f {
		out = append(out, types.Filter{Name: aws.String(name), Values: values})
	}
	if _, ok := f[stateFilter]; !ok {
		out = append(out, types.Filter{Name: aws.String(stateFilter), Values: defaultStates})
	}
	slices.SortFunc(out, func(a, b types.Filter) int {
		switch {
		case *a.Name < *b.Name:
			return -1
		case *a.Name > *b.Name:
			return 1
		}
		return 0
	})
	return out
}

// includes are the queries whose results are found together.
func (c Config) includes() []Filter {
	list := slices.Clone(c.IncludeFilters)
	if len(c.Filters) > 0 || len(list) == 0 {
		list = append([]Filter{c.Filters}, list...)
	}
	return list
}
