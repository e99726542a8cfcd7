package place

import (
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/internal/constraint"
	"github.com/fiord-bench/fiord/internal/registry"
)

// DefaultPool is where a bench without targets goes.
const DefaultPool = "default"

// Fleet is what is known of hosts when a bench is placed.
type Fleet struct {
	// Hosts that have announced themselves, alive or not.
	Hosts []registry.Sighting
	// Pools that the operator declared: work for them waits for workers even
	// when there are none yet.
	Pools []string
	// Groups of the newest inventory, by name: the names and addresses of
	// their hosts. Nil when no inventory has been generated.
	Groups map[string][]Member
}

// Member is a host of an inventory group.
type Member struct {
	// Name in the inventory.
	Name string
	// Addresses the discovered instance has, by which its worker is recognised.
	Addresses []string
}

// knows says whether the pool is declared or some live host serves it.
func (f Fleet) knows(pool string) bool {
	return slices.Contains(f.Pools, pool) || len(f.pool(pool)) > 0
}

// pool lists the live hosts that serve the pool.
func (f Fleet) pool(name string) []registry.Sighting {
	var in []registry.Sighting
	for _, h := range f.Hosts {
		if h.Alive && h.InPool(name) {
			in = append(in, h)
		}
	}
	return in
}

// pools lists every pool there is, for messages.
func (f Fleet) pools() []string {
	all := slices.Clone(f.Pools)
	for _, h := range f.Hosts {
		if h.Alive {
			all = append(all, h.Pools...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// named finds the live host of that name.
func (f Fleet) named(name string) (registry.Sighting, bool) {
	for _, h := range f.Hosts {
		if h.Alive && h.Name == name {
			return h, true
		}
	}
	return registry.Sighting{}, false
}

// worker finds the live host that an inventory's member is: by its name, or
// by an address that both know.
func (f Fleet) worker(m Member) (registry.Sighting, bool) {
	if h, ok := f.named(m.Name); ok {
		return h, true
	}
	for _, h := range f.Hosts {
		if h.Alive && slices.ContainsFunc(h.Addresses, func(a string) bool { return recognises(m, a) }) {
			return h, true
		}
	}
	return registry.Sighting{}, false
}

// recognises says whether the address is the member's. Addresses of the host
// itself are every host's, and tell nothing.
func recognises(m Member, address string) bool {
	if address == "" || address == "::1" || strings.HasPrefix(address, "127.") || address == "localhost" {
		return false
	}
	return address == m.Name || slices.Contains(m.Addresses, address)
}

// factsOf is what constraints see of a host.
func factsOf(h registry.Sighting) constraint.Facts {
	return constraint.Facts{Values: h.AllFacts(), Containers: h.Containers}
}
