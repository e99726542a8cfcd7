package events

import (
	"fmt"
	"time"
)

// DiscoveryRequested asks for a fresh snapshot of instances.
type DiscoveryRequested struct {
	// Sources to ask by name, as inventory's configuration has them; empty
	// means all.
	Sources []string `json:"sources,omitempty"`
	// By is who asked: a person, a schedule, a script.
	By string `json:"by,omitempty"`
	// Requester is who asks, and by what right.
	Requester *Requester `json:"requester,omitempty"`
}

// EventType is discovery.requested.
func (DiscoveryRequested) EventType() Type { return TypeDiscoveryRequested }

// Validate reports the fields at fault.
func (d DiscoveryRequested) Validate() error {
	c := checking(d.EventType())
	c.count("sources", len(d.Sources), 200)
	c.texts("sources", d.Sources, 200)
	c.optional("by", d.By, MaxActor)
	d.Requester.check(c)
	return c.err()
}

// InstanceChanged says that one instance changed state.
type InstanceChanged struct {
	// Provider is aws, gcp, azure.
	Provider string `json:"provider"`
	Account  string `json:"account,omitempty"`
	Region   string `json:"region"`
	// Instance is the provider's id.
	Instance string `json:"instance"`
	// State as the provider names it.
	State string    `json:"state"`
	At    time.Time `json:"at"`
}

// EventType is instance.changed.
func (InstanceChanged) EventType() Type { return TypeInstanceChanged }

// About is the provider's id of the instance.
func (d InstanceChanged) About() string { return d.Instance }

// Validate reports the fields at fault.
func (d InstanceChanged) Validate() error {
	c := checking(d.EventType())
	oneOf(c, "provider", d.Provider, "aws", "gcp", "azure")
	c.text("region", d.Region, 100)
	c.text("instance", d.Instance, 300)
	c.text("state", d.State, 100)
	c.time("at", d.At)
	return c.err()
}

// SourceStatus tells how one source of a snapshot fared.
type SourceStatus struct {
	// Source by name, with its region and account where it has them.
	Source  string `json:"source"`
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
	// Instances found.
	Instances int `json:"instances"`
	// Error is empty when the source answered in full.
	Error string `json:"error,omitempty"`
}

// InstancesDiscovered is a snapshot of instances.
type InstancesDiscovered struct {
	// Snapshot is the document with the instances.
	Snapshot ClaimCheck `json:"snapshot"`
	// Instances in it.
	Instances int `json:"instances"`
	// Sources, at most 200; the rest is in the snapshot.
	Sources []SourceStatus `json:"sources" jsonschema:"minItems=1,maxItems=200"`
	// Complete tells that every source answered in full.
	Complete bool      `json:"complete"`
	At       time.Time `json:"at"`
}

// EventType is instances.discovered.
func (InstancesDiscovered) EventType() Type { return TypeInstancesDiscovered }

// Validate reports the fields at fault.
func (d InstancesDiscovered) Validate() error {
	c := checking(d.EventType())
	c.claim("snapshot", &d.Snapshot)
	c.atLeast("instances", d.Instances, 0)
	c.that(len(d.Sources) > 0, "sources", "is empty")
	c.count("sources", len(d.Sources), 200)
	for i, s := range d.Sources {
		c.text(fmt.Sprintf("sources[%d].source", i), s.Source, 200)
		c.optional(fmt.Sprintf("sources[%d].error", i), s.Error, MaxMessage)
	}
	c.time("at", d.At)
	return c.err()
}

// InventoryCounts account for every instance discovered.
type InventoryCounts struct {
	Discovered int `json:"discovered"`
	Emitted    int `json:"emitted"`
	Excluded   int `json:"excluded"`
	Groups     int `json:"groups"`
	Added      int `json:"added"`
	Removed    int `json:"removed"`
	Changed    int `json:"changed"`
}

// InventoryGenerated says that a complete inventory is stored.
type InventoryGenerated struct {
	// Inventory is the id.
	Inventory string `json:"inventory"`
	// Files: hosts.ini, hosts.yaml, hosts.json, script.json, side/*.
	Files  []Artifact      `json:"files" jsonschema:"minItems=1,maxItems=100"`
	Counts InventoryCounts `json:"counts"`
	// Report accounts for each instance: emitted as, or excluded because.
	Report *ClaimCheck `json:"report,omitempty"`
	// Diff to the inventory before, nil for the first.
	Diff *ClaimCheck `json:"diff,omitempty"`
	// Previous is the inventory that the diff starts from.
	Previous string `json:"previous,omitempty"`
	// Complete is false if a source had failed.
	Complete bool      `json:"complete"`
	At       time.Time `json:"at"`
}

// EventType is inventory.generated.
func (InventoryGenerated) EventType() Type { return TypeInventoryGenerated }

// About is the id of the inventory.
func (d InventoryGenerated) About() string { return d.Inventory }

// Validate reports the fields at fault.
func (d InventoryGenerated) Validate() error {
	c := checking(d.EventType())
	c.id("inventory", d.Inventory)
	c.that(len(d.Files) > 0, "files", "is empty")
	c.claims("files", d.Files, 100)
	c.that(d.Counts.Discovered == d.Counts.Emitted+d.Counts.Excluded, "counts",
		"do not add up: %d discovered, %d emitted, %d excluded", d.Counts.Discovered, d.Counts.Emitted, d.Counts.Excluded)
	if d.Report != nil {
		c.claim("report", d.Report)
	}
	if d.Diff != nil {
		c.claim("diff", d.Diff)
	}
	c.time("at", d.At)
	return c.err()
}

// HostLost says that a bench host stopped beating.
type HostLost struct {
	Host string `json:"host"`
	// LastSeen is its last beat.
	LastSeen time.Time `json:"last_seen"`
	// Running are the runs it had started and not ended, at most 100.
	Running []string `json:"running,omitempty" jsonschema:"maxItems=100"`
}

// EventType is host.lost.
func (HostLost) EventType() Type { return TypeHostLost }

// About is the host's name.
func (d HostLost) About() string { return d.Host }

// Validate reports the fields at fault.
func (d HostLost) Validate() error {
	c := checking(d.EventType())
	c.text("host", d.Host, 253)
	c.time("last_seen", d.LastSeen)
	c.count("running", len(d.Running), 100)
	return c.err()
}
