package notify

import (
	"errors"
	"time"

	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics of one replica.
type metrics struct {
	attempts *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	skipped  *prometheus.CounterVec
	failed   *prometheus.CounterVec
	withheld *prometheus.CounterVec
	together *prometheus.HistogramVec
	open     *prometheus.GaugeVec
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fiord_notify_attempts_total", Help: "Requests to targets by outcome: sent, refused, failed, busy, away.",
		}, []string{"target", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fiord_notify_attempt_seconds", Help: "How long requests to targets took.", Buckets: prometheus.ExponentialBuckets(0.01, 3, 8),
		}, []string{"target"}),
		skipped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fiord_notify_skipped_total", Help: "Events that a target's filters left out.",
		}, []string{"target"}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fiord_notify_failed_total", Help: "Notices given up on.",
		}, []string{"target"}),
		withheld: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fiord_notify_withheld_total", Help: "Notices not sent on purpose: silenced, or of a shift that the target knows.",
		}, []string{"target"}),
		together: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fiord_notify_message_notices", Help: "Notices told by one message, of targets that group them.", Buckets: prometheus.ExponentialBuckets(1, 4, 6),
		}, []string{"target"}),
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fiord_notify_breaker_open", Help: "1 while a target that is away is being spared.",
		}, []string{"target"}),
	}
	if r == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.attempts, m.seconds, m.skipped, m.failed, m.withheld, m.together, m.open} {
		errs = append(errs, r.Register(c))
	}
	return m, errors.Join(errs...)
}

// sent enters one request.
func (m *metrics) sent(target string, open bool, err error, took time.Duration) {
	outcome := "sent"
	if err != nil {
		outcome = string(notice.Failed)
		if failure, ok := errors.AsType[*notice.SendError](err); ok {
			outcome = string(failure.Outcome)
		}
	}
	m.attempts.WithLabelValues(target, outcome).Inc()
	m.seconds.WithLabelValues(target).Observe(took.Seconds())
	state := 0.0
	if open {
		state = 1
	}
	m.open.WithLabelValues(target).Set(state)
}
