package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/registry"
)

// hostFilter is which hosts are listed.
type hostFilter struct{ name, pool, state string }

// states of a host, as the list shows them.
var hostStates = []string{"alive", "draining", "silent"}

func (f hostFilter) check() error {
	if !doublestar.ValidatePattern(f.name) {
		return fmt.Errorf("fiord hosts: --name %q is no pattern", f.name)
	}
	if f.state != "" && !slices.Contains(hostStates, f.state) {
		return fmt.Errorf("fiord hosts: --state is %q, want %s", f.state, strings.Join(hostStates, ", "))
	}
	return nil
}

func (f hostFilter) takes(h registry.Sighting) bool {
	return matches(f.name, h.Name) && (f.pool == "" || slices.Contains(h.Pools, f.pool)) && (f.state == "" || f.state == stateOf(h))
}

// matches reports whether a name fits a pattern with * and ?; all fit none.
func matches(pattern, name string) bool {
	return pattern == "" || doublestar.MatchUnvalidated(pattern, name)
}

func (p *program) hostsCommand() *cobra.Command {
	var (
		facts  bool
		filter hostFilter
	)
	c := &cobra.Command{
		Use:   "hosts",
		Short: "List the bench hosts, what they serve and what they do",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := filter.check(); err != nil {
				return badInput(err)
			}
			return p.hosts(c.Context(), filter, facts)
		},
	}
	c.Flags().BoolVar(&facts, "facts", false, "list the facts that constraints select by")
	c.Flags().StringVar(&filter.name, "name", "", "only hosts of such a name, such as 'db-*'")
	c.Flags().StringVar(&filter.pool, "pool", "", "only hosts of this pool")
	c.Flags().StringVar(&filter.state, "state", "", "only hosts that are "+strings.Join(hostStates, ", "))
	offer(c, "name", p.completeHosts(false))
	offer(c, "pool", p.completeHosts(true))
	offer(c, "state", cobra.FixedCompletions(hostStates, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// offer completes a flag's value.
func offer(c *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := c.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // the command has no such flag
	}
}

func (p *program) hosts(ctx context.Context, filter hostFilter, facts bool) error {
	hosts, err := p.registered(ctx)
	if err != nil {
		return err
	}
	hosts = slices.DeleteFunc(hosts, func(h registry.Sighting) bool { return !filter.takes(h) })
	if p.json {
		return p.printJSON(hosts)
	}
	return p.printHosts(hosts, facts)
}

// registered are all hosts of the registry.
func (p *program) registered(ctx context.Context) ([]registry.Sighting, error) {
	client, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	kv, err := client.Bus.KeyValue(ctx, bus.BucketHosts)
	if err != nil {
		return nil, fmt.Errorf("open registry of hosts: %w", err)
	}
	return registry.Read(ctx, kv, registry.ViewConfig{})
}

func (p *program) printHosts(hosts []registry.Sighting, facts bool) error {
	t := &screen.Table{Header: []string{"HOST", "STATE", "POOLS", "RUNNING", "WAITING", "SEEN"}, Right: map[string]bool{"WAITING": true, "SEEN": true}}
	for _, h := range hosts {
		var running []string
		for _, r := range h.Running {
			running = append(running, r.Run)
		}
		t.Add(h.Name, stateOf(h), strings.Join(h.Pools, ","), strings.Join(running, ","), fmt.Sprint(h.Waiting),
			screen.Seconds(time.Since(h.Seen))+" ago")
	}
	if err := t.Write(p.stdout); err != nil || !facts {
		return err
	}
	for _, h := range hosts {
		for _, line := range factLines(h.Host) {
			if _, err := fmt.Fprintln(p.stdout, line); err != nil {
				return err
			}
		}
	}
	return nil
}

func stateOf(h registry.Sighting) string {
	switch {
	case !h.Alive:
		return "silent"
	case h.Draining:
		return "draining"
	}
	return "alive"
}
