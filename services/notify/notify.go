package notify

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/service"
)

// Service is one replica of notify.
type Service struct {
	bus     *bus.Bus
	log     *slog.Logger
	ledger  *ledger // its bucket is bound by Run
	targets []*target
}

// New prepares a replica; Run starts it.
func New(cfg Config, deps service.Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure notify: %w", err)
	}
	m, err := newMetrics(deps.Metrics)
	if err != nil {
		return nil, fmt.Errorf("set up notify: %w", err)
	}
	s := &Service{bus: deps.Bus, log: deps.Log, ledger: &ledger{}}
	for _, settings := range cfg.Targets {
		t, err := s.newTarget(settings.withDefaults(), cfg.PageURL, m)
		if err != nil {
			return nil, fmt.Errorf("set up target %s: %w", settings.Name, err)
		}
		s.targets = append(s.targets, t)
	}
	return s, nil
}

func (s *Service) newTarget(settings Target, pages string, m *metrics) (*target, error) {
	k := kinds[settings.Kind]
	f, err := newFilter(settings, k)
	if err != nil {
		return nil, err
	}
	send, err := k.build(settings, s.log)
	if err != nil {
		return nil, err
	}
	return &target{
		name: settings.Name, kind: settings.Kind, giveUp: settings.GiveUpAfter, pages: pages,
		filter: f, sender: send, ordered: k.isForge(), ledger: s.ledger, metrics: m,
	}, nil
}

// Run serves until the context ends and returns when its goroutines have.
func (s *Service) Run(ctx context.Context) error {
	err := s.run(ctx)
	if ctx.Err() != nil {
		return nil // what a stop interrupts is no error
	}
	return err
}

func (s *Service) run(ctx context.Context) error {
	kv, err := s.bus.JetStream().KeyValue(ctx, bus.BucketNotices)
	if err != nil {
		return fmt.Errorf("open bucket %s: %w", bus.BucketNotices, err)
	}
	s.ledger.kv = kv
	for _, t := range s.targets {
		sub, err := s.bus.React(ctx, t.reaction())
		if err != nil {
			return err
		}
		defer sub.Stop()
		s.log.Info("telling", "target", t.name, "kind", t.kind, "types", len(t.filter.types))
	}
	<-ctx.Done()
	return nil
}
