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

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/block"
	"github.com/fiord-bench/fiord/host/facts"
	"github.com/fiord-bench/fiord/host/guard"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/gate"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/services/bench/cancellation"
	"github.com/fiord-bench/fiord/services/bench/laidout"
	"github.com/fiord-bench/fiord/services/bench/lease"
	"github.com/fiord-bench/fiord/services/bench/locks"
	"github.com/fiord-bench/fiord/services/bench/measure"
	"github.com/fiord-bench/fiord/services/bench/outbox"
	"github.com/fiord-bench/fiord/services/bench/plan"
	"github.com/fiord-bench/fiord/services/bench/spool"
	"github.com/fiord-bench/fiord/services/bench/starts"
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
	plans         *plan.Planner // its runner is set by Run
	cancellations *cancellation.Cancellations
	state         *state

	// Set by Run, before anything reads them.
	runner   runner.Runner
	remote   bool // the runner sees another file system
	spool    *spool.Spool
	laidOut  *laidout.Ledger
	outbox   *outbox.Outbox
	starts   starts.Counter
	leases   *lease.Keeper
	adopting *adoptions

	announcing      throttle.Failure
	barrierPatience time.Duration

	supervising sync.Mutex
	supervised  bool // the supervisor is installed
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
	if policy.Ceilings.Memory == 0 {
		policy.Ceilings.Memory = uint64(max(0, facts.Host{}.MemoryMiB())) << 19 // half of it
	}
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
		log: deps.Log.With(slog.String("host", host)), guard: g, gate: locks.NewTurnstile(measurements),
		plans:         &plan.Planner{Settings: cfg.plans(), Machine: machine, Guard: g, Places: plan.Places(g, cfg.remote())},
		cancellations: cancellation.New(), barrierPatience: measure.BarrierPatience, state: newState(), adopting: newAdoptions(),
	}, nil
}

func openGate(path string) (*gate.Gate, error) {
	if path != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // plot on the same host opens it too
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

	if err := s.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.spool.Close()) }()
	closeRunner, err := s.openRunner(ctx)
	if err != nil {
		return err
	}
	defer closeRunner()
	s.plans.Runner, s.plans.Remote = s.runner, s.remote
	view, err := s.bus.Watch(ctx, s.cancellations.View(cancellationsView(s.token)))
	if err != nil {
		return fmt.Errorf("follow cancellations: %w", err)
	}
	defer view.Stop()
	if err := s.adopt(ctx, &running); err != nil {
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

// open opens what a worker keeps on its disk and on the bus.
func (s *Service) open(ctx context.Context) error {
	for _, dir := range append([]string{s.cfg.StateDir}, s.cfg.Directories...) {
		if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // fio may run as another user and must reach it
			return fmt.Errorf("make folder: %w", err)
		}
	}
	counted, err := s.bus.JetStream().KeyValue(ctx, bus.BucketAttempts)
	if err != nil {
		return fmt.Errorf("open bucket %s: %w", bus.BucketAttempts, err)
	}
	s.starts = starts.Counter{KV: counted}
	leases, err := s.bus.JetStream().KeyValue(ctx, bus.BucketLeases)
	if err != nil {
		return fmt.Errorf("open bucket %s: %w", bus.BucketLeases, err)
	}
	s.leases = lease.NewKeeper(s.bus.JetStream(), leases, s.cfg.LeaseTTL)
	if s.laidOut, err = laidout.Open(s.cfg.ledger(), laidout.Policy(s.cfg.Leftovers)); err != nil {
		return err
	}
	s.plans.Leftovers = s.laidOut.Leftovers
	s.spool, err = spool.Open(s.cfg.spoolDir(), int64(min(s.cfg.SpoolLimit, 1<<62))) //nolint:gosec // bounded
	if err != nil {
		return err
	}
	s.outbox = &outbox.Outbox{
		Spool: s.spool, Limit: int64(min(s.cfg.SpoolLimit, 1<<62)), //nolint:gosec // bounded
		Store: s.store, Bus: s.bus, Log: s.log, Idle: s.quiet, Ended: s.ended,
	}
	return nil
}
