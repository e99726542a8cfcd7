package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/inventory"
	"github.com/fiord-bench/fiord/services/inventory/ansible"
)

// newestInventory shows the newest inventory of a running fiord.
func (p *program) newestInventory(ctx context.Context, o inventoryOptions) error {
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	latest, err := newestOf(ctx, client)
	if err != nil {
		return err
	}
	if latest == nil {
		return errors.New("there is no inventory yet: ask the configured sources with fiord discover, or pipe machines into fiord discover -")
	}
	switch {
	case o.graph || len(o.templates) > 0:
		return badInput(errors.New("--graph and --template are for documents and configurations; of a running fiord ansible-inventory --graph takes the inventory from fiord inventory --format yaml"))
	case o.host != "" || o.list || o.format != "":
		return p.printStored(ctx, client, latest, o)
	}
	return p.printSummary(ctx, client, latest, o.explain)
}

// printStored prints one file of an inventory.
func (p *program) printStored(ctx context.Context, client *connection.Client, latest *inventory.Latest, o inventoryOptions) error {
	name := o.file()
	if o.host != "" {
		name = ansible.FileScript
	}
	i := slices.IndexFunc(latest.Files, func(f events.Artifact) bool { return f.Name == name })
	if i < 0 {
		return fmt.Errorf("inventory %s has no %s", latest.Inventory, name)
	}
	raw, err := client.Store.ReadAll(ctx, latest.Files[i].ClaimCheck, maxInstances)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if o.host != "" {
		return p.printHost(raw, o.host)
	}
	_, err = p.stdout.Write(raw)
	return err
}

// accounted is a machine in an inventory's report.
type accounted struct {
	Instance, Host, Excluded string
	Stale                    bool
}

// printSummary says what the newest inventory has, what it left out and why; or
// all of that about one machine.
func (p *program) printSummary(ctx context.Context, client *connection.Client, latest *inventory.Latest, only string) error {
	var report struct {
		Notes     []ansible.Note
		Instances []accounted
	}
	if latest.Report != nil {
		raw, err := client.Store.ReadAll(ctx, *latest.Report, maxInstances)
		if err == nil {
			err = json.Unmarshal(raw, &report)
		}
		if err != nil {
			return fmt.Errorf("read the report of inventory %s: %w", latest.Inventory, err)
		}
	}
	if p.json {
		return p.printJSON(map[string]any{"inventory": latest.InventoryGenerated, "notes": report.Notes, "instances": report.Instances})
	}
	if only != "" {
		return p.explainStored(report.Instances, only)
	}
	state := "complete"
	if !latest.Complete {
		state = "incomplete: a source failed, its machines are as they were"
	}
	c := latest.Counts
	if _, err := fmt.Fprintf(p.stdout, "inventory %s of %s, %s\n%s, %s, %d left out; before that %d added, %d removed, %d changed\n",
		latest.Inventory, latest.At.Format("2006-01-02 15:04:05 MST"), state,
		screen.Plural(c.Emitted, "host"), screen.Plural(c.Groups, "group"), c.Excluded, c.Added, c.Removed, c.Changed); err != nil {
		return err
	}
	reasons := map[string]int{}
	for _, i := range report.Instances {
		if i.Excluded != "" {
			reasons[i.Excluded]++
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		if _, err := fmt.Fprintf(p.stdout, "left out %d: %s\n", reasons[reason], screen.Clean(reason)); err != nil {
			return err
		}
	}
	for _, n := range report.Notes {
		if _, err := fmt.Fprintf(p.stdout, "%s: %s (%s, first %s)\n", n.Rule, screen.Clean(n.Problem), screen.Plural(n.Hosts, "host"), n.Host); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) explainStored(machines []accounted, name string) error {
	found := false
	for _, i := range machines {
		if i.Host != name && i.Instance != name && lastPart(i.Instance) != name {
			continue
		}
		found = true
		line := i.Instance + " is the host " + i.Host
		if i.Excluded != "" {
			line = i.Instance + " is out: " + i.Excluded
		}
		if i.Stale {
			line += ", as it was when its source last answered"
		}
		if _, err := fmt.Fprintln(p.stdout, screen.Clean(line)); err != nil {
			return err
		}
	}
	if !found {
		return badInput(fmt.Errorf("the newest inventory knows no machine by %q: give a host's name or an id", name))
	}
	return nil
}

func lastPart(key string) string {
	for i := len(key) - 1; i >= 0; i-- {
		if key[i] == '/' {
			return key[i+1:]
		}
	}
	return key
}
