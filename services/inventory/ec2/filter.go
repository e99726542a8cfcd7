package ec2

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/fiord-bench/fiord/services/inventory/ec2/filter"
	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// Filter is EC2's: names and the values of which one must match.
type Filter = filter.Filter

// MaxValues is how many values EC2 takes in one filter.
const MaxValues = filter.MaxValues

// and is what matches both filters; where both have a name, only is taken.
func and(f, only Filter) Filter {
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
func api(f Filter) []types.Filter {
	var out []types.Filter
	for name, values := range f {
		out = append(out, types.Filter{Name: aws.String(name), Values: values})
	}
	if _, ok := f[filter.State]; !ok {
		out = append(out, types.Filter{Name: aws.String(filter.State), Values: filter.DefaultStates})
	}
	slices.SortFunc(out, func(a, b types.Filter) int { return strings.Compare(*a.Name, *b.Name) })
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

// Sift marks the machines of a document that the source would not have asked
// for, or would have left out, with the reason. Machines of other clouds are
// left as they are.
func (c Config) Sift(machines []instance.Instance) error {
	for n := range machines {
		i := &machines[n]
		if i.Provider != instance.AWS || i.Excluded != "" {
			continue
		}
		reason, err := c.verdict(i)
		if err != nil {
			return fmt.Errorf("source %s: %w", c.Name, err)
		}
		i.Excluded = reason
	}
	return nil
}

// verdict says why the source has no use for a machine, "" if it has one.
func (c Config) verdict(i *instance.Instance) (string, error) {
	if len(c.Regions) > 0 && !slices.Contains(c.Regions, i.Region) {
		return fmt.Sprintf("region %s is not among the regions of source %s", i.Region, c.Name), nil
	}
	for n, f := range c.ExcludeFilters {
		if out, err := f.Match(i); out || err != nil {
			return fmt.Sprintf("exclude_filters[%d] of source %s", n, c.Name), err
		}
	}
	for _, f := range c.includes() {
		if in, err := f.Match(i); in || err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("no filter of source %s selects it (state %s)", c.Name, i.State), nil
}
