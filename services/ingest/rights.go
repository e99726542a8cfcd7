package ingest

import (
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/bus"
)

// Needs are the rights on NATS that a service so configured works with. It
// also publishes what people may: events come in over HTTP, and who may send
// which is checked there.
func Needs(cfg Config) access.Needs {
	n := access.Service("ingest", (&Service{cfg: cfg}).reactions())
	n.Publish = append(n.Publish, access.Service(events.People, nil).Publish...)
	n.Write = []string{bus.BucketRefs}
	return n
}
