package ansible

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/fiord-bench/fiord/services/inventory/instance"
	"github.com/fiord-bench/fiord/services/inventory/jinja"
)

// Config says how machines become hosts and groups. Its YAML keys are those
// of the aws_ec2 plugin and of constructed inventories, and some of fiord's.
type Config struct {
	// Hostnames in order of preference; the first that a machine has is its
	// name, and a machine that has none of them is no host. Without any a
	// machine is named by its DNS names or else its address.
	Hostnames Hostnames `yaml:"hostnames"`
	// AllHostnames makes a host of each name that a machine has.
	AllHostnames Bool `yaml:"allow_duplicated_hosts"`
	// HostvarsPrefix and Suffix go around the names of the raw variables.
	HostvarsPrefix string `yaml:"hostvars_prefix"`
	HostvarsSuffix string `yaml:"hostvars_suffix"`
	// Compose makes variables out of expressions.
	Compose map[string]Expression `yaml:"compose"`
	// Groups have the hosts for which the expression is true.
	Groups map[string]Expression `yaml:"groups"`
	// KeyedGroups make a group for each value of an expression.
	KeyedGroups []KeyedGroup `yaml:"keyed_groups"`
	// LeadingSeparator, unless false, starts the name of a keyed group that
	// has no prefix with its separator.
	LeadingSeparator *Bool `yaml:"leading_separator"`
	// Strict makes an expression that fails for one host fail everything.
	// Otherwise the variable or group is left out for that host, and the
	// report says so.
	Strict Bool `yaml:"strict"`
	// TagVariables makes a variable ec2_tag_<key> of each of Amazon's tags, and
	// PlainGroups keeps hyphens in the names of groups, as the script did that
	// came before the plugin.
	TagVariables Bool `yaml:"use_contrib_script_compatible_ec2_tag_keys"`
	PlainGroups  Bool `yaml:"use_contrib_script_compatible_sanitization"`
	// Addresses in order of preference: public, private, ipv6, public_dns,
	// private_dns. It is what ansible_host is set to, unless composed. With
	// hostnames and without addresses ansible_host is left to compose.
	Addresses []string `yaml:"addresses"`
	// NoAddress says what becomes of a machine that has none of Addresses:
	// exclude (the default where ansible_host is set) or keep.
	NoAddress string `yaml:"no_address"`
	// Collisions says what becomes of hosts with one name, of groups whose
	// names differ only in characters that Ansible doesn't allow, and of a
	// host that is named like a group: suffix (the default) tells them apart
	// by their ids, list leaves them out and lists them in the report, error
	// fails.
	Collisions string `yaml:"collisions"`
	// A machine for which one of Exclude holds is out, and so is one for which
	// none of Include does, if there are any.
	Include []Expression `yaml:"-"`
	Exclude []Expression `yaml:"-"`
	// Admit says why a machine is not one that the configuration asks for, ""
	// if it is. It may be nil.
	Admit func(*instance.Instance) string `yaml:"-"`
	// DottedGroups keeps dots in the names of groups too, with PlainGroups.
	DottedGroups bool `yaml:"-"`
	// BareNames lets expressions name raw variables without HostvarsPrefix too.
	BareNames bool `yaml:"-"`
	// KeepTerminated makes hosts of machines that have ended, as a source asks
	// for them.
	KeepTerminated bool `yaml:"-"`
	// AsPlugin takes text that is no attribute as a name, joins groups whose
	// names become one, and lets a host have the name of a group, all as
	// Ansible's plugins do.
	AsPlugin bool `yaml:"-"`
}

// The values of Collisions and NoAddress.
const (
	Suffix  = "suffix"
	List    = "list"
	Error   = "error"
	Exclude = "exclude"
	Keep    = "keep"
)

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Validate reports the first thing that is wrong.
func (c *Config) Validate() error {
	if !slices.Contains([]string{"", Suffix, List, Error}, c.Collisions) {
		return fmt.Errorf("collisions is %q, must be suffix, list or error", c.Collisions)
	}
	if !slices.Contains([]string{"", Exclude, Keep}, c.NoAddress) {
		return fmt.Errorf("no_address is %q, must be exclude or keep", c.NoAddress)
	}
	for _, a := range c.Addresses {
		if _, ok := addressKinds[a]; !ok {
			return fmt.Errorf("addresses has %q, which is none of public, private, ipv6, public_dns, private_dns", a)
		}
	}
	for name := range c.Compose {
		if !identifier.MatchString(name) {
			return fmt.Errorf("compose: %q can't be the name of a variable", name)
		}
	}
	if err := c.validateExpressions(); err != nil {
		return err
	}
	for i, h := range c.Hostnames {
		if err := h.validate(c.AsPlugin); err != nil {
			return fmt.Errorf("hostnames[%d]: %w", i, err)
		}
	}
	for i, k := range c.KeyedGroups {
		switch {
		case k.Key.Expr == nil:
			return fmt.Errorf("keyed_groups[%d] has no key", i)
		case k.DefaultValue != nil && k.TrailingSeparator != nil:
			return fmt.Errorf("keyed_groups[%d] has both default_value and trailing_separator, of which one excludes the other", i)
		}
	}
	for _, affix := range []string{c.HostvarsPrefix, c.HostvarsSuffix} {
		if affix != "" && !identifier.MatchString("a"+affix) {
			return fmt.Errorf("hostvars_prefix or hostvars_suffix %q can't be part of a variable's name", affix)
		}
	}
	return nil
}

// validateExpressions reports the first expression that is none.
func (c *Config) validateExpressions() error {
	for _, name := range sortedKeys(c.Compose) {
		if err := c.Compose[name].invalid("compose: " + name); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(c.Groups) {
		if err := c.Groups[name].invalid("groups: " + name); err != nil {
			return err
		}
	}
	for i, k := range c.KeyedGroups {
		if err := k.Key.invalid(fmt.Sprintf("keyed_groups[%d]", i)); err != nil {
			return err
		}
	}
	return nil
}

// Forgive takes the expressions out that aren't any, as Ansible's plugins pass
// over them, and returns what each of them should be. An expression with a
// filter, a test or a function that isn't supported stays, and is an error.
func (c *Config) Forgive() (warnings []string) {
	if c.Strict {
		return nil
	}
	forgive := func(where string, e Expression) bool {
		var syntax *jinja.SyntaxError
		if e.problem == nil || errors.As(e.problem, &syntax) && syntax.Unsupported {
			return false
		}
		warnings = append(warnings, e.invalid(where).Error()+": passed over, as Ansible does")
		return true
	}
	for _, name := range sortedKeys(c.Compose) {
		if forgive("compose: "+name, c.Compose[name]) {
			delete(c.Compose, name)
		}
	}
	for _, name := range sortedKeys(c.Groups) {
		if forgive("groups: "+name, c.Groups[name]) {
			delete(c.Groups, name)
		}
	}
	c.KeyedGroups = slices.DeleteFunc(c.KeyedGroups, func(k KeyedGroup) bool { return forgive("keyed_groups", k.Key) })
	return warnings
}

func (c *Config) leadingSeparator() bool {
	return c.LeadingSeparator == nil || bool(*c.LeadingSeparator)
}

// setsAddress says whether ansible_host is set without being composed.
func (c *Config) setsAddress() bool { return len(c.Hostnames) == 0 || len(c.Addresses) > 0 }
