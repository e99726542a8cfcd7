package inventory

import (
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/registry"
)

// Needs are the rights on NATS that a service so configured works with. Only
// inventory places, and only it may end any host's run: by letting it expire.
func Needs(cfg Config) access.Needs {
	n := access.Service("inventory", (&Service{cfg: cfg}).reactions())
	n.Views = true
	n.Write = []string{bus.BucketHosts, bus.BucketTally}
	n.Keys = map[string][]string{bus.BucketHosts: {registry.LostKey("*")}}
	return n
}
