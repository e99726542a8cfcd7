package inventory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/inventory/ansible"
	"github.com/fiord-bench/fiord/services/inventory/discovery"
	"github.com/fiord-bench/fiord/services/inventory/instance"
	"github.com/fiord-bench/fiord/services/inventory/source"
)

// maxDocument bounds a cloud tool's output that comes as a snapshot, in bytes.
const maxDocument = 512 << 20

// generate makes an inventory of a snapshot, and announces it if it differs
// from the last one.
func (s *Service) generate(ctx context.Context, d *bus.Delivery) error {
	found, err := bus.As[events.InstancesDiscovered](d)
	if err != nil {
		return err
	}
	current, err := s.latest(ctx)
	if err != nil {
		return bus.ForStore(err)
	}
	switch {
	case current != nil && current.Cause == d.Event.ID:
		// Made before; its announcement may have been lost.
		_, err := d.Emit(ctx, "generated", current.InventoryGenerated)
		return err
	case current != nil && !found.At.After(current.SnapshotAt):
		d.Log.Info("snapshot is older than the inventory", "at", found.At, "inventory", current.Inventory)
		return nil
	}
	snapshot, err := s.snapshotOf(ctx, found)
	if err != nil {
		return bus.ForClaim(err)
	}
	if snapshot.Failed() {
		d.Log.Warn("every source failed: the inventory stays as it is", "sources", len(snapshot.Sources))
		return nil
	}
	next, err := s.makeInventory(ctx, snapshot, found, current)
	if errors.Is(err, ansible.ErrCollision) || errors.Is(err, errStrict) {
		return bus.Permanent(err)
	}
	if err != nil {
		return bus.ForStore(err)
	}
	unchanged := current != nil && next.Inventory == current.Inventory
	if unchanged {
		moved := *current
		moved.Snapshot, moved.SnapshotAt, moved.Documents = next.Snapshot, next.SnapshotAt, next.Documents
		next = &moved
	} else {
		next.Cause = d.Event.ID
	}
	if err := s.moveLatest(ctx, next); errors.Is(err, errOvertaken) || unchanged && err == nil {
		d.Log.Debug("no new inventory", "inventory", next.Inventory, "unchanged", unchanged)
		return nil
	} else if err != nil {
		return bus.ForStore(err)
	}
	d.Log.Info("inventory generated", "inventory", next.Inventory, "hosts", next.Counts.Emitted, "excluded", next.Counts.Excluded, "complete", next.Complete)
	_, err = d.Emit(ctx, "generated", next.InventoryGenerated)
	return err
}

// errStrict: an expression failed, and the configuration is strict.
var errStrict = errors.New("expression failed")

// snapshotOf reads what was discovered: a snapshot of fiord's, or what a
// cloud's tool printed.
func (s *Service) snapshotOf(ctx context.Context, found events.InstancesDiscovered) (*instance.Snapshot, error) {
	if strings.HasPrefix(found.Snapshot.Key, artifacts.PrefixInventories) {
		return s.readSnapshot(ctx, found.Snapshot)
	}
	raw, err := s.store.ReadAll(ctx, found.Snapshot, maxDocument)
	if err != nil {
		return nil, err
	}
	if kind, err := source.Detect(raw); err == nil && kind == source.Snapshot {
		snapshot, err := instance.Read(strings.NewReader(string(raw)))
		if err != nil {
			return nil, bus.Permanent(err)
		}
		return snapshot, nil
	}
	name := found.Sources[0].Source
	_, list, err := source.Read(raw, name)
	if err != nil {
		return nil, bus.Permanent(err)
	}
	snapshot := &instance.Snapshot{At: found.At, Instances: list}
	for _, s := range found.Sources { // the regions that the document speaks for
		n := len(list)
		if s.Region != "" {
			n = inRegion(list, s.Region)
		}
		snapshot.Sources = append(snapshot.Sources, instance.Status{
			Scope: instance.Scope{Source: name, Region: s.Region}, Instances: n, Document: true,
		})
	}
	snapshot.Sort()
	return snapshot, nil
}

func inRegion(list []instance.Instance, region string) int {
	n := 0
	for i := range list {
		if list[i].Region == region {
			n++
		}
	}
	return n
}

// settings are the inventory's configuration; the plugin's defaults if none is.
func (s *Service) settings() *discovery.Config {
	if s.discovery == nil {
		return &discovery.Config{}
	}
	return s.discovery
}

// makeInventory builds, writes and stores an inventory and everything beside
// it. What it stores has keys by content: whoever does it again changes nothing.
func (s *Service) makeInventory(ctx context.Context, snapshot *instance.Snapshot, found events.InstancesDiscovered, current *Latest) (*Latest, error) {
	claim, err := s.join(ctx, snapshot, found.Snapshot, current)
	if err != nil {
		return nil, err
	}
	cfg := s.settings()
	inv, err := ansible.Build(snapshot, &cfg.Inventory, s.workerOn())
	if err != nil {
		if bool(cfg.Inventory.Strict) && !errors.Is(err, ansible.ErrCollision) {
			err = fmt.Errorf("%w: %w", errStrict, err)
		}
		return nil, err
	}
	set, err := writeFiles(inv, cfg.SideFiles)
	if err != nil {
		return nil, err
	}
	defer set.remove()
	id := set.id(snapshot.Complete())
	next := &Latest{Snapshot: claim, SnapshotAt: found.At, Documents: snapshot.HasDocuments()}
	next.Inventory = id
	if current != nil && current.Inventory == id {
		return next, nil
	}
	return next, s.storeSet(ctx, next, set, inv, snapshot, current)
}

