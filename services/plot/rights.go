package plot

import (
	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/verdict/history"
)

// Needs are the rights on NATS and in the store that a service so configured works with.
func Needs(cfg Config) access.Needs {
	n := access.Service("plot", reactions(cfg, nil, nil))
	n.Views = true
	n.Read, n.Write = []string{bus.BucketHosts}, []string{bus.BucketDrawn}
	own := []string{artifacts.PrefixPlots, artifacts.PrefixReports, artifacts.PrefixArchive}
	n.Store = artifacts.Rights{
		Read:  append([]string{artifacts.PrefixJobs, artifacts.PrefixPlacements, artifacts.PrefixRuns}, own...),
		Write: own, Replace: []string{artifacts.PrefixArchive + history.Folder + "/"},
	}
	return n
}
