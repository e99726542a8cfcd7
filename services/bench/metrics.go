package bench

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	runs     *prometheus.CounterVec
	overhead prometheus.Histogram
	starts   prometheus.Counter
	running  prometheus.Gauge
	spooled  prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
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
		spooled: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fiord_bench_spool_bytes", Help: "Bytes on the host's disk that wait for the store or the bus.",
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
