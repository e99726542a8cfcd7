package ansible

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/fiord-bench/fiord/services/inventory/ec2/filter"
	"github.com/fiord-bench/fiord/services/inventory/jinja"
)

// Bool is a switch in any of the spellings that Ansible takes.
type Bool bool

// UnmarshalYAML reads yes, no, on, off, true, false, 1 and 0, quoted or not.
func (b *Bool) UnmarshalYAML(n *yaml.Node) error {
	switch strings.ToLower(n.Value) {
	case "yes", "on", "true", "1", "y", "t":
		*b = true
	case "no", "off", "false", "0", "n", "f", "", "~", "null":
		*b = false
	default:
		return fmt.Errorf("line %d: %q is neither true nor false", n.Line, n.Value)
	}
	return nil
}

// Expression is an expression in YAML, or why it is none.
type Expression struct {
	*jinja.Expr
	source  string
	line    int
	problem error
}

// UnmarshalYAML parses the expression. What is wrong with it is reported by
// Validate, as some who read configurations pass over it.
func (e *Expression) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: expected an expression in quotes", n.Line)
	}
	e.source, e.line = scalarText(n), n.Line
	e.Expr, e.problem = jinja.Parse(e.source)
	return nil
}

// scalarText is a scalar as Ansible puts it into a template: what YAML 1.1
// takes for a boolean is Python's word for it.
func scalarText(n *yaml.Node) string {
	if n.Style == 0 || n.Style == yaml.TaggedStyle {
		switch strings.ToLower(n.Value) {
		case "yes", "on", "true":
			return "True"
		case "no", "off", "false":
			return "False"
		case "~", "null", "":
			return "None"
		}
	}
	return n.Value
}

// plainText is what people write without the quotes that would make it text.
var plainText = regexp.MustCompile(`^[\w~./@:-]+$`)

// remedy says how to write text that is no expression.
func (e Expression) remedy() string {
	if !plainText.MatchString(e.source) || !strings.ContainsAny(e.source, "-/@~:.") {
		return ""
	}
	return fmt.Sprintf(`; if it is text, quote it twice: "'%s'"`, e.source)
}

func (e Expression) invalid(where string) error {
	if e.problem == nil {
		return nil
	}
	return fmt.Errorf("line %d: %s: %w%s", e.line, where, e.problem, e.remedy())
}

// KeyedGroup makes groups of the values of an expression.
type KeyedGroup struct {
	Key               Expression `yaml:"key"`
	Prefix            string     `yaml:"prefix"`
	Separator         *string    `yaml:"separator"`
	ParentGroup       Template   `yaml:"parent_group"`
	DefaultValue      *string    `yaml:"default_value"`
	TrailingSeparator *Bool      `yaml:"trailing_separator"`
}

// Hostnames are preferences for hosts' names.
type Hostnames []Hostname

// UnmarshalYAML takes a single name as well as a list; several in one text are
// joined by commas, as Ansible reads lists.
func (h *Hostnames) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case n.Kind == yaml.SequenceNode:
		return n.Load((*[]Hostname)(h), yaml.WithKnownFields())
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null":
		return nil
	case n.Kind == yaml.ScalarNode:
		for name := range strings.SplitSeq(n.Value, ",") {
			*h = append(*h, Hostname{Name: strings.TrimSpace(name)})
		}
		return nil
	}
	var one Hostname
	if err := n.Load(&one, yaml.WithKnownFields()); err != nil {
		return err
	}
	*h = Hostnames{one}
	return nil
}

// Hostname is one preference for a host's name.
type Hostname struct {
	// Name is a filter's name such as private-ip-address, or tag:Name, perhaps
	// with Jinja's filters: tag:Name | lower.
	Name string `yaml:"name"`
	// Prefix is another such name, whose value goes before, with Separator.
	Prefix    string  `yaml:"prefix"`
	Separator *string `yaml:"separator"`
	// Of computes the name out of the machine's raw variables, instead of Name,
	// which then only says what it is.
	Of *jinja.Expr `yaml:"-"`
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
	if h.Name == "" {
		return errors.New("a hostname without name")
	}
	return nil
}

// validate reports names that mean nothing, unless any text is a name.
func (h *Hostname) validate(anyText bool) error {
	if h.Of != nil {
		return nil
	}
	for _, name := range []string{h.Name, h.Prefix} {
		attribute, _, filtered := strings.Cut(name, "|")
		if filtered {
			if _, err := jinja.Parse("name|" + name[strings.IndexByte(name, '|')+1:]); err != nil {
				return err
			}
		}
		if name != "" && !anyText && !isNameSource(strings.TrimRight(attribute, " ")) {
			return fmt.Errorf("%q names no attribute to take a host's name from; there are tag:<key> and %s", name, strings.Join(nameSources(), ", "))
		}
	}
	return nil
}

// Literal says whether the preference is text, the same for every machine.
func (h *Hostname) Literal() bool {
	attribute, _, _ := strings.Cut(h.Name, "|")
	return !isNameSource(strings.TrimRight(attribute, " "))
}

func isNameSource(name string) bool {
	_, known := attributes[name]
	return known || filter.Known(name) || strings.HasPrefix(name, "tag:") && len(name) > len("tag:") ||
		strings.HasPrefix(name, "labels.") || strings.HasPrefix(name, "tags.")
}

func nameSources() []string {
	names := filter.Names()
	for n := range attributes {
		names = append(names, n)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// eval computes the value; what is undefined in what may have been meant as
// text gets the remedy.
func (e Expression) eval(s jinja.Scope) (any, error) {
	v, err := e.Eval(s)
	if errors.Is(err, jinja.ErrUndefined) {
		if remedy := e.remedy(); remedy != "" && !strings.HasPrefix(e.source, "tags.") {
			err = fmt.Errorf("%w%s", err, remedy)
		}
	}
	return v, err
}
