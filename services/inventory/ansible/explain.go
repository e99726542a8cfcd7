package ansible

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/services/inventory/instance"
	"github.com/fiord-bench/fiord/services/inventory/jinja"
)

// Explain says of a machine, by a host's name, an id or an address, why it is
// in the inventory or not, and why it is named and grouped as it is: a line for
// each reason. Nothing is returned of what the inventory doesn't know.
func (inv *Inventory) Explain(name string) []string {
	var lines []string
	for _, e := range inv.Excluded {
		if names(e.Instance, name) {
			lines = append(lines, fmt.Sprintf("%s is out: %s", label(e.Instance), e.Reason))
		}
	}
	for _, h := range inv.Hosts {
		if h.Name == name || names(h.Instance, name) {
			lines = append(lines, inv.explain(h)...)
		}
	}
	return lines
}

func names(i *instance.Instance, name string) bool {
	return name == i.ID || name == i.Name || slices.Contains(i.Addresses.All(), name)
}

func label(i *instance.Instance) string {
	if i.Name == "" || i.Name == i.ID {
		return i.ID
	}
	return i.ID + " (" + i.Name + ")"
}

func (inv *Inventory) explain(h *Host) []string {
	c := inv.config
	lines := []string{fmt.Sprintf("%s is in: %s of %s, %s", h.Name, label(h.Instance), h.Instance.Provider, h.Instance.State)}
	lines = append(lines, "name: "+c.whyNamed(h))
	switch {
	case h.Address == "":
		lines = append(lines, "ansible_host: not set, the machine has no address")
	case !c.setsAddress():
		lines = append(lines, "ansible_host: left to compose, as there are hostnames and no addresses")
	default:
		lines = append(lines, "ansible_host: "+h.Address)
	}
	s := c.scope(h, nil)
	for _, name := range sortedKeys(c.Compose) {
		v, err := c.Compose[name].eval(s)
		lines = append(lines, "compose "+name+": "+outcome(v, err))
	}
	s.composed = h.composed
	var reasons []string
	if g := sourceGroups[h.Instance.Provider]; g != "" {
		reasons = append(reasons, fmt.Sprintf("in %s: every host of %s is", g, h.Instance.Provider))
	}
	for _, name := range sortedKeys(c.Groups) {
		in, err := c.Groups[name].Truth(s)
		word := "not in"
		if in && err == nil {
			word = "in"
		}
		reasons = append(reasons, fmt.Sprintf("%s %s: %s", word, SafeGroup(name), because(c.Groups[name].String(), err)))
	}
	for i := range c.KeyedGroups {
		reasons = append(reasons, c.KeyedGroups[i].why(s, c, i))
	}
	return append(lines, reasons...)
}

// whyNamed says which preference a host's name comes from.
func (c *Config) whyNamed(h *Host) string {
	preferences, whose := []Hostname(c.Hostnames), "hostnames"
	if len(preferences) == 0 {
		preferences, whose = defaultHostnames, "the default hostnames"
	}
	for i, p := range preferences {
		found, err := p.names(h.Instance)
		for _, name := range found {
			if safe := SafeHost(name); err == nil && (safe == h.Name || strings.HasPrefix(h.Name, safe+"_")) {
				why := fmt.Sprintf("%s[%d], %s, is %q", whose, i, p.Name, name)
				if safe != name {
					why += ", less what Ansible's formats have another meaning for"
				}
				if safe != h.Name {
					why += "; its id tells it from another of that name"
				}
				return why
			}
		}
	}
	return "its address, as it has none of " + whose
}

func (k *KeyedGroup) why(s scope, c *Config, i int) string {
	where := fmt.Sprintf("keyed_groups[%d], %s", i, k.Key)
	v, err := k.Key.eval(s)
	if err != nil {
		return "no group of " + because(where, err)
	}
	found, err := k.names(v)
	if err != nil || len(found) == 0 {
		return "no group of " + because(where+" (empty)", err)
	}
	separator := k.separator()
	if k.Prefix == "" && !c.leadingSeparator() {
		separator = ""
	}
	for n := range found {
		found[n] = SafeGroup(k.Prefix + separator + found[n])
	}
	return fmt.Sprintf("in %s: %s", strings.Join(found, ", "), where)
}

func because(rule string, err error) string {
	if err != nil {
		return rule + ", which has no value: " + err.Error()
	}
	return rule
}

func outcome(v any, err error) string {
	if err != nil {
		return "left out: " + err.Error()
	}
	text, err := jinja.Text(v)
	if err != nil {
		return "left out: " + err.Error()
	}
	return text
}

// Graph draws the groups as ansible-inventory --graph does.
func (inv *Inventory) Graph() string {
	byName, isChild := map[string]*Group{}, map[string]bool{}
	for _, g := range inv.Groups {
		byName[g.Name] = g
		for _, child := range g.Children {
			isChild[child] = true
		}
	}
	var b strings.Builder
	b.WriteString("@all:\n  |--@ungrouped:\n")
	for _, h := range inv.Hosts {
		if !h.grouped {
			fmt.Fprintf(&b, "  |  |--%s\n", h.Name)
		}
	}
	var draw func(g *Group, depth string)
	draw = func(g *Group, depth string) {
		fmt.Fprintf(&b, "%s|--@%s:\n", depth, g.Name)
		for _, child := range g.Children {
			draw(byName[child], depth+"|  ")
		}
		for _, h := range g.Hosts {
			fmt.Fprintf(&b, "%s|  |--%s\n", depth, h)
		}
	}
	for _, g := range inv.Groups {
		if !isChild[g.Name] {
			draw(g, "  ")
		}
	}
	return b.String()
}
