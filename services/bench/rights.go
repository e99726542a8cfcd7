package bench

import (
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/registry"
)

// Needs are the rights on NATS and in the store that the worker of one host works with. They
// are bound to the host's name: it takes, ends and announces nothing of another.
func Needs(cfg Config, host string) access.Needs {
	token := events.Token(host)
	s := &Service{cfg: cfg, host: host, token: token}
	n := access.Host(host, cfg.Pools, s.reactions(), cancellationsView(token))
	n.Write = []string{bus.BucketHosts}
	n.Keys = map[string][]string{
		bus.BucketHosts:    {registry.BeatKey(token), registry.DetailsKey(token)},
		bus.BucketStarts:   {"*"},
		bus.BucketBarriers: {"*.*.*"},
	}
	// Any host that sees a device may lease it: the keys are the devices'.
	n.Write = append(n.Write, bus.BucketStarts, bus.BucketBarriers, bus.BucketLeases)
	return n
}

// cancellationsView is the name of the host's view of cancelled benches. The name is older than the
// word: the rights of installed users are bound to it.
func cancellationsView(token string) string { return "bench-wanted-" + token }
