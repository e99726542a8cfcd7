package notify

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"

	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/silence"
)

// Service is one replica of notify.
type Service struct {
	bus     *bus.Bus
	log     *slog.Logger
	ledger  *ledger // its bucket is bound by Run, and the targets' silences
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
		t, err := s.newTarget(settings.withDefaults(), cfg, m)
		if err != nil {
			return nil, fmt.Errorf("set up target %s: %w", settings.Name, err)
		}
		s.targets = append(s.targets, t)
	}
	return s, nil
}

func (s *Service) newTarget(settings Target, cfg Config, m *metrics) (*target, error) {
	k := kinds[settings.Kind]
	f, err := newFilter(settings, k)
	if err != nil {
		return nil, err
	}
	send, err := k.build(settings, s.log)
	if err != nil {
		return nil, err
	}
	t := &target{
		name: settings.Name, kind: settings.Kind, giveUp: settings.GiveUpAfter, pages: cfg.PageURL,
		filter: f, sender: send, undecided: notice.State(settings.Undecided), ordered: k.isForge(), ledger: s.ledger, metrics: m, log: s.log,
		once: k.people, repeat: cmp.Or(settings.RepeatInterval, cfg.RepeatInterval), group: settings.grouping(cfg, k),
		silenced: !k.isForge() && !k.record,
	}
	if settings.Comment {
		t.comments, _ = send.(commenter) // every forge's sender is one
	}
	return t, nil
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
	kv, err := s.bus.KeyValue(ctx, bus.BucketNotices)
	if err != nil {
		return fmt.Errorf("open bucket %s: %w", bus.BucketNotices, err)
	}
	s.ledger.kv = kv
	store, err := silence.Open(ctx, s.bus, bus.BucketSilences)
	if err != nil {
		return err
	}
	silences, err := store.Watch(ctx, func(err error) { s.log.Warn("silence skipped", "error", err) })
	if err != nil {
		return err
	}
	for _, t := range s.targets {
		t.silences = silences
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
