package notify

import (
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/bus"
)

// Needs are the rights on NATS that a service so configured works with: a
// queue for each target.
func Needs(cfg Config) access.Needs {
	var reactions []bus.Reaction
	for _, t := range cfg.Targets {
		reactions = append(reactions, bus.Reaction{Service: "notify", Name: t.Name})
	}
	n := access.Service("notify", reactions)
	n.Read, n.Write = []string{bus.BucketSilences}, []string{bus.BucketNotices}
	return n
}
