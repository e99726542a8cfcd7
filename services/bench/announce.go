package bench

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fiord-bench/fiord/host/facts"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/registry"
)

// factsEvery is how often what rarely changes is looked at again.
const factsEvery = time.Minute

// state is what the worker is doing, for its beats.
type state struct {
	incarnation string
	started     time.Time
	changed     chan struct{}

	mu       sync.Mutex
	running  map[string]registry.Running // by run
	waiting  int
	draining bool
	facts    map[string]string // stable ones, custom ones included
	runner   runner.Description
}

func newState() *state {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	return &state{
		incarnation: hex.EncodeToString(id), started: time.Now().UTC(),
		changed: make(chan struct{}, 1), running: map[string]registry.Running{},
	}
}

func (st *state) change(f func()) {
	st.mu.Lock()
	f()
	st.mu.Unlock()
	select {
	case st.changed <- struct{}{}:
	default:
	}
}

// runs notes a run in progress until done is called.
func (st *state) runs(bench, run string) (done func()) {
	st.change(func() { st.running[run] = registry.Running{Bench: bench, Run: run} })
	return func() { st.change(func() { delete(st.running, run) }) }
}

// waits notes a list in hand that has not started until done is called.
func (st *state) waits() (done func()) {
	st.change(func() { st.waiting++ })
	return func() { st.change(func() { st.waiting-- }) }
}

// quiet reports that nothing is measured on this host now.
func (s *Service) quiet() bool {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	return len(s.state.running) == 0
}

// known returns the facts as they are known, with the load as it is now.
func (s *Service) known() map[string]string {
	all := s.machine.Load()
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	for k, v := range s.state.facts {
		if _, changing := all[k]; !changing {
			all[k] = v
		}
	}
	all["host"] = s.host
	return all
}

func (s *Service) announcer(ctx context.Context) (*registry.Announcer, error) {
	kv, err := s.bus.JetStream().KeyValue(ctx, bus.BucketHosts)
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
		if time.Since(looked) > factsEvery && s.quiet() {
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
		case <-s.state.changed:
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
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	s.state.facts, s.state.runner = all, d
}

func (s *Service) record() registry.Host {
	load := s.machine.Load()
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	running := slices.Collect(maps.Values(s.state.running))
	slices.SortFunc(running, func(a, b registry.Running) int { return strings.Compare(a.Run, b.Run) })
	return registry.Host{
		Beat: registry.Beat{
			Token: s.token, Name: s.host, Incarnation: s.state.incarnation, Started: s.state.started,
			Pools: s.cfg.Pools, Capacity: s.cfg.Capacity, Draining: s.state.draining,
			Running: running, Waiting: s.state.waiting, Load: load,
		},
		Details: registry.Details{Addresses: s.addresses(), Facts: s.state.facts},
	}
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
