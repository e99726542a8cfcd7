package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/keys"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/inventory/instance"
	"github.com/fiord-bench/fiord/services/inventory/source"
)

func (p *program) discoverCommand() *cobra.Command {
	var (
		sources []string
		name    string
		wait    time.Duration
	)
	c := &cobra.Command{
		Use:   "discover [FILE | -]",
		Short: "Ask the configured sources for instances, or take what a cloud's tool printed",
		Long: `Ask the configured sources for instances, or take what a cloud's tool printed.

  aws ec2 describe-instances --output json   | fiord discover -
  gcloud compute instances list --format=json | fiord discover -
  az vm list --show-details --output json     | fiord discover -

A document speaks for the source that --name names: it replaces what that had,
and leaves the machines of other sources in the inventory. Without --name one of
aws speaks for the regions that its machines are in, and leaves those of others.
Several documents in a row, and what --query and jq make of them, are read too. A script should give
the name: gcloud and az print an empty list when the last machine is gone, and
that doesn't say whose it is.

The format is detected. A document that is cut short or foreign is refused, and
nothing is published.

It waits until the newest inventory has what was found, and says what changed;
with --wait 0, and with --json, it does not.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return p.requestDiscovery(c.Context(), sources, wait)
			}
			if len(sources) > 0 {
				return badInput(errors.New("fiord discover: --source asks the configured sources, a file is one by itself"))
			}
			return p.discoverDocument(c.Context(), args[0], name, wait)
		},
	}
	c.Flags().StringSliceVar(&sources, "source", nil, "ask this configured source only; give it again for more")
	c.Flags().StringVar(&name, "name", "", "name of the source that a document stands for (default: the cloud's)")
	c.Flags().DurationVar(&wait, "wait", 2*time.Minute, "how long to wait for the inventory")
	return c
}

func (p *program) requestDiscovery(ctx context.Context, sources []string, wait time.Duration) error {
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	seen, stop, err := watchDiscoveries(ctx, client)
	if err != nil {
		return err
	}
	defer stop()
	e, _, err := publish(ctx, client, events.DiscoveryRequested{Sources: sources, By: whoami()})
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(map[string]string{"id": e.ID})
	}
	if _, err = fmt.Fprintln(p.stdout, e.ID); err != nil {
		return err
	}
	return p.awaitInventory(ctx, client, seen, e, wait)
}

// maxInstances bounds a document, in bytes: some 50,000 instances.
const maxInstances = 512 << 20

func (p *program) discoverDocument(ctx context.Context, file, name string, wait time.Duration) error {
	raw, err := p.readDocument(file)
	if err != nil {
		return badInput(err)
	}
	kind, list, err := source.Read(raw, name)
	if err != nil {
		return badInput(fmt.Errorf("%s: %w", file, err))
	}
	scopes := []events.SourceStatus{{Source: name, Instances: len(list)}}
	switch {
	case name == "" && kind == source.Empty:
		return badInput(fmt.Errorf("%s: the list is empty and does not say of which cloud: name the source with --name, gcloud or az unless it had another name", file))
	case name == "" && len(list) == 0:
		return badInput(fmt.Errorf("%s: it has no machines and does not say of which region: name the source with --name (%s unless it had another name) if all of its machines are gone", file, kind))
	case name == "":
		name = string(kind)
		scopes = regionsOf(kind, name, list)
	}
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	seen, stop, err := watchDiscoveries(ctx, client)
	if err != nil {
		return err
	}
	defer stop()
	e, err := publishDocument(ctx, client, raw, scopes, len(list))
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(map[string]any{"id": e.ID, "format": kind, "instances": len(list)})
	}
	if kind == source.Empty {
		_, err = fmt.Fprintf(p.stdout, "%s: %s has no instances\n", e.ID, screen.Clean(name))
	} else {
		_, err = fmt.Fprintf(p.stdout, "%s: %s in %s format\n", e.ID, screen.Plural(len(list), "instance"), kind)
	}
	if err != nil {
		return err
	}
	return p.awaitInventory(ctx, client, seen, e, wait)
}

// regionsOf are what a document of Amazon's speaks for that was given no name:
// the regions of its machines. describe-instances answers for one region, and
// the document of the next must not replace it.
func regionsOf(kind source.Kind, name string, list []instance.Instance) []events.SourceStatus {
	counts := map[string]int{}
	for _, i := range list {
		counts[i.Region]++
	}
	if kind != source.AWS || len(counts) == 0 || counts[""] > 0 {
		return []events.SourceStatus{{Source: name, Instances: len(list)}}
	}
	var scopes []events.SourceStatus
	for _, region := range slices.Sorted(maps.Keys(counts)) {
		scopes = append(scopes, events.SourceStatus{Source: name, Region: region, Instances: counts[region]})
	}
	return scopes
}

// publishDocument stores the document and announces it; inventory reads it.
func publishDocument(ctx context.Context, client *connection.Client, raw []byte, scopes []events.SourceStatus, instances int) (events.Event, error) {
	id, err := keys.Random()
	if err != nil {
		return events.Event{}, err
	}
	claim, err := client.Store.Put(ctx, artifacts.RequestKey(events.HashID(id), "instances.json"), "application/json", bytes.NewReader(raw))
	if err != nil {
		return events.Event{}, fmt.Errorf("store document: %w", err)
	}
	e, _, err := publish(ctx, client, events.InstancesDiscovered{
		Snapshot: claim, Instances: instances, Complete: true, At: time.Now().UTC(),
		Sources: scopes,
	})
	return e, err
}

func (p *program) readDocument(file string) ([]byte, error) {
	in := p.stdin
	if file != "-" {
		f, err := os.Open(file) //nolint:gosec // the person names the file
		if err != nil {
			return nil, err
		}
		defer f.Close() //nolint:errcheck // only read
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxInstances+1))
	if err != nil {
		return nil, fmt.Errorf("read instances: %w", err)
	}
	if len(raw) > maxInstances {
		return nil, fmt.Errorf("%s: more than %d MiB: split it", file, maxInstances>>20)
	}
	return raw, nil
}
