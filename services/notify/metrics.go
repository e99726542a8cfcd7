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
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fiord_notify_breaker_open", Help: "1 while a target that is away is being spared.",
		}, []string{"target"}),
	}
	if r == nil {
		return m, nil
	}
	return m, errors.Join(r.Register(m.attempts), r.Register(m.seconds), r.Register(m.skipped), r.Register(m.failed), r.Register(m.open))
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
