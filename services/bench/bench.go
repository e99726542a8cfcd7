package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/block"
	"github.com/fiord-bench/fiord/host/facts"
	"github.com/fiord-bench/fiord/host/guard"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/gate"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/services/bench/attempt"
	"github.com/fiord-bench/fiord/services/bench/cancellation"
	"github.com/fiord-bench/fiord/services/bench/laidout"
	"github.com/fiord-bench/fiord/services/bench/lease"
	"github.com/fiord-bench/fiord/services/bench/locks"
	"github.com/fiord-bench/fiord/services/bench/measure"
	"github.com/fiord-bench/fiord/services/bench/outbox"
	"github.com/fiord-bench/fiord/services/bench/plan"
	"github.com/fiord-bench/fiord/services/bench/spool"
	"github.com/fiord-bench/fiord/services/bench/starts"
	"github.com/fiord-bench/fiord/services/bench/status"
	"github.com/fiord-bench/fiord/services/bench/throttle"
)

// source names the service in events.
const source = "fiord/bench"

// Service is one host's worker.
type Service struct {
	cfg           Config
	host          string // name
	token         string // in subjects and labels
	bus           *bus.Bus
	store         *artifacts.Store
	log           *slog.Logger
	metrics       *metrics
	guard         *guard.Guard
	machine       facts.Host
	gate          *locks.Turnstile
	cancellations *cancellation.Cancellations
	status        *status.Status

	// Set by Run, before anything reads them.
	runner runner.Runner
	spool  *spool.Spool
	outbox *outbox.Outbox
	worker *attempt.Worker

	announcing      throttle.Failure
	barrierPatience time.Duration
	entered         func(attempt.Phase) // nil outside of tests
	supervisor      supervisor
}

// New prepares a worker; Run starts it.
func New(cfg Config, deps service.Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure bench: %w", err)
	}
	host, err := cfg.name()
	if err != nil {
		return nil, err
	}
	policy := cfg.policy()
	policy.Ceilings.Memory = cfg.memory()
	g, err := guard.New(policy, block.System{})
	if err != nil {
		return nil, err
	}
	measurements, err := openGate(cfg.Gate)
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(deps.Metrics, cfg.spoolDir())
	if err != nil {
		return nil, fmt.Errorf("set up bench: %w", err)
	}
	machine := facts.Host{}
	return &Service{
		cfg: cfg, host: host, token: events.Token(host), bus: deps.Bus, store: deps.Store, metrics: m,
		log: deps.Log.With(slog.String("host", host)), guard: g, machine: machine, gate: locks.NewTurnstile(measurements),
		cancellations: cancellation.New(), barrierPatience: measure.BarrierPatience, status: status.New(host, machine),
		supervisor: supervisor{from: cfg.Supervisor, folder: cfg.StateDir},
	}, nil
}

func openGate(path string) (*gate.Gate, error) {
	if path != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fmt.Errorf("make folder of the gate: %w", err)
		}
	}
	return gate.Open(path)
}

// Run serves until the context ends and returns when its goroutines have. What
// is still measuring then goes on or is handed back, see the package comment.
func (s *Service) Run(ctx context.Context) error {
	err := s.serve(ctx)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // stopped before it was up
	}
	return err
}

func (s *Service) serve(ctx context.Context) (err error) {
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()

	if err := s.folders(); err != nil {
		return err
	}
	if s.spool, err = spool.Open(s.cfg.spoolDir(), s.cfg.spoolLimit()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.spool.Close()) }()
	fio, err := s.openRunner(ctx)
	if err != nil {
		return err
	}
	defer fio.close()
	s.runner = fio.runner
	if err := s.open(ctx, fio.remote); err != nil {
		return err
	}
	view, err := s.bus.Watch(ctx, s.cancellations.View(cancellationsView(s.token)))
	if err != nil {
		return fmt.Errorf("follow cancellations: %w", err)
	}
	defer view.Stop()
	if err := s.worker.Recover(ctx, &running); err != nil {
		return err
	}
	announcer, err := s.announcer(ctx)
	if err != nil {
		return err
	}
	s.look(ctx) // before the first run: it goes into its environment
	running.Go(func() { s.announce(ctx, announcer) })
	running.Go(func() { s.outbox.Run(ctx) })
	for _, r := range s.reactions() {
		sub, err := s.bus.React(ctx, r)
		if err != nil {
			return err
		}
		defer sub.Stop()
	}
	<-ctx.Done()
	return nil
}

// folders makes those that the worker uses.
func (s *Service) folders() error {
	for _, dir := range append([]string{s.cfg.StateDir}, s.cfg.Directories...) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
	}
	return nil
}

// open opens what a worker keeps on its disk and on the bus. remote says that
// fio runs on another file system.
func (s *Service) open(ctx context.Context, remote bool) error {
	counted, err := s.bucket(ctx, bus.BucketStarts)
	if err != nil {
		return err
	}
	barriers, err := s.bucket(ctx, bus.BucketBarriers)
	if err != nil {
		return err
	}
	leases, err := s.bucket(ctx, bus.BucketLeases)
	if err != nil {
		return err
	}
	laidOut, err := laidout.Open(s.cfg.ledger(), laidout.Policy(s.cfg.Leftovers))
	if err != nil {
		return err
	}
	s.outbox = &outbox.Outbox{
		Spool: s.spool, Limit: s.cfg.spoolLimit(),
		Store: s.store, Bus: s.bus, Log: s.log, Idle: s.status.Idle, Ended: s.ended,
	}
	s.worker = &attempt.Worker{
		Settings: s.cfg.attempts(), Host: s.host, Token: s.token, Source: source,
		Bus: s.bus, Store: s.store, Log: s.log, Machine: s.machine, Guard: s.guard, Runner: s.runner, Remote: remote,
		Plans: &plan.Planner{
			Settings: s.cfg.plans(), Machine: s.machine, Guard: s.guard, Places: s.places(),
			Runner: s.runner, Remote: remote, Leftovers: laidOut.Leftovers,
		},
		Gate: s.gate, Cancellations: s.cancellations, Status: s.status, Spool: s.spool, LaidOut: laidOut, Outbox: s.outbox,
		Starts: starts.Counter{KV: counted}, Barriers: barriers, Leases: lease.NewKeeper(s.bus.JetStream(), leases, s.cfg.LeaseTTL),
		Metrics:         attempt.Metrics{Overhead: s.metrics.overhead, Starts: s.metrics.starts, Running: s.metrics.running},
		BarrierPatience: s.barrierPatience, Supervisor: s.supervisor.path, Ended: s.ended, Entered: s.entered,
	}
	return nil
}

func (s *Service) bucket(ctx context.Context, name string) (jetstream.KeyValue, error) {
	kv, err := s.bus.KeyValue(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", name, err)
	}
	return kv, nil
}

// ended counts what this worker ended, not what it found ended.
func (s *Service) ended(e bus.Ending, as events.Type) {
	if e.Won {
		s.metrics.runs.WithLabelValues(as.Verb()).Inc()
	}
}
