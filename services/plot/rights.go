package plot

import (
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/bus"
)

// Needs are the rights on NATS that a service so configured works with.
func Needs(cfg Config) access.Needs {
	n := access.Service("plot", reactions(cfg, nil, nil))
	n.Views = true
	n.Write = []string{bus.BucketTally}
	return n
}
