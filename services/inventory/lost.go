package inventory

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/registry"
	"github.com/fiord-bench/fiord/internal/service/logging"
)

// maxLostRuns is what a host.lost takes.
const maxLostRuns = 100

// tellLost emits host.lost for each host that fell silent, once: the mark in
// the bucket outlives this replica and the duplicate window.
func (s *Service) tellLost(ctx context.Context) {
	count := map[string]int{"alive": 0, "draining": 0, "lost": 0}
	for _, h := range s.hosts.Hosts() {
		switch {
		case !h.Alive:
			count["lost"]++
			if err := s.tellLostHost(ctx, h); err != nil && ctx.Err() == nil {
				s.log.Warn("tell lost host", logging.KeyHost, h.Name, logging.Error(err))
			}
		case h.Draining:
			count["draining"]++
		default:
			count["alive"]++
		}
	}
	for state, n := range count {
		s.metrics.hosts.WithLabelValues(state).Set(float64(n))
	}
}

// tellLostHost announces one loss. It is identified by the last beat, which
// all replicas agree on; a host that comes back and is lost again has another.
func (s *Service) tellLostHost(ctx context.Context, h registry.Sighting) error {
	id := events.HashID("lost", h.Token, h.Incarnation, fmt.Sprint(h.Revision))
	if s.told[h.Token] == id {
		return nil
	}
	mark, err := s.hostsKV.Get(ctx, registry.LostKey(h.Token))
	if err == nil && string(mark.Value()) == id {
		s.told[h.Token] = id
		return nil
	}
	if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		return fmt.Errorf("read mark: %w", err)
	}
	lost := events.HostLost{Host: h.Name, LastSeen: h.Seen.UTC()}
	for _, r := range h.Running[:min(len(h.Running), maxLostRuns)] {
		lost.Running = append(lost.Running, r.Run)
	}
	if _, err := s.bus.Emit(ctx, id, nil, lost); err != nil {
		return err
	}
	s.log.Warn("host lost", logging.KeyHost, h.Name, "last_seen", h.Seen, "running", len(h.Running))
	if _, err := s.hostsKV.PutString(ctx, registry.LostKey(h.Token), id); err != nil {
		return fmt.Errorf("write mark: %w", err)
	}
	s.told[h.Token] = id
	return nil
}
