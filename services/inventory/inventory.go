package inventory

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/fetch"
	"github.com/fiord-bench/fiord/internal/registry"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/services/inventory/discovery"
)

// Service is one replica of inventory.
type Service struct {
	cfg     Config
	bus     *bus.Bus
	store   *artifacts.Store
	log     *slog.Logger
	metrics *metrics
	ledger  *ledger
	web     *fetch.Client

	discovery *discovery.Config // nil if none is configured
	changes   *gatherer

	// Set by Run, before anything reads them.
	hosts   *registry.View
	hostsKV jetstream.KeyValue
	tally   jetstream.KeyValue
	told    map[string]string // the last loss told, by host; the sweep's alone
}

// New prepares a replica; Run starts it.
func New(cfg Config, deps service.Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure inventory: %w", err)
	}
	m, err := newMetrics(deps.Metrics)
	if err != nil {
		return nil, fmt.Errorf("set up inventory: %w", err)
	}
	s := &Service{
		cfg: cfg, bus: deps.Bus, store: deps.Store, log: deps.Log, metrics: m, ledger: newLedger(), told: map[string]string{},
		web: fetch.New(fetch.Config{AllowHTTP: cfg.Fetch.AllowHTTP, AllowPrivate: cfg.Fetch.AllowPrivate, MaxBytes: maxJobFile}),
	}
	s.changes = &gatherer{wait: cfg.Debounce, handle: s.apply}
	if cfg.Discovery != "" {
		if s.discovery, err = discovery.Load(cfg.Discovery, deps.Getenv); err != nil {
			return nil, fmt.Errorf("configure inventory: %w", err)
		}
		for _, w := range s.discovery.Warnings {
			s.log.Warn("discovery configuration", "file", cfg.Discovery, "warning", w)
		}
	}
	if _, err := s.policy(); err != nil {
		return nil, fmt.Errorf("configure inventory: %w", err)
	}
	return s, nil
}

// Run serves until the context ends and returns when its goroutines have. An
// end that was asked for is no error, also while it still starts.
func (s *Service) Run(ctx context.Context) error {
	err := s.run(ctx)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (s *Service) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	if err := s.open(ctx); err != nil {
		return err
	}
	// The view's only error is the end of the context.
	running.Go(func() { _ = s.hosts.Run(ctx) })
	view, err := s.bus.Watch(ctx, s.ledger.view())
	if err != nil {
		return fmt.Errorf("follow benches: %w", err)
	}
	defer view.Stop()
	for _, r := range s.reactions() {
		sub, err := s.bus.React(ctx, r)
		if err != nil {
			return err
		}
		defer sub.Stop()
	}
	running.Go(func() { s.reconcile(ctx) })
	s.sweepUntil(ctx)
	return nil
}

// open binds the buckets that the service reads and writes.
func (s *Service) open(ctx context.Context) error {
	for name, kv := range map[string]*jetstream.KeyValue{bus.BucketHosts: &s.hostsKV, bus.BucketTally: &s.tally} {
		found, err := s.bus.KeyValue(ctx, name)
		if err != nil {
			return fmt.Errorf("open bucket %s: %w", name, err)
		}
		*kv = found
	}
	s.hosts = registry.NewView(s.hostsKV, registry.ViewConfig{LostAfter: s.cfg.LostAfter, Log: s.log})
	return nil
}

// reactions are what the service does for events.
func (s *Service) reactions() []bus.Reaction {
	return []bus.Reaction{{
		Service: "inventory", Name: "place",
		Types:       []events.Type{events.TypeBenchRequested},
		Concurrency: s.cfg.Placements,
		MaxAttempts: 6, // half a minute: somebody waits for the answer
		Handle:      s.place, OnDead: s.unplaceable,
	}, {
		Service: "inventory", Name: "tally",
		Types: []events.Type{
			events.TypeRunCompleted, events.TypeRunFailed, events.TypeRunRejected, events.TypeRunCancelled, events.TypeRunExpired,
		},
		Concurrency: 16,
		Handle:      s.count, OnDead: bus.OwesNothing,
	}, {
		Service: "inventory", Name: "discover",
		Types:   []events.Type{events.TypeDiscoveryRequested},
		Timeout: 10 * time.Minute,
		Handle:  s.discover, OnDead: bus.OwesNothing,
	}, {
		Service: "inventory", Name: "refresh",
		Types:       []events.Type{events.TypeInstanceChanged},
		Concurrency: 200, // they wait for each other, see gatherer
		Handle:      s.refresh, OnDead: bus.OwesNothing,
	}, {
		Service: "inventory", Name: "generate",
		Types:   []events.Type{events.TypeInstancesDiscovered},
		Ordered: true,
		Handle:  s.generate, OnDead: bus.OwesNothing,
	}}
}
