package repos

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"go.yaml.in/yaml/v4"
)

// VolumeOptions are the options that a rule lets through to drivers of volumes:
// true for every one, or globs of the values that each key may have. A value with
// commas is compared part by part, as a host's owner has it.
type VolumeOptions struct {
	All    bool
	Values map[string][]string
}

// UnmarshalYAML reads either form.
func (o *VolumeOptions) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.MappingNode {
		return n.Decode(&o.Values)
	}
	if err := n.Decode(&o.All); err != nil {
		return fmt.Errorf("line %d: volume_options is true, false, or globs of values by key, such as {size: [10, 100]}", n.Line)
	}
	return nil
}

func (o VolumeOptions) validate() error {
	var errs []error
	for key, globs := range o.Values {
		for _, g := range globs {
			if g == "" || !doublestar.ValidatePattern(g) {
				errs = append(errs, fmt.Errorf("volume_options.%s: %q is no glob", key, g))
			}
		}
	}
	return errors.Join(errs...)
}

// volumeOptions refuses what the rule does not let through.
func (c *checker) volumeOptions(o VolumeOptions, asked map[string]string) {
	if o.All || len(asked) == 0 {
		return
	}
	if len(o.Values) == 0 {
		c.fail("volume_options", "volume options are not allowed to %s: leave them out", c.subject)
		return
	}
	for _, key := range slices.Sorted(maps.Keys(asked)) {
		for _, part := range strings.Split(asked[key], ",") {
			if !slices.ContainsFunc(o.Values[key], func(g string) bool { ok, err := doublestar.Match(g, part); return err == nil && ok }) {
				c.that(false, "volume_options."+key, "volume option %q", key+"="+part, o.Values[key])
			}
		}
	}
}
