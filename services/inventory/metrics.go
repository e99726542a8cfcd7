package inventory

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of one replica.
type metrics struct {
	placements *prometheus.CounterVec
	hosts      *prometheus.GaugeVec
	expired    prometheus.Counter
}

// The outcomes of placements.
const (
	outcomePlaced   = "placed"
	outcomeRepeated = "repeated" // decided before, here or by another replica
	outcomeUnplaced = "unplaced"
	outcomeDropped  = "dropped" // cancelled or ended before it was placed
)

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		placements: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fiord_inventory_placements_total", Help: "Benches by what became of their placement.",
		}, []string{"outcome"}),
		hosts: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fiord_inventory_hosts", Help: "Bench hosts by state: alive, draining, lost.",
		}, []string{"state"}),
		expired: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fiord_inventory_expired_runs_total", Help: "Runs that this replica ended because nobody else had.",
		}),
	}
	if r == nil {
		return m, nil
	}
	return m, errors.Join(r.Register(m.placements), r.Register(m.hosts), r.Register(m.expired))
}
