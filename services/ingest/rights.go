package ingest

import (
	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/bus"
)

// Needs are the rights on NATS and in the store that a service so configured works
// with.
func Needs(cfg Config) access.Needs {
	n := access.Service("ingest", (&Service{cfg: cfg}).reactions())
	n.Write = []string{bus.BucketRefs}
	n.Store = artifacts.Rights{Read: []string{artifacts.PrefixJobs}, Write: []string{artifacts.PrefixJobs}}
	return n
}
