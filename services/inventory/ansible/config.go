package ansible

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/fiord-bench/fiord/services/inventory/expr"
)

// Config says how machines become hosts and groups. Its YAML keys are those
// of the aws_ec2 plugin and of constructed inventories, and some of fiord's.
type Config struct {
	// Hostnames in order of preference; the first that a machine has is used.
	Hostnames []Hostname `yaml:"hostnames"`
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
	LeadingSeparator *bool `yaml:"leading_separator"`
	// Strict makes an expression that fails for one host fail everything.
	// Otherwise the variable or group is left out for that host, and the
	// report says so.
	Strict bool `yaml:"strict"`
	// Addresses in order of preference: public, private, ipv6, public_dns,
	// private_dns. It is what ansible_host is set to, unless composed.
	Addresses []string `yaml:"addresses"`
	// NoAddress says what becomes of a machine that has none of Addresses:
	// exclude (the default) or keep.
	NoAddress string `yaml:"no_address"`
	// Collisions says what becomes of hosts with one name, of groups whose
	// names differ only in characters that Ansible doesn't allow, and of a
	// host that is named like a group: suffix (the default) tells them apart
	// by their ids, list leaves them out and lists them in the report, error
	// fails.
	Collisions string `yaml:"collisions"`
}

// Expression is an expression in YAML.
type Expression struct{ *expr.Expr }

// UnmarshalYAML parses the expression. The decoder names the line of an error.
func (e *Expression) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return errors.New("expected an expression")
	}
	parsed, err := expr.Parse(n.Value)
	if err != nil {
		return err
	}
	e.Expr = parsed
	return nil
}

// KeyedGroup makes groups of the values of an expression.
type KeyedGroup struct {
	Key               Expression `yaml:"key"`
	Prefix            string     `yaml:"prefix"`
	Separator         *string    `yaml:"separator"`
	ParentGroup       Template   `yaml:"parent_group"`
	DefaultValue      *string    `yaml:"default_value"`
	TrailingSeparator *bool      `yaml:"trailing_separator"`
}

// Hostname is one preference for a host's name.
type Hostname struct {
	// Name is a filter's name such as private-ip-address, or tag:Name.
	Name string `yaml:"name"`
	// Prefix is another such name, whose value goes before, with Separator.
	Prefix    string `yaml:"prefix"`
	Separator string `yaml:"separator"`
}

// UnmarshalYAML takes a plain name as well as a mapping.
func (h *Hostname) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		h.Name = n.Value
	} else {
		type plain Hostname
		if err := n.Load((*plain)(h), yaml.WithKnownFields()); err != nil {
			return err
		}
	}
	for _, name := range []string{h.Name, h.Prefix} {
		if name != "" && !isNameSource(name) {
			return fmt.Errorf("%q names no attribute to take a host's name from; there are tag:<key> and %s", name, strings.Join(nameSources(), ", "))
		}
	}
	if h.Name == "" {
		return errors.New("a hostname without name")
	}
	return nil
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

func (c *Config) leadingSeparator() bool { return c.LeadingSeparator == nil || *c.LeadingSeparator }

// Template is text with {{ expressions }} in it.
type Template struct {
	source string
	parts  []templatePart
}

type templatePart struct {
	text string
	expr *expr.Expr // nil for text
}

// UnmarshalYAML parses the template.
func (t *Template) UnmarshalYAML(n *yaml.Node) error {
	parsed, err := parseTemplate(n.Value)
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}

func parseTemplate(s string) (Template, error) {
	t := Template{source: s}
	for rest := s; rest != ""; {
		before, after, found := strings.Cut(rest, "{{")
		if strings.Contains(before, "{%") || strings.Contains(before, "{#") {
			return t, fmt.Errorf("template %q: only {{ expressions }} are supported", s)
		}
		if before != "" {
			t.parts = append(t.parts, templatePart{text: before})
		}
		if !found {
			break
		}
		body, tail, closed := strings.Cut(after, "}}")
		if !closed {
			return t, fmt.Errorf("template %q: {{ without }}", s)
		}
		e, err := expr.Parse(strings.TrimSpace(body))
		if err != nil {
			return t, err
		}
		t.parts = append(t.parts, templatePart{expr: e})
		rest = tail
	}
	return t, nil
}

// empty says whether there is no template.
func (t Template) empty() bool { return t.source == "" }

// render computes the text.
func (t Template) render(s expr.Scope) (string, error) {
	var b strings.Builder
	for _, p := range t.parts {
		if p.expr == nil {
			b.WriteString(p.text)
			continue
		}
		v, err := p.expr.Eval(s)
		if err != nil {
			return "", err
		}
		text, err := expr.Text(v)
		if err != nil {
			return "", fmt.Errorf("template %q: %w", t.source, err)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}
