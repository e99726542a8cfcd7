package instance

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The providers.
const (
	AWS    = "aws"
	GCP    = "gcp"
	Azure  = "azure"
	Static = "static"
	Docker = "docker"
	Fiord  = "fiord" // the workers' registry

	OpenStack     = "openstack"
	DigitalOcean  = "digitalocean"
	Hetzner       = "hetzner"
	Proxmox       = "proxmox"
	Libvirt       = "libvirt"
	DockerMachine = "docker-machine"
)

// Instance is a machine.
type Instance struct {
	// ID is the provider's own, unique within Provider and Account.
	ID string `json:"id"`
	// Name as people know the machine; may be empty and need not be unique.
	Name     string `json:"name,omitempty"`
	Provider string `json:"provider"`
	Account  string `json:"account,omitempty"`
	// AccountName is what the configuration calls the account, if it does:
	// the name in its scope's status.
	AccountName string `json:"account_name,omitempty"`
	Region      string `json:"region,omitempty"`
	Zone        string `json:"zone,omitempty"`
	// State is one of the State constants, or what the provider says if none
	// of them fits.
	State string `json:"state,omitempty"`
	Type  string `json:"type,omitempty"`
	// Lifecycle is "spot" or empty.
	Lifecycle string    `json:"lifecycle,omitempty"`
	Image     string    `json:"image,omitempty"`
	KeyName   string    `json:"key_name,omitempty"`
	Addresses Addresses `json:"addresses,omitzero"`
	// Tags or labels. Values may be empty, and are nobody's but the cloud
	// user's: they are never evaluated.
	Tags     map[string]string `json:"tags,omitempty"`
	Launched time.Time         `json:"launched,omitzero"`
	// Source that found it, by its name in the configuration.
	Source string `json:"source,omitempty"`
	// Stale instances were carried over because their source failed.
	Stale bool `json:"stale,omitempty"`
	// Excluded says why a source's own filter leaves the machine out, and is
	// empty for one that is in.
	Excluded string `json:"excluded,omitempty"`
	// Vars are the provider's document in the form that Ansible knows it by,
	// as canonical JSON: see [Canonical].
	Vars json.RawMessage `json:"vars,omitempty"`
}

// Addresses of a machine. Any may be empty.
type Addresses struct {
	PublicIPv4  string `json:"public_ipv4,omitempty"`
	PrivateIPv4 string `json:"private_ipv4,omitempty"`
	IPv6        string `json:"ipv6,omitempty"`
	PublicDNS   string `json:"public_dns,omitempty"`
	PrivateDNS  string `json:"private_dns,omitempty"`
}

// All lists the addresses that are there.
func (a Addresses) All() []string {
	all := []string{a.PublicIPv4, a.PrivateIPv4, a.IPv6, a.PublicDNS, a.PrivateDNS}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// The states of a machine, the same for every provider.
const (
	StatePending    = "pending"
	StateRunning    = "running"
	StateStopping   = "stopping"
	StateStopped    = "stopped"
	StateTerminated = "terminated"
)

// Key identifies a machine over all sources.
func (i *Instance) Key() string {
	return i.Provider + "/" + i.Account + "/" + i.Region + "/" + i.ID
}

// Scope is what is asked, and fails, as a whole: a source in one account and
// region.
type Scope struct {
	Source  string `json:"source"`
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
}

// String reads source/account/region without what is empty.
func (s Scope) String() string {
	parts := slices.DeleteFunc([]string{s.Source, s.Account, s.Region}, func(p string) bool { return p == "" })
	return strings.Join(parts, "/")
}

// Status is how one scope fared.
type Status struct {
	Scope
	Instances int `json:"instances"`
	// Error is empty when the scope answered in full.
	Error string `json:"error,omitempty"`
	// Skipped scopes have nothing to give and spoil nothing, such as a region
	// that the account hasn't switched on.
	Skipped bool `json:"skipped,omitempty"`
	// Document sources were given as a document, and are there until another
	// document of their name replaces them: nobody can ask them again.
	Document bool `json:"document,omitempty"`
}

// Snapshot is what was found at one moment.
type Snapshot struct {
	At        time.Time  `json:"at"`
	Instances []Instance `json:"instances"`
	Sources   []Status   `json:"sources"`
}

// Sort brings the snapshot into its one order, so that the same machines make
// the same document whatever order they were found in.
func (s *Snapshot) Sort() {
	slices.SortFunc(s.Instances, func(a, b Instance) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Key(), b.Key()))
	})
	slices.SortFunc(s.Sources, func(a, b Status) int { return cmp.Compare(a.String(), b.String()) })
}

// Complete says whether every scope answered in full.
func (s *Snapshot) Complete() bool {
	return !slices.ContainsFunc(s.Sources, func(st Status) bool { return st.Error != "" && !st.Skipped })
}

// Failed says whether no scope answered at all: such a snapshot says nothing.
func (s *Snapshot) Failed() bool {
	return len(s.Sources) > 0 && !slices.ContainsFunc(s.Sources, func(st Status) bool { return st.Error == "" || st.Skipped })
}

