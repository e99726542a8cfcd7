package ansible

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/fiord-bench/fiord/services/inventory/instance"
	"github.com/fiord-bench/fiord/services/inventory/jinja"
)

// construct composes a host's variables and puts it into its groups.
func (b *builder) construct(h *Host) error {
	s := b.cfg.scope(h, b.members)
	b.members = s.raw
	if group := sourceGroups[h.Instance.Provider]; group != "" {
		b.group(group).add(h)
	}
	for _, name := range sortedKeys(b.cfg.Compose) {
		v, err := b.cfg.Compose[name].eval(s)
		if err != nil {
			if err := b.note("compose."+name, h, err); err != nil {
				return err
			}
			continue
		}
		h.composed = append(h.composed, variable{name: name, value: detached(v), risky: true})
	}
	s.composed = h.composed
	for _, name := range sortedKeys(b.cfg.Groups) {
		in, err := b.cfg.Groups[name].Truth(s)
		if err != nil {
			if err := b.note("groups."+name, h, err); err != nil {
				return err
			}
			continue
		}
		if in {
			b.group(name).add(h)
		}
	}
	for i := range b.cfg.KeyedGroups {
		if err := b.keyed(h, s, i); err != nil {
			if err := b.note(fmt.Sprintf("keyed_groups[%d]", i), h, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// sourceGroups are the groups of all hosts of a provider, by the names that
// Ansible's plugins give them.
var sourceGroups = map[string]string{
	instance.AWS: "aws_ec2", instance.GCP: "gcp_compute", instance.Azure: "azure_rm", instance.OpenStack: "openstack",
	instance.DigitalOcean: "digitalocean", instance.Hetzner: "hcloud", instance.Proxmox: "proxmox", instance.Libvirt: "libvirt",
	instance.DockerMachine: "docker_machine", instance.Docker: "docker_engines", instance.Fiord: "fiord_workers",
}

// detached is the value without the document that it is a part of: a copy of a
// host's address must not hold all that is known of the host.
func detached(v any) any {
	switch v := v.(type) {
	case string:
		return strings.Clone(v)
	case gjson.Result:
		return gjson.Parse(strings.Clone(v.Raw))
	case []any:
		items := make([]any, len(v))
		for i, item := range v {
			items[i] = detached(item)
		}
		return items
	case *jinja.Dict:
		d := jinja.NewDict()
		v.ForEach(func(key, value any) bool {
			d.Set(detached(key), detached(value))
			return true
		})
		return d
	}
	return v
}

// group is the group of a raw name, made when it is first needed.
func (b *builder) group(raw string) *protoGroup {
	g := b.groups[raw]
	if g == nil {
		raw = strings.Clone(raw)
		g = &protoGroup{raw: raw, children: map[string]bool{}}
		b.groups[raw] = g
	}
	return g
}

func (p *protoGroup) add(h *Host) { p.hosts = append(p.hosts, h) }

// keyed puts a host into the groups that one keyed group makes for it.
func (b *builder) keyed(h *Host, s scope, i int) error {
	k := &b.cfg.KeyedGroups[i]
	v, err := k.Key.eval(s)
	if err != nil {
		return err
	}
	names, err := k.names(v)
	if err != nil {
		return err
	}
	if len(names) == 0 && bool(b.cfg.Strict) && isNothing(v) {
		return fmt.Errorf("expression %q is empty", k.Key)
	}
	parent := ""
	if !k.ParentGroup.empty() {
		if parent, err = k.ParentGroup.Render(s); err != nil {
			return err
		}
	}
	separator := k.separator()
	if k.Prefix == "" && !b.cfg.leadingSeparator() {
		separator = ""
	}
	for _, name := range names {
		raw := k.Prefix + separator + name
		b.group(raw).add(h)
		if parent != "" {
			b.group(parent).children[raw] = true
		}
	}
	return nil
}

func (k *KeyedGroup) separator() string {
	if k.Separator == nil {
		return "_"
	}
	return *k.Separator
}

// isNothing is what strict refuses as a key: nothing, but not an empty list or
// dict, which are proper ways of having no groups.
func isNothing(v any) bool {
	return v == nil || v == "" || v == false
}

// names are the groups that a value stands for, without prefix: a text is one,
// a list one for each item, a dict one for each key and value.
func (k *KeyedGroup) names(v any) ([]string, error) {
	if isNothing(v) && (k.DefaultValue == nil || v != "") {
		return nil, nil
	}
	if r, ok := v.(gjson.Result); ok && r.IsObject() {
		return k.namesOfDict(func(each func(key, value any) bool) {
			r.ForEach(func(key, value gjson.Result) bool { return each(key.Str, value) })
		})
	}
	if d, ok := v.(*jinja.Dict); ok {
		return k.namesOfDict(d.ForEach)
	}
	items, isList := jinja.Items(v)
	if !isList {
		items = []any{v}
	}
	names := make([]string, 0, len(items))
	for _, item := range items {
		name, err := jinja.Text(item)
		if err != nil {
			return nil, fmt.Errorf("expression %q: %w", k.Key, err)
		}
		if name == "" && k.DefaultValue != nil {
			name = *k.DefaultValue
		}
		names = append(names, name)
	}
	return names, nil
}

func (k *KeyedGroup) namesOfDict(forEach func(func(key, value any) bool)) (names []string, err error) {
	forEach(func(key, value any) bool {
		var head, text string
		if head, err = jinja.Text(key); err == nil {
			text, err = jinja.Text(value)
		}
		if err != nil {
			err = fmt.Errorf("expression %q: key %s: %w", k.Key, head, err)
			return false
		}
		name := head + k.separator() + text
		switch {
		case text != "":
		case k.DefaultValue != nil:
			name = head + k.separator() + *k.DefaultValue
		case k.TrailingSeparator != nil && !bool(*k.TrailingSeparator):
			name = head
		}
		names = append(names, name)
		return true
	})
	return names, err
}

// hash tells raw names apart that become one name.
func hash(raw string) string {
	sum := sha256.Sum256([]byte(raw))
	return hex.EncodeToString(sum[:3])
}

// breakLoops removes child groups that would contain themselves, which Ansible
// refuses with the whole inventory.
func (b *builder) breakLoops() {
	byName := map[string]*Group{}
	for _, g := range b.inv.Groups {
		byName[g.Name] = g
	}
	const entered, left = 1, 2
	state := map[string]int{}
	var visit func(g *Group)
	visit = func(g *Group) {
		state[g.Name] = entered
		g.Children = slices.DeleteFunc(g.Children, func(child string) bool {
			switch state[child] {
			case entered:
				b.inv.Notes = append(b.inv.Notes, Note{Rule: "group " + g.Name, Problem: "its child " + child + " contains it; left out"})
				return true
			case left:
				return false
			}
			visit(byName[child])
			return false
		})
		state[g.Name] = left
	}
	for _, g := range b.inv.Groups {
		if state[g.Name] == 0 {
			visit(g)
		}
	}
}
