package ansible

import (
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fiord-bench/fiord/services/inventory/ec2/filter"
	"github.com/fiord-bench/fiord/services/inventory/instance"
	"github.com/fiord-bench/fiord/services/inventory/jinja"
)

// addressKinds are what Config.Addresses may name.
var addressKinds = map[string]func(instance.Addresses) string{
	"public":      func(a instance.Addresses) string { return a.PublicIPv4 },
	"private":     func(a instance.Addresses) string { return a.PrivateIPv4 },
	"ipv6":        func(a instance.Addresses) string { return a.IPv6 },
	"public_dns":  func(a instance.Addresses) string { return a.PublicDNS },
	"private_dns": func(a instance.Addresses) string { return a.PrivateDNS },
}

// attributes are what a host's name may be taken from with every cloud. The
// names are those of EC2's filters, and of Google's and Azure's plugins.
var attributes = map[string]func(*instance.Instance) string{
	"dns-name":           func(i *instance.Instance) string { return i.Addresses.PublicDNS },
	"private-dns-name":   func(i *instance.Instance) string { return i.Addresses.PrivateDNS },
	"ip-address":         func(i *instance.Instance) string { return i.Addresses.PublicIPv4 },
	"private-ip-address": func(i *instance.Instance) string { return i.Addresses.PrivateIPv4 },
	"ipv6-address":       func(i *instance.Instance) string { return i.Addresses.IPv6 },
	"public_ip":          func(i *instance.Instance) string { return i.Addresses.PublicIPv4 },
	"private_ip":         func(i *instance.Instance) string { return i.Addresses.PrivateIPv4 },
	"instance-id":        func(i *instance.Instance) string { return i.ID },
	"name":               func(i *instance.Instance) string { return i.Name },
	"instance-type":      func(i *instance.Instance) string { return i.Type },
	"image-id":           func(i *instance.Instance) string { return i.Image },
	"key-name":           func(i *instance.Instance) string { return i.KeyName },
	"availability-zone":  func(i *instance.Instance) string { return i.Zone },
	"instance-lifecycle": func(i *instance.Instance) string { return i.Lifecycle },
}

// defaultHostnames are the plugin's.
var defaultHostnames = []Hostname{{Name: "dns-name"}, {Name: "private-dns-name"}}

// defaultAddresses is the order in which a machine is reached.
var defaultAddresses = []string{"public", "private", "ipv6"}

// hostnames are the machine's names by preference: the first it has, or all.
// None if it has no name.
func (c *Config) hostnames(i *instance.Instance) ([]string, error) {
	preferences := c.Hostnames
	if len(preferences) == 0 {
		preferences = defaultHostnames
	}
	var names []string
	for _, p := range preferences {
		found, err := p.names(i)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 && !bool(c.AllHostnames) {
			return found[:1], nil
		}
		names = append(names, found...)
	}
	return unique(names), nil
}

func unique(names []string) []string {
	var out []string
	for _, n := range names {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// names are those that one preference gives a machine.
func (h *Hostname) names(i *instance.Instance) ([]string, error) {
	if h.Of != nil {
		return h.compute(i), nil
	}
	names, err := attribute(i, h.Name)
	if err != nil || len(names) == 0 || h.Prefix == "" {
		return names, err
	}
	prefixes, err := attribute(i, h.Prefix)
	if err != nil || len(prefixes) == 0 {
		return names, err
	}
	separator := "_"
	if h.Separator != nil {
		separator = *h.Separator
	}
	return []string{prefixes[0] + separator + names[0]}, nil
}

// compute is the value of the expression, none if it has none.
func (h *Hostname) compute(i *instance.Instance) []string {
	v, err := h.Of.Eval((&Config{}).scope(&Host{Instance: i}, nil))
	if err != nil || v == nil {
		return nil
	}
	name, err := jinja.Text(v)
	if err != nil || name == "" || name == "None" {
		return nil
	}
	return []string{name}
}

// attribute is what one name source gives a machine: text that is no
// attribute gives itself. Tags may give several.
func attribute(i *instance.Instance, source string) ([]string, error) {
	name, filters, filtered := strings.Cut(source, "|")
	var values []string
	switch name = strings.TrimRight(name, " "); {
	case strings.HasPrefix(name, "tag:"):
		values = tagNames(i, strings.TrimPrefix(name, "tag:"))
	case attributes[name] != nil:
		values = []string{attributes[name](i)}
	case filter.Known(name):
		// The first of several, as a host has one name.
		values = filter.Values(i.Vars, name)
		values = values[:min(len(values), 1)]
	case strings.HasPrefix(name, "labels."), strings.HasPrefix(name, "tags."):
		_, key, _ := strings.Cut(name, ".")
		values = []string{i.Tags[key]}
	default:
		values = []string{name}
	}
	values = slices.DeleteFunc(values, func(v string) bool { return v == "" })
	if !filtered {
		return values, nil
	}
	return filterNames(values, filters)
}

// tagNames are the names that tags give: K is the value of tag K, and K=V is
// K_V for a machine whose tag K is V. Several are joined by commas.
func tagNames(i *instance.Instance, tags string) []string {
	var names []string
	for tag := range strings.SplitSeq(tags, ",") {
		key, want, hasValue := strings.Cut(tag, "=")
		value, has := i.Tags[key]
		switch {
		case hasValue && has && value == want:
			names = append(names, key+"_"+value)
		case !hasValue && value != "":
			names = append(names, value)
		}
	}
	return names
}

// filterNames puts names through Jinja's filters.
func filterNames(names []string, filters string) ([]string, error) {
	e, err := jinja.Parse("name|" + filters)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, n := range names {
		v, err := e.Eval(nameScope(n))
		if err != nil {
			return nil, err
		}
		s, err := jinja.Text(v)
		if err != nil {
			return nil, err
		}
		if s != "" && v != nil {
			out = append(out, s)
		}
	}
	return out, nil
}

// nameScope is the scope of the filters of a hostname.
type nameScope string

func (n nameScope) Lookup(variable string) (any, bool) { return string(n), variable == "name" }

// address finds how the machine is reached, or "".
func (c *Config) address(i *instance.Instance) string {
	order := c.Addresses
	if len(order) == 0 {
		order = defaultAddresses
	}
	for _, kind := range order {
		if a := addressKinds[kind](i.Addresses); a != "" {
			return a
		}
	}
	return ""
}

// SafeHost replaces what Ansible would read as something else in a host's
// name: ranges, ports, patterns, comments, space.
func SafeHost(name string) string {
	if a, err := netip.ParseAddr(name); err == nil && a.Zone() == "" {
		return name
	}
	safe := strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '_'
	}, name)
	if strings.HasPrefix(safe, "-") || strings.HasPrefix(safe, ".") {
		safe = "_" + safe[1:] // an option to some tools, a hidden file to others
	}
	return safe
}

// plainGroup is the name of a group as the script made it that came before the
// plugin: what is no ASCII letter, digit, underscore or hyphen becomes an
// underscore.
func plainGroup(name string, dots bool) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '.' && dots || r < utf8.RuneSelf && identifierByte(byte(r), 1) {
			return r
		}
		return '_'
	}, name)
}

// SafeGroup is the name of a group as Ansible would make it: what is no letter,
// digit or underscore becomes one, and so does a digit at the start.
func SafeGroup(name string) string {
	first := true
	return strings.Map(func(r rune) rune {
		word := r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r)
		if first {
			first = false
			word = r == '_' || unicode.IsLetter(r)
		}
		if word {
			return r
		}
		return '_'
	}, name)
}
