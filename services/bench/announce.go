package bench

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/host/facts"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/registry"
)

// factsEvery is how often what rarely changes is looked at again.
const factsEvery = time.Minute

func (s *Service) announcer(ctx context.Context) (*registry.Announcer, error) {
	kv, err := s.bus.KeyValue(ctx, bus.BucketHosts)
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", bus.BucketHosts, err)
	}
	return registry.NewAnnouncer(kv), nil
}

// announce beats until the context ends, then leaves the registry.
func (s *Service) announce(ctx context.Context, a *registry.Announcer) {
	beat := time.NewTicker(registry.BeatEvery)
	defer beat.Stop()
	looked := time.Now()
	for ctx.Err() == nil {
		if time.Since(looked) > factsEvery && s.status.Idle() {
			s.look(ctx)
			looked = time.Now()
		}
		switch err := a.Announce(ctx, s.record()); {
		case err == nil:
			if since := s.announcing.Recovered(); since > 0 {
				s.log.Info("host is announced again", "after", since)
			}
		case ctx.Err() == nil && s.announcing.ShouldLog():
			s.log.Warn("host is not announced", "error", err)
		}
		select {
		case <-beat.C:
		case <-s.status.Changed():
		case <-ctx.Done():
		}
	}
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := a.Leave(leaving); err != nil {
		s.log.Warn("host stays in the registry until it expires", "error", err)
	}
}

// look reads the facts that rarely change. Custom facts are programs, so it
// does not look beside a measurement.
func (s *Service) look(ctx context.Context) {
	all, err := s.machine.Stable()
	if err != nil {
		s.log.Warn("facts are incomplete", "error", err)
		all = map[string]string{}
	}
	d, err := s.runner.Describe(ctx)
	if err != nil {
		s.log.Warn("runner does not describe itself", "error", err)
	}
	for k, v := range map[string]string{
		"runner": d.Kind, "container_engine": d.Engine, "fio_version": d.FioVersion,
		"volume_drivers": strings.Join(d.VolumeDrivers, ","),
		"sandbox":        strings.Join(d.Sandbox.Whole(), ", "), "sandbox_missing": strings.Join(d.Sandbox.Lacks(), ", "),
	} {
		if v != "" {
			all[k] = v
		}
	}
	custom, err := facts.Custom(ctx, s.cfg.FactsDir, 0)
	if err != nil {
		s.log.Warn("custom facts are incomplete", "error", err)
	}
	maps.Copy(all, custom)
	s.status.Learn(all, d)
}

func (s *Service) record() registry.Host {
	h := registry.Host{
		Beat:    registry.Beat{Token: s.token, Pools: s.cfg.Pools, Capacity: s.cfg.Capacity},
		Details: registry.Details{Addresses: s.addresses()},
	}
	s.status.Fill(&h)
	return h
}

// addresses are those configured, or the global ones of the interfaces.
func (s *Service) addresses() []string {
	if len(s.cfg.Addresses) > 0 {
		return s.cfg.Addresses
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		s.log.Debug("addresses of interfaces", slog.Any("error", err))
		return nil
	}
	var out []string
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() {
			out = append(out, ip.IP.String())
		}
	}
	slices.Sort(out)
	return out
}
