package place

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/constraint"
	"github.com/fiord-bench/fiord/internal/registry"
)

// owner is who a slot goes to: exactly one of both is set.
type owner struct {
	host, pool string
}

// choice is the outcome of resolving targets.
type choice struct {
	owners   []owner
	excluded []Exclusion
}

// chooser resolves the targets of one bench.
type chooser struct {
	bench   string
	targets events.Targets
	where   constraint.Set
	fleet   Fleet
	// now leaves out named hosts that are absent instead of waiting for them.
	now bool
}

// choose resolves targets to owners of slots. Its error is an *Unplaced.
func choose(bench string, t events.Targets, f Fleet, now bool) (choice, error) {
	if len(t.Hosts) == 0 && t.Group == "" && t.Pool == "" && t.Count == "" {
		t.Pool = DefaultPool
	}
	c := chooser{bench: bench, targets: t, fleet: f, now: now}
	if u := c.parse(); u != nil {
		return choice{}, u
	}
	var found choice
	var u *Unplaced
	switch {
	case len(t.Hosts) > 0:
		found, u = c.hosts()
	case t.Group != "":
		found, u = c.group()
	case t.Pool != "" && t.Count == "":
		found, u = c.pool()
	default:
		found, u = c.anyone()
	}
	if u != nil {
		return choice{}, u
	}
	return found, nil
}

// parse reads the constraints and refuses targets that contradict themselves.
func (c *chooser) parse() *Unplaced {
	for i, text := range c.targets.Where {
		parsed, err := constraint.Parse(text)
		if err != nil {
			return refuse(RuleSyntax, fmt.Sprintf("targets.where[%d]", i), "%v", err)
		}
		c.where = append(c.where, parsed)
	}
	if c.targets.Slots > 1 && (c.targets.Pool == "" || c.targets.Count != "") {
		return refuse(RuleTargets, "targets.slots", "slots spreads the points of a bench over a pool; it needs pool, and no count")
	}
	return nil
}

// hosts makes a slot for each name. Names were chosen by a person, so that an
// absent host is waited for; one that is there and doesn't meet the
// constraints is left out. Those of a bench that confirms another were chosen
// because they measured a moment ago: a verdict doesn't wait for one to return.
func (c *chooser) hosts() (choice, *Unplaced) {
	var present []registry.Sighting
	var absent []owner
	names := unique(c.targets.Hosts)
	for _, name := range names {
		if h, alive := c.fleet.named(name); alive {
			present = append(present, h)
		} else {
			absent = append(absent, owner{host: name})
		}
	}
	fit, excluded := c.filter(present)
	if c.now {
		for _, o := range absent {
			excluded = append(excluded, Exclusion{Host: o.host, Why: "gone since it measured what is to be confirmed", Absent: true})
		}
		absent = nil
	}
	found := choice{excluded: excluded}
	for _, h := range fit {
		found.owners = append(found.owners, owner{host: h.Name})
	}
	found.owners = append(found.owners, absent...)
	if n, limited := c.count(); limited {
		if len(found.owners) < n {
			u := c.tooFew("hosts", len(found.owners), n, excluded)
			u.Absent = false // names that aren't given don't turn up
			return choice{}, u
		}
		// Hosts that are there before hosts that would be waited for.
		found.owners = found.owners[:n]
	}
	if len(found.owners) == 0 {
		return choice{}, nobody("hosts "+brief(names), c.where, excluded)
	}
	slices.SortFunc(found.owners, func(a, b owner) int {
		return cmp.Compare(slices.Index(names, a.host), slices.Index(names, b.host))
	})
	return found, nil
}

// group makes a slot for each live host of an inventory group.
func (c *chooser) group() (choice, *Unplaced) {
	name := c.targets.Group
	members, known := c.fleet.Groups[name]
	if c.fleet.Groups == nil {
		return choice{}, refuse(RuleTargets, "targets.group", "group %q: no inventory has been generated yet; run fiord discover", name)
	}
	if !known {
		return choice{}, refuse(RuleTargets, "targets.group", "group %q isn't in the inventory, which has %s", name, brief(sortedKeys(c.fleet.Groups)))
	}
	var live []registry.Sighting
	var absent []Exclusion
	seen := map[string]bool{}
	for _, m := range members {
		h, ok := c.fleet.worker(m)
		if !ok {
			absent = append(absent, Exclusion{Host: m.Name, Why: "in the inventory, but no worker has announced itself", Absent: true})
			continue
		}
		if !seen[h.Name] {
			seen[h.Name] = true
			live = append(live, h)
		}
	}
	return c.take("group "+name, live, absent)
}

