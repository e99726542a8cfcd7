package inventory

import (
	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/registry"
)

// Needs are the rights on NATS and in the store that a service so configured works with. Of the
// hosts' records it may write nothing but its own marks.
func Needs(cfg Config) access.Needs {
	n := access.Service("inventory", (&Service{cfg: cfg}).reactions())
	n.Views = true
	n.Write = []string{bus.BucketHosts, bus.BucketTally}
	n.Keys = map[string][]string{bus.BucketHosts: {registry.LostKey("*")}}
	own := []string{artifacts.PrefixPlacements, artifacts.PrefixInventories}
	n.Store = artifacts.Rights{
		Read:  append([]string{artifacts.PrefixJobs, artifacts.PrefixRequests}, own...),
		Write: own, Replace: []string{artifacts.KeyLatestInventory, keyLatestSnapshot},
	}
	return n
}
