package bus

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fiord-bench/fiord/events"
)

// metrics of one bus. Labels are bounded: types and reactions, never ids.
type metrics struct {
	publishes *prometheus.CounterVec
	publish   prometheus.Histogram
	handled   *prometheus.CounterVec
	handling  *prometheus.HistogramVec
	inFlight  *prometheus.GaugeVec
	panics    *prometheus.CounterVec
	refused   *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		publishes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fiord_bus_published_total",
			Help: "Events published, by type and result: stored, duplicate, refused (a run or bench had ended), error.",
		}, []string{"type", "result"}),
		publish: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "fiord_bus_publish_seconds",
			Help:    "Time from publish to JetStream's acknowledgement.",
			Buckets: prometheus.ExponentialBuckets(50e-6, 2, 18),
		}),
		handled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fiord_bus_handled_total",
			Help: "Deliveries settled, by reaction and outcome: ack, retry, snooze, hold, dead.",
		}, []string{"reaction", "outcome"}),
		handling: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "fiord_bus_handle_seconds",
			Help:    "Time a handler took.",
			Buckets: prometheus.ExponentialBuckets(100e-6, 4, 14),
		}, []string{"reaction"}),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fiord_bus_in_flight",
			Help: "Events in a handler's hands.",
		}, []string{"reaction"}),
		panics: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fiord_bus_panics_total",
			Help: "Handlers that panicked.",
		}, []string{"reaction"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fiord_bus_unproven_total",
			Help: "Messages refused because they did not prove who made them, by reason: unsigned, signature, grant, subject, stale, void, claim.",
		}, []string{"reason"}),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.publishes, m.publish, m.handled, m.handling, m.inFlight, m.panics, m.refused} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) published(t events.Type, r Receipt, err error, took time.Duration) {
	result := "stored"
	switch {
	case isWrongSequence(err):
		result = "refused"
	case errors.Is(err, ErrNotAcknowledged):
		result = "error"
	case err != nil:
		result = "invalid"
	case r.Duplicate:
		result = "duplicate"
	}
	m.publishes.WithLabelValues(string(t), result).Inc()
	m.publish.Observe(took.Seconds())
}

// reactionMetrics are the series of one reaction, looked up once.
type reactionMetrics struct {
	handled  map[disposition]prometheus.Counter
	handling prometheus.Observer
	inFlight prometheus.Gauge
	panics   prometheus.Counter
}

func (m *metrics) of(durable string) reactionMetrics {
	r := reactionMetrics{
		handled:  map[disposition]prometheus.Counter{},
		handling: m.handling.WithLabelValues(durable),
		inFlight: m.inFlight.WithLabelValues(durable),
		panics:   m.panics.WithLabelValues(durable),
	}
	for _, d := range []disposition{settleAck, settleRetry, settleSnooze, settleHold, settleDead} {
		r.handled[d] = m.handled.WithLabelValues(durable, d.String())
	}
	return r
}
