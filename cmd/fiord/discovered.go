package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/follow"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	inventory "github.com/fiord-bench/fiord/services/inventory"
	"github.com/fiord-bench/fiord/services/inventory/ansible"
)

// errNoOutcome: the wait for an inventory ended before there was one.
var errNoOutcome = errors.New("no inventory yet")

// discoveries collects what is discovered, so that the outcome of a request or
// of a document can be told from those of others.
type discoveries struct {
	mu   sync.Mutex
	seen []events.Event
}

// watchDiscoveries begins before anything is published, so that nothing is
// missed. stop ends it.
func watchDiscoveries(ctx context.Context, client *connection.Client) (d *discoveries, stop func(), err error) {
	d = &discoveries{}
	view, err := client.Bus.Watch(ctx, bus.View{
		OnlyNew: true, Types: []events.Type{events.TypeInstancesDiscovered},
		See: func(_ context.Context, s bus.Seen) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.seen = append(d.seen, s.Event)
		},
	})
	if err != nil {
		return nil, nil, err
	}
	return d, view.Stop, nil
}

// of finds what the chain that began with an event discovered.
func (d *discoveries) of(correlation string) (cause string, found events.InstancesDiscovered, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.seen {
		if found, isOne := e.Data.(events.InstancesDiscovered); isOne && e.CorrelationID == correlation {
			return e.ID, found, true
		}
	}
	return "", events.InstancesDiscovered{}, false
}

// newestOf reads inventories/latest.json, nil if there is none.
func newestOf(ctx context.Context, client *connection.Client) (*inventory.Latest, error) {
	claim, err := client.Store.Claim(ctx, artifacts.KeyLatestInventory)
	if errors.Is(err, artifacts.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find the newest inventory: %w", err)
	}
	raw, err := client.Store.ReadAll(ctx, claim, 1<<20)
	if err != nil {
		return nil, fmt.Errorf("read the newest inventory: %w", err)
	}
	latest := &inventory.Latest{}
	if err := json.Unmarshal(raw, latest); err != nil {
		return nil, fmt.Errorf("read the newest inventory: %w", err)
	}
	return latest, nil
}

// awaitInventory waits until what an event asked for is in the newest
// inventory, and says what changed by it.
func (p *program) awaitInventory(ctx context.Context, client *connection.Client, d *discoveries, e events.Event, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for tick := 0; ; tick++ {
		cause, found, ok := d.of(e.CorrelationID)
		if ok {
			if failed := failures(found); len(failed) > 0 && len(failed) == len(found.Sources) {
				return fmt.Errorf("every source failed, and the inventory stays as it is:\n%s", strings.Join(failed, "\n"))
			}
			latest, err := newestOf(waiting, client)
			if err != nil && waiting.Err() == nil {
				return err
			}
			if latest != nil && !latest.SnapshotAt.Before(found.At) {
				return p.printOutcome(ctx, client, latest, cause, found)
			}
		}
		if tick%20 == 19 {
			if err := gaveUp(waiting, client, e); err != nil {
				return err
			}
		}
		select {
		case <-waiting.Done():
			return fmt.Errorf("%w after %v: it goes on by itself, see fiord show %s", errNoOutcome, wait, e.ID)
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// gaveUp reports a dead letter of the chain.
func gaveUp(ctx context.Context, client *connection.Client, e events.Event) error {
	chain, err := follow.LoadChain(ctx, client.Bus, e.CorrelationID)
	if err != nil || len(chain.Dead) == 0 {
		return nil // it is asked again, and the wait has an end
	}
	l := chain.Dead[0]
	return fmt.Errorf("given up by %s: %s; see fiord dead show %d", l.Reaction, screen.Clean(l.Reason), l.Number)
}

func failures(found events.InstancesDiscovered) (failed []string) {
	for _, s := range found.Sources {
		if s.Error != "" {
			name := strings.Join(slices.DeleteFunc([]string{s.Source, s.Account, s.Region}, func(part string) bool { return part == "" }), "/")
			failed = append(failed, name+": "+screen.Clean(s.Error))
		}
	}
	return failed
}

// maxNamed is how many hosts of each kind of change are named.
const maxNamed = 20

// printOutcome says what changed, and what to do where a source failed.
func (p *program) printOutcome(ctx context.Context, client *connection.Client, latest *inventory.Latest, cause string, found events.InstancesDiscovered) error {
	for _, line := range failures(found) {
		if _, err := fmt.Fprintf(p.stdout, "failed, its machines stay as they were: %s\n", line); err != nil {
			return err
		}
	}
	c := latest.Counts
	if latest.Cause != cause {
		_, err := fmt.Fprintf(p.stdout, "inventory %s as before: %s, %d left out\n", latest.Inventory, screen.Plural(c.Emitted, "host"), c.Excluded)
		return err
	}
	if _, err := fmt.Fprintf(p.stdout, "inventory %s: %s, %s, %d left out; %d added, %d removed, %d changed\n", latest.Inventory,
		screen.Plural(c.Emitted, "host"), screen.Plural(c.Groups, "group"), c.Excluded, c.Added, c.Removed, c.Changed); err != nil || latest.Diff == nil {
		return err
	}
	raw, err := client.Store.ReadAll(ctx, *latest.Diff, maxInstances)
	if err != nil {
		return fmt.Errorf("read what changed: %w", err)
	}
	var diff ansible.Diff
	if err := json.Unmarshal(raw, &diff); err != nil {
		return fmt.Errorf("read what changed: %w", err)
	}
	var changed []string
	for _, h := range diff.Changed {
		changed = append(changed, h.Host+" ("+strings.Join(h.Fields, ", ")+")")
	}
	for _, kind := range []struct {
		sign  string
		hosts []string
	}{{"+", diff.Added}, {"-", diff.Removed}, {"~", changed}} {
		for i, h := range kind.hosts {
			line := kind.sign + " " + screen.Clean(h)
			if i == maxNamed {
				line = fmt.Sprintf("%s and %d more", kind.sign, len(kind.hosts)-maxNamed)
			}
			if _, err := fmt.Fprintln(p.stdout, line); err != nil {
				return err
			}
			if i == maxNamed {
				break
			}
		}
	}
	return nil
}