// join brings a snapshot together with the one before it, and keeps it if it
// became another one by that, or was a cloud tool's document.
func (s *Service) join(ctx context.Context, snapshot *instance.Snapshot, claim events.ClaimCheck, current *Latest) (events.ClaimCheck, error) {
	alone := snapshot.Complete() && !snapshot.Document()
	if alone && (current == nil || !current.Documents) {
		return claim, nil
	}
	if current != nil {
		previous, err := s.snapshotBefore(ctx, current)
		if err != nil {
			return claim, err
		}
		if previous != nil {
			snapshot.Join(previous)
		}
	}
	return s.keepSnapshot(ctx, snapshot)
}

// snapshotBefore reads the snapshot of the current inventory, nil if it isn't
// kept in the one form.
func (s *Service) snapshotBefore(ctx context.Context, current *Latest) (*instance.Snapshot, error) {
	if !strings.HasPrefix(current.Snapshot.Key, artifacts.PrefixInventories) {
		return nil, nil
	}
	return s.readSnapshot(ctx, current.Snapshot)
}

// storeSet stores the files, the report and the difference, and completes the
// announcement.
func (s *Service) storeSet(ctx context.Context, next *Latest, set *fileSet, inv *ansible.Inventory, snapshot *instance.Snapshot, current *Latest) error {
	for _, name := range set.names() {
		f := set.files[name]
		claim, err := s.putFile(ctx, artifacts.InventoryKey(next.Inventory, name), f.media, f.spool)
		if err != nil {
			return err
		}
		next.Files = append(next.Files, events.Artifact{Name: name, ClaimCheck: claim})
	}
	report, err := s.storeReport(ctx, next.Inventory, inv, snapshot)
	if err != nil {
		return err
	}
	if next.Members, err = s.putBeside(ctx, next.Inventory, "members", membersOf(inv)); err != nil {
		return err
	}
	next.Report, next.Complete, next.At = &report, snapshot.Complete(), snapshot.At
	next.Counts = events.InventoryCounts{
		Discovered: len(snapshot.Instances), Emitted: len(inv.Hosts), Excluded: len(inv.Excluded), Groups: len(inv.Groups),
	}
	if current == nil {
		next.Counts.Added = len(inv.Hosts)
		return nil
	}
	return s.storeDiff(ctx, next, set, current)
}

// besideKey is the key of a document beside an inventory's files. What such a
// document says does not follow from the files, of which the inventory's id is
// made: the same inventory may come again with other reasons for what it left
// out. So its content is part of its key.
func besideKey(id, name string, f *spool) string {
	return artifacts.InventoryKey(id, name+"-"+f.sum()[:16]+".json")
}

// putBeside stores a document beside an inventory's files.
func (s *Service) putBeside(ctx context.Context, id, name string, document any) (events.ClaimCheck, error) {
	f, err := newSpool()
	if err != nil {
		return events.ClaimCheck{}, err
	}
	defer f.remove()
	if err := json.NewEncoder(f).Encode(document); err != nil {
		return events.ClaimCheck{}, fmt.Errorf("encode %s of inventory %s: %w", name, id, err)
	}
	return s.putFile(ctx, besideKey(id, name, f), mediaJSON, f)
}

// storeReport accounts for every machine of the snapshot.
func (s *Service) storeReport(ctx context.Context, id string, inv *ansible.Inventory, snapshot *instance.Snapshot) (events.ClaimCheck, error) {
	f, err := newSpool()
	if err != nil {
		return events.ClaimCheck{}, err
	}
	defer f.remove()
	if err := inv.WriteReport(f, snapshot.Sources); err != nil {
		return events.ClaimCheck{}, err
	}
	return s.putFile(ctx, besideKey(id, "report", f), mediaJSON, f)
}

// membersOf collects who is in which group.
func membersOf(inv *ansible.Inventory) Members {
	m := Members{Addresses: map[string][]string{}, Groups: map[string][]string{"all": {}}}
	for _, h := range inv.Hosts {
		m.Addresses[h.Name] = h.Instance.Addresses.All()
		m.Groups["all"] = append(m.Groups["all"], h.Name)
	}
	for name, hosts := range inv.Members() {
		m.Groups[name] = hosts
	}
	return m
}

// workerOn finds the registered worker on a machine.
func (s *Service) workerOn() func(*instance.Instance) *ansible.Worker {
	byName := map[string]*ansible.Worker{}
	for _, h := range s.hosts.Hosts() {
		w := &ansible.Worker{Name: h.Name, Pools: h.Pools, Facts: h.Facts}
		for _, a := range append(addressesOf(h.Addresses).All(), h.Name) {
			byName[a] = w
		}
	}
	if len(byName) == 0 {
		return nil
	}
	return func(i *instance.Instance) *ansible.Worker {
		for _, a := range append(i.Addresses.All(), i.Name) {
			if w := byName[a]; w != nil && a != "" {
				return w
			}
		}
		return nil
	}
}
