package ansible

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// Inventory is hosts and groups, ready to be written.
type Inventory struct {
	// Hosts by name, in order.
	Hosts []*Host
	// Groups by name, in order. The groups all and ungrouped are Ansible's own
	// and aren't among them.
	Groups []*Group
	// Excluded machines, by key, in order.
	Excluded []Excluded
	// Notes on what was left out of hosts and groups that are there.
	Notes []Note

	config *Config
}

// Host is a machine with a name.
type Host struct {
	Name     string
	Address  string // how it is reached; empty if it has no address
	Instance *instance.Instance
	Worker   *Worker // nil if no worker runs on it
	// Control is true for one host: the one that was launched first. It stays
	// the same as long as it is there.
	Control bool

	composed []variable
	grouped  bool
}

// ByLaunch orders hosts by the time of their launch, then by id and name: a
// machine that is added goes to the end.
func ByLaunch(a, b *Host) int {
	return cmp.Or(a.Instance.Launched.Compare(b.Instance.Launched), cmp.Compare(a.Instance.ID, b.Instance.ID), cmp.Compare(a.Name, b.Name))
}

// Group is a set of hosts and of groups, both in order and without repetition.
type Group struct {
	Name     string
	Hosts    []string
	Children []string
}

// Excluded is a machine that became no host.
type Excluded struct {
	Instance *instance.Instance
	Reason   string
}

// Note tells of a variable or group that was left out for some hosts.
type Note struct {
	// Rule is the part of the configuration: compose.x, groups.y, keyed_groups[0].
	Rule string `json:"rule"`
	// Problem with the first host that had it.
	Problem string `json:"problem"`
	// Host is the first, Hosts how many there are.
	Host  string `json:"host"`
	Hosts int    `json:"hosts"`
}

// ErrCollision: names collide, and the policy is to fail.
var ErrCollision = errors.New("names collide")

// Build makes an inventory of a snapshot. workers finds the fiord worker on a
// machine; it may be nil.
func Build(snapshot *instance.Snapshot, cfg *Config, workers func(*instance.Instance) *Worker) (*Inventory, error) {
	b := &builder{cfg: cfg, inv: &Inventory{config: cfg}, groups: map[string]*protoGroup{}, notes: map[string]*Note{}}
	for i := range snapshot.Instances {
		b.admit(&snapshot.Instances[i], workers)
	}
	if err := b.nameHosts(); err != nil {
		return nil, err
	}
	if len(b.hosts) > 0 {
		slices.MinFunc(b.hosts, ByLaunch).Control = true
	}
	for _, h := range b.hosts {
		if err := b.construct(h); err != nil {
			return nil, fmt.Errorf("host %s: %w", h.Name, err)
		}
	}
	if err := b.nameGroups(); err != nil {
		return nil, err
	}
	return b.finish(), nil
}

// builder is an inventory in the making.
type builder struct {
	cfg    *Config
	inv    *Inventory
	hosts  []*Host
	groups map[string]*protoGroup // by raw name
	notes  map[string]*Note       // by rule

	members []instance.Member // the buffer of scopes
}

// protoGroup is a group under the name that the configuration gives it, before
// that is made one that Ansible allows.
type protoGroup struct {
	raw      string
	hosts    []*Host
	children map[string]bool // raw names
}

func (b *builder) exclude(i *instance.Instance, format string, args ...any) {
	b.inv.Excluded = append(b.inv.Excluded, Excluded{i, fmt.Sprintf(format, args...)})
}

// admit names a machine, or excludes it.
func (b *builder) admit(i *instance.Instance, workers func(*instance.Instance) *Worker) {
	if i.Excluded != "" {
		b.exclude(i, "%s", i.Excluded)
		return
	}
	if i.State == instance.StateTerminated && !b.cfg.KeepTerminated {
		b.exclude(i, "terminated")
		return
	}
	if reason := b.cfg.ruledOut(i); reason != "" {
		b.exclude(i, "%s", reason)
		return
	}
	address := b.cfg.address(i)
	names, err := b.cfg.hostnames(i)
	switch {
	case err != nil:
		b.exclude(i, "%v", err)
		return
	case b.cfg.setsAddress() && address == "" && b.cfg.NoAddress != Keep:
		b.exclude(i, "no address")
		return
	case len(names) == 0 && len(b.cfg.Hostnames) > 0:
		b.exclude(i, "it has none of the hostnames")
		return
	case len(names) == 0 && address == "":
		b.exclude(i, "no name and no address")
		return
	case len(names) == 0:
		names = []string{address}
	}
	for _, name := range names {
		h := &Host{Name: SafeHost(name), Address: address, Instance: i}
		if workers != nil {
			h.Worker = workers(i)
		}
		b.hosts = append(b.hosts, h)
	}
}

// ruledOut says which expression leaves a machine out, "" if none does.
func (c *Config) ruledOut(i *instance.Instance) string {
	if c.Admit != nil {
		if reason := c.Admit(i); reason != "" {
			return reason
		}
	}
	if len(c.Include)+len(c.Exclude) == 0 {
		return ""
	}
	s := c.scope(&Host{Instance: i}, nil)
	holds := func(e Expression) bool {
		truth, err := e.Truth(s)
		return err == nil && truth
	}
	for _, e := range c.Exclude {
		if holds(e) {
			return "ruled out by " + e.String()
		}
	}
	if len(c.Include) > 0 && !slices.ContainsFunc(c.Include, holds) {
		return "none of the filters that include machines holds for it"
	}
	return ""
}

// nameHosts tells hosts with one name apart, by policy.
func (b *builder) nameHosts() error {
	taken := map[string]int{"all": 1, "ungrouped": 1} // groups that are always there
	for _, h := range b.hosts {
		taken[h.Name]++
	}
	return b.settle(func(h *Host) string {
		if taken[h.Name] > 1 {
			return fmt.Sprintf("%d machines are named %s", taken[h.Name], h.Name)
		}
		return ""
	})
}