// pool makes slots that any worker of the pool may take. A declared pool with
// no workers waits for them, as a pool that is scaled by its queue has none
// until there is work.
func (c *chooser) pool() (choice, *Unplaced) {
	name := c.targets.Pool
	live := c.fleet.pool(name)
	if len(live) == 0 && !c.fleet.knows(name) {
		u := refuse(RuleAbsent, "targets.pool", "no worker serves the pool %q; there is %s", name, brief(c.fleet.pools()))
		u.Absent = true
		return choice{}, u
	}
	fit, excluded := c.filter(live)
	excluded = append(excluded, c.silent(name)...)
	if len(live) > 0 && len(fit) == 0 {
		return choice{}, nobody("pool "+name, c.where, excluded)
	}
	return choice{owners: slices.Repeat([]owner{{pool: name}}, max(c.targets.Slots, 1)), excluded: excluded}, nil
}

// anyone takes named hosts out of a pool, or out of all hosts.
func (c *chooser) anyone() (choice, *Unplaced) {
	if c.targets.Pool != "" {
		return c.take("pool "+c.targets.Pool, c.fleet.pool(c.targets.Pool), c.silent(c.targets.Pool))
	}
	var live []registry.Sighting
	for _, h := range c.fleet.Hosts {
		if h.Alive {
			live = append(live, h)
		}
	}
	return c.take("all hosts", live, c.silent(""))
}

// silent are the hosts of a pool, or of all if it is empty, that have announced
// themselves and stopped beating.
func (c *chooser) silent(pool string) (excluded []Exclusion) {
	for _, h := range c.fleet.Hosts {
		if !h.Alive && (pool == "" || h.InPool(pool)) {
			excluded = append(excluded, Exclusion{Host: h.Name, Why: "silent, its worker has stopped beating", Absent: true})
		}
	}
	return excluded
}

// take makes slots of the candidates that will do: all, or the count best.
func (c *chooser) take(selector string, candidates []registry.Sighting, excluded []Exclusion) (choice, *Unplaced) {
	var ready []registry.Sighting
	for _, h := range candidates {
		if h.Draining {
			excluded = append(excluded, Exclusion{Host: h.Name, Why: "draining, takes nothing new"})
			continue
		}
		ready = append(ready, h)
	}
	fit, missed := c.filter(ready)
	excluded = append(excluded, missed...)
	if len(fit) == 0 {
		return choice{}, nobody(selector, c.where, excluded)
	}
	if n, limited := c.count(); limited {
		if len(fit) < n {
			return choice{}, c.tooFew(selector, len(fit), n, excluded)
		}
		fit = c.best(fit, n)
	}
	slices.SortFunc(fit, func(a, b registry.Sighting) int { return cmp.Compare(a.Name, b.Name) })
	found := choice{excluded: excluded}
	for _, h := range fit {
		found.owners = append(found.owners, owner{host: h.Name})
	}
	return found, nil
}

// filter holds hosts against the constraints.
func (c *chooser) filter(hosts []registry.Sighting) (fit []registry.Sighting, excluded []Exclusion) {
	if len(c.where) == 0 {
		return hosts, nil
	}
	for _, h := range hosts {
		if r := c.where.Evaluate(factsOf(h)); r.OK() {
			fit = append(fit, h)
		} else {
			excluded = append(excluded, Exclusion{Host: h.Name, Misses: r.Misses, Why: "doesn't meet the constraints"})
		}
	}
	return fit, excluded
}

// best ranks hosts: by soft constraints met, then by how busy they are, then
// by a hash of bench and host, so that small benches spread over equal hosts
// and a decision taken again is the same.
func (c *chooser) best(hosts []registry.Sighting, n int) []registry.Sighting {
	type rated struct {
		registry.Sighting
		preferred int
		busy      float64
		lot       string
	}
	all := make([]rated, len(hosts))
	for i, h := range hosts {
		all[i] = rated{
			Sighting:  h,
			preferred: c.where.Evaluate(factsOf(h)).Preferred,
			busy:      float64(len(h.Running)+h.Waiting) / float64(max(h.Capacity, 1)),
			lot:       events.HashID("lot", c.bench, h.Name),
		}
	}
	slices.SortFunc(all, func(a, b rated) int {
		return cmp.Or(cmp.Compare(b.preferred, a.preferred), cmp.Compare(a.busy, b.busy), cmp.Compare(a.lot, b.lot))
	})
	chosen := make([]registry.Sighting, n)
	for i := range chosen {
		chosen[i] = all[i].Sighting
	}
	return chosen
}

// count is how many hosts are asked for, if not all.
func (c *chooser) count() (int, bool) {
	n, err := strconv.Atoi(c.targets.Count)
	return n, err == nil
}

// tooFew is the error of a count that can't be met.
func (c *chooser) tooFew(selector string, have, want int, excluded []Exclusion) *Unplaced {
	u := nobody(selector, c.where, excluded)
	u.Problems[0].Option = "targets.count"
	u.Problems[0].Message = clip(fmt.Sprintf("%s: %d hosts are wanted and %d will do%s", selector, want, have, tally(c.where, excluded)))
	return u
}

func unique(names []string) []string {
	var once []string
	for _, n := range names {
		if !slices.Contains(once, n) {
			once = append(once, n)
		}
	}
	return once
}

// brief lists names for a message, some of them if there are many.
func brief(names []string) string {
	const most = 12
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