// CarryOver takes the instances of scopes that failed from the snapshot
// before, marked as stale, so that one region's outage empties no group.
func (s *Snapshot) CarryOver(previous *Snapshot) {
	if previous == nil {
		return
	}
	failed := map[string]bool{}
	for _, st := range s.Sources {
		if st.Error != "" && !st.Skipped {
			failed[st.String()] = true
		}
	}
	have := map[string]bool{}
	for i := range s.Instances {
		have[s.Instances[i].Key()] = true
	}
	for _, i := range previous.Instances {
		for _, scope := range i.scopes() {
			if failed[scope] && !have[i.Key()] {
				i.Stale = true
				s.Instances = append(s.Instances, i)
				break
			}
		}
	}
	s.Sort()
}

// scopes are the scopes that the instance may have come from: a source may
// fail as a whole, or for one account, or for one region of it.
func (i *Instance) scopes() []string {
	scopes := []string{Scope{i.Source, "", i.Region}.String(), Scope{Source: i.Source}.String()}
	for _, account := range []string{i.Account, i.AccountName} {
		if account != "" {
			scopes = append(scopes, Scope{i.Source, account, i.Region}.String(), Scope{i.Source, account, ""}.String())
		}
	}
	return scopes
}

// Validate reports an instance that no inventory could use.
func (i *Instance) Validate() error {
	switch {
	case i.ID == "":
		return fmt.Errorf("instance without an id")
	case i.Provider == "":
		return fmt.Errorf("instance %s without a provider", i.ID)
	case len(i.Vars) > 0 && !json.Valid(i.Vars):
		return fmt.Errorf("instance %s: vars are not JSON", i.ID)
	}
	return nil
}

// Adopt takes from the snapshot before what is of other sources than those
// asked this time. A machine that was found this time isn't taken again.
func (s *Snapshot) Adopt(previous *Snapshot, asked []string) {
	s.adopt(previous, func(Status) bool { return true }, func(source, _ string) bool { return slices.Contains(asked, source) })
}

// AdoptDocuments takes from the snapshot before what came as documents, unless
// a source of that name was asked this time.
func (s *Snapshot) AdoptDocuments(previous *Snapshot) {
	s.adopt(previous, func(st Status) bool { return st.Document }, s.covers)
}

// covers says whether the snapshot speaks for a region of a source: a document
// of one region leaves the others as they were.
func (s *Snapshot) covers(source, region string) bool {
	return slices.ContainsFunc(s.Sources, func(st Status) bool {
		return st.Source == source && (st.Region == "" || st.Region == region || !st.Document)
	})
}

// adopt takes the statuses that are wanted and that the snapshot doesn't cover,
// and their machines.
func (s *Snapshot) adopt(previous *Snapshot, wanted func(Status) bool, covered func(source, region string) bool) {
	kept := map[string]bool{}
	var statuses []Status
	for _, st := range previous.Sources {
		if wanted(st) && !covered(st.Source, st.Region) {
			kept[st.Source+"/"+st.Region], kept[st.Source+"/"] = true, kept[st.Source+"/"] || st.Region == ""
			statuses = append(statuses, st)
		}
	}
	have := make(map[string]bool, len(s.Instances))
	for i := range s.Instances {
		have[s.Instances[i].Key()] = true
	}
	for _, i := range previous.Instances {
		if (kept[i.Source+"/"] || kept[i.Source+"/"+i.Region]) && !covered(i.Source, i.Region) && !have[i.Key()] {
			s.Instances = append(s.Instances, i)
		}
	}
	s.Sources = append(s.Sources, statuses...)
	s.Sort()
}

// Document says whether the snapshot is what a document says, and nothing else.
func (s *Snapshot) Document() bool {
	return len(s.Sources) > 0 && !slices.ContainsFunc(s.Sources, func(st Status) bool { return !st.Document })
}

// HasDocuments says whether some of it came as documents.
func (s *Snapshot) HasDocuments() bool {
	return slices.ContainsFunc(s.Sources, func(st Status) bool { return st.Document })
}

// Join brings the snapshot together with the one before, of what it says
// nothing of: a document speaks for its own source alone, what came as
// documents outlives the asking of the others, and what a source that failed
// had is carried over.
func (s *Snapshot) Join(previous *Snapshot) {
	if s.Document() {
		s.adopt(previous, func(Status) bool { return true }, s.covers)
	} else {
		s.AdoptDocuments(previous)
	}
	s.CarryOver(previous)
}

// Replace puts fresh instances in place of those that changed, which are given
// as region/id. What changed and isn't among the fresh ones is gone.
func (s *Snapshot) Replace(changed map[string]bool, fresh []Instance) {
	s.Instances = slices.DeleteFunc(s.Instances, func(i Instance) bool { return changed[i.Region+"/"+i.ID] })
	s.Instances = append(s.Instances, fresh...)
	s.Sort()
}
