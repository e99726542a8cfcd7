package bench

import (
	"errors"
	"math"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fiord-bench/fiord/services/bench/spool"
)

type metrics struct {
	runs     *prometheus.CounterVec
	overhead prometheus.Histogram
	starts   prometheus.Counter
	running  prometheus.Gauge
	spooled  prometheus.GaugeFunc
}

// newMetrics registers a worker's metrics; the spool is measured when it is
// asked for, so that a run in progress shows as well.
func newMetrics(reg prometheus.Registerer, spoolDir string) (*metrics, error) {
	m := &metrics{
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fiord_bench_runs_total", Help: "Runs ended by this worker, by their end.",
		}, []string{"end"}),
		overhead: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "fiord_bench_overhead_seconds", Help: "What a run took beyond fio and the engine, seconds.",
			Buckets: []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10},
		}),
		starts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fiord_bench_fio_starts_total", Help: "Starts of fio.",
		}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fiord_bench_running", Help: "Runs in progress.",
		}),
		spooled: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "fiord_bench_spool_bytes", Help: "Bytes on the host's disk of runs in progress and of those that wait for the store or the bus.",
		}, func() float64 {
			used, err := spool.Size(spoolDir)
			if err != nil {
				return math.NaN() // unknown, which is not nothing
			}
			return float64(used)
		}),
	}
	if reg == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.runs, m.overhead, m.starts, m.running, m.spooled} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}
