package ansible

import (
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"github.com/tidwall/gjson"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// addressKinds are what Config.Addresses may name.
var addressKinds = map[string]func(instance.Addresses) string{
	"public":      func(a instance.Addresses) string { return a.PublicIPv4 },
	"private":     func(a instance.Addresses) string { return a.PrivateIPv4 },
	"ipv6":        func(a instance.Addresses) string { return a.IPv6 },
	"public_dns":  func(a instance.Addresses) string { return a.PublicDNS },
	"private_dns": func(a instance.Addresses) string { return a.PrivateDNS },
}

// attributes are what a host's name may be taken from, by the names that EC2's
// filters have.
var attributes = map[string]func(*instance.Instance) string{
	"dns-name":           func(i *instance.Instance) string { return i.Addresses.PublicDNS },
	"private-dns-name":   func(i *instance.Instance) string { return i.Addresses.PrivateDNS },
	"ip-address":         func(i *instance.Instance) string { return i.Addresses.PublicIPv4 },
	"private-ip-address": func(i *instance.Instance) string { return i.Addresses.PrivateIPv4 },
	"ipv6-address":       func(i *instance.Instance) string { return i.Addresses.IPv6 },
	"instance-id":        func(i *instance.Instance) string { return i.ID },
	"name":               func(i *instance.Instance) string { return i.Name },
	"instance-type":      func(i *instance.Instance) string { return i.Type },
	"image-id":           func(i *instance.Instance) string { return i.Image },
	"key-name":           func(i *instance.Instance) string { return i.KeyName },
	"availability-zone":  func(i *instance.Instance) string { return i.Zone },
	"instance-lifecycle": func(i *instance.Instance) string { return i.Lifecycle },
	"vpc-id":             rawAttribute("vpc_id"),
	"subnet-id":          rawAttribute("subnet_id"),
	"architecture":       rawAttribute("architecture"),
	"platform":           rawAttribute("platform"),
	"placement-group-name": func(i *instance.Instance) string {
		return gjson.GetBytes(i.Vars, "placement.group_name").String()
	},
	"owner-id":       rawAttribute("owner_id"),
	"reservation-id": rawAttribute("reservation_id"),
}

func rawAttribute(name string) func(*instance.Instance) string {
	return func(i *instance.Instance) string { return gjson.GetBytes(i.Vars, name).String() }
}

func isNameSource(name string) bool {
	_, known := attributes[name]
	return known || strings.HasPrefix(name, "tag:") && len(name) > len("tag:")
}

func nameSources() []string {
	names := make([]string, 0, len(attributes))
	for n := range attributes {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// defaultHostnames are the plugin's.
var defaultHostnames = []Hostname{{Name: "dns-name"}, {Name: "private-dns-name"}}

// defaultAddresses is the order in which a machine is reached.
var defaultAddresses = []string{"public", "private", "ipv6"}

// hostname finds the machine's name by preference, or "".
func (c *Config) hostname(i *instance.Instance) string {
	preferences := c.Hostnames
	if len(preferences) == 0 {
		preferences = defaultHostnames
	}
	for _, p := range preferences {
		name := attribute(i, p.Name)
		if name == "" {
			continue
		}
		if p.Prefix != "" {
			if prefix := attribute(i, p.Prefix); prefix != "" {
				separator := p.Separator
				if separator == "" {
					separator = "_"
				}
				return prefix + separator + name
			}
		}
		return name
	}
	return ""
}

// attribute is the value of one name source, or "".
func attribute(i *instance.Instance, source string) string {
	if get, ok := attributes[source]; ok {
		return get(i)
	}
	for tag := range strings.SplitSeq(strings.TrimPrefix(source, "tag:"), ",") {
		key, want, hasValue := strings.Cut(tag, "=")
		value := i.Tags[key]
		switch {
		case hasValue && value == want && value != "":
			return key + "_" + value
		case !hasValue && value != "":
			return value
		}
	}
	return ""
}

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

// safeHost replaces what Ansible would read as something else in a host's
// name: ranges, ports, patterns, comments, space.
func safeHost(name string) string {
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
