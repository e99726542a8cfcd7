package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/registry"
)

func (p *program) hostsCommand() *cobra.Command {
	var facts bool
	c := &cobra.Command{
		Use:   "hosts",
		Short: "List the bench hosts, what they serve and what they do",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return p.hosts(c.Context(), facts) },
	}
	c.Flags().BoolVar(&facts, "facts", false, "list the facts that constraints select by")
	return c
}

func (p *program) hosts(ctx context.Context, facts bool) error {
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	kv, err := client.Bus.KeyValue(ctx, bus.BucketHosts)
	if err != nil {
		return fmt.Errorf("open registry of hosts: %w", err)
	}
	hosts, err := sightings(ctx, registry.NewView(kv, registry.ViewConfig{}))
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(hosts)
	}
	return p.printHosts(hosts, facts)
}

// sightings reads the registry once.
func sightings(ctx context.Context, view *registry.View) ([]registry.Sighting, error) {
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- view.Run(ctx) }()
	select {
	case <-view.Ready():
		hosts := view.Hosts()
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			return nil, fmt.Errorf("read registry of hosts: %w", err)
		}
		return hosts, nil
	case err := <-ended:
		stop()
		return nil, fmt.Errorf("read registry of hosts: %w", err)
	}
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