// settle applies the policy to the hosts that collide says something about.
// The suffix is a machine's own id, so that a name never moves from one
// machine to another.
func (b *builder) settle(collides func(*Host) string) error {
	names := map[string]bool{}
	for _, h := range b.hosts {
		names[h.Name] = true
	}
	kept := b.hosts[:0]
	var rename []*Host
	for _, h := range b.hosts {
		problem := collides(h)
		switch {
		case problem == "":
			kept = append(kept, h)
		case b.cfg.Collisions == Error:
			return fmt.Errorf("%w: %s; set collisions to suffix or list, or choose other hostnames", ErrCollision, problem)
		case b.cfg.Collisions == List:
			b.exclude(h.Instance, "%s", problem)
		default:
			rename = append(rename, h)
		}
	}
	for _, h := range rename {
		name := h.Name + "_" + SafeHost(shortID(h.Instance))
		if names[name] {
			b.exclude(h.Instance, "the names %s and %s are both taken", h.Name, name)
			continue
		}
		names[name] = true
		h.Name = name
		kept = append(kept, h)
	}
	b.hosts = kept
	slices.SortFunc(b.hosts, func(x, y *Host) int { return cmp.Compare(x.Name, y.Name) })
	return nil
}

// shortID is the last part of an id, as some clouds' are paths.
func shortID(i *instance.Instance) string {
	return i.ID[strings.LastIndexByte(i.ID, '/')+1:]
}

// note remembers that a rule didn't work for a host.
func (b *builder) note(rule string, h *Host, problem error) error {
	if b.cfg.Strict {
		return fmt.Errorf("%s: %w", rule, problem)
	}
	n := b.notes[rule]
	if n == nil {
		n = &Note{Rule: rule, Problem: problem.Error(), Host: h.Name}
		b.notes[rule] = n
	}
	n.Hosts++
	return nil
}

// nameGroups gives groups the names that Ansible allows. Raw names that become
// one name collide; the one that needed no change keeps it.
func (b *builder) nameGroups() error {
	raws := sortedKeys(b.groups)
	claims := map[string][]string{}
	for _, raw := range raws {
		claims[b.safeGroup(raw)] = append(claims[b.safeGroup(raw)], raw)
	}
	names := map[string]string{} // by raw name; absent if left out
	for _, raw := range raws {
		safe := b.safeGroup(raw)
		rivals := claims[safe]
		switch {
		case len(rivals) == 1 || raw == safe || b.cfg.AsPlugin:
			names[raw] = safe
		case b.cfg.Collisions == Error:
			return fmt.Errorf("%w: groups %s all become %s", ErrCollision, strings.Join(rivals, ", "), safe)
		case b.cfg.Collisions == List:
			b.inv.Notes = append(b.inv.Notes, Note{
				Rule: "group " + raw, Problem: "collides as " + safe + " with " + strings.Join(rivals, ", "),
				Host: b.groups[raw].first(), Hosts: len(b.groups[raw].hosts),
			})
		case raw == rivals[0] && !slices.Contains(rivals, safe):
			names[raw] = safe
		default:
			names[raw] = safe + "_" + hash(raw)
		}
	}
	return b.materialise(names)
}

func (b *builder) safeGroup(raw string) string {
	if b.cfg.PlainGroups {
		return plainGroup(raw, b.cfg.DottedGroups)
	}
	return SafeGroup(raw)
}

func (p *protoGroup) first() string {
	if len(p.hosts) == 0 {
		return ""
	}
	return p.hosts[0].Name
}

// materialise makes the groups under their names, after hosts that are named
// like one have been dealt with.
func (b *builder) materialise(names map[string]string) error {
	isGroup := map[string]bool{}
	for _, name := range names {
		isGroup[name] = true
	}
	err := b.settle(func(h *Host) string {
		if isGroup[h.Name] && !b.cfg.AsPlugin {
			return fmt.Sprintf("a machine and a group are named %s", h.Name)
		}
		return ""
	})
	if err != nil {
		return err
	}
	alive := make(map[*Host]bool, len(b.hosts))
	for _, h := range b.hosts {
		alive[h] = true
	}
	made := map[string]*Group{} // groups of several raw names are one
	for _, raw := range sortedKeys(names) {
		name := names[raw]
		g := made[name]
		if g == nil {
			g = &Group{Name: name}
			made[name] = g
			b.inv.Groups = append(b.inv.Groups, g)
		}
		for _, h := range b.groups[raw].hosts {
			if alive[h] {
				h.grouped = true
				g.Hosts = append(g.Hosts, h.Name)
			}
		}
		for child := range b.groups[raw].children {
			if childName, ok := names[child]; ok && childName != name {
				g.Children = append(g.Children, childName)
			}
		}
	}
	for _, g := range b.inv.Groups {
		slices.Sort(g.Hosts)
		g.Hosts = slices.Compact(g.Hosts)
		slices.Sort(g.Children)
		g.Children = slices.Compact(g.Children)
	}
	slices.SortFunc(b.inv.Groups, func(x, y *Group) int { return cmp.Compare(x.Name, y.Name) })
	b.breakLoops()
	return nil
}

// finish puts everything into its order.
func (b *builder) finish() *Inventory {
	b.inv.Hosts = b.hosts
	for _, rule := range sortedKeys(b.notes) {
		b.inv.Notes = append(b.inv.Notes, *b.notes[rule])
	}
	slices.SortFunc(b.inv.Excluded, func(x, y Excluded) int { return cmp.Compare(x.Instance.Key(), y.Instance.Key()) })
	return b.inv
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
