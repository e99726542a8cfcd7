package ansible

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// reported is one machine's line in the report.
type reported struct {
	Instance string `json:"instance"`
	// Host it became, or why it became none.
	Host     string `json:"host,omitempty"`
	Excluded string `json:"excluded,omitempty"`
	Stale    bool   `json:"stale,omitempty"`
}

// WriteReport accounts for every machine: a JSON object with the sources, the
// notes, and a line for each machine.
func (inv *Inventory) WriteReport(w io.Writer, sources []instance.Status) error {
	b := bufio.NewWriterSize(w, 1<<16)
	head, err := json.Marshal(map[string]any{"sources": sources, "notes": inv.Notes})
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	b.Write(head[:len(head)-1])
	b.WriteString(`,"instances":[`)
	first := true
	line := func(r reported) error {
		raw, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("write report: %w", err)
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		b.WriteByte('\n')
		b.Write(raw)
		return nil
	}
	for _, h := range inv.Hosts {
		if err := line(reported{Instance: h.Instance.Key(), Host: h.Name, Stale: h.Instance.Stale}); err != nil {
			return err
		}
	}
	for _, e := range inv.Excluded {
		if err := line(reported{Instance: e.Instance.Key(), Excluded: e.Reason, Stale: e.Instance.Stale}); err != nil {
			return err
		}
	}
	b.WriteString("\n]}\n")
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// Members lists the hosts of each group, those of its child groups included.
func (inv *Inventory) Members() map[string][]string {
	byName := make(map[string]*Group, len(inv.Groups))
	for _, g := range inv.Groups {
		byName[g.Name] = g
	}
	all := make(map[string][]string, len(inv.Groups))
	for _, g := range inv.Groups {
		members := map[string]bool{}
		collect(byName, g, members)
		all[g.Name] = slices.Sorted(maps.Keys(members))
	}
	return all
}

// collect walks a group; there are no loops in an inventory that was built.
func collect(byName map[string]*Group, g *Group, members map[string]bool) {
	for _, h := range g.Hosts {
		members[h] = true
	}
	for _, child := range g.Children {
		collect(byName, byName[child], members)
	}
}
