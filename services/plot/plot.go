package plot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/gate"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/internal/service/admin"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/services/plot/page"
)

// Service is one replica of plot.
type Service struct {
	cfg        Config
	bus        *bus.Bus
	store      *artifacts.Store
	log        *slog.Logger
	gate       *gate.Gate
	model      *model.Model
	archive    archive
	placements placements
	listener   net.Listener
	http       *http.Server
	url        string
	ready      func(string, admin.Check)
	places     chan struct{} // taken while a figure is drawn for somebody
	digests    digests
	tailsKnown latencies

	tally    jetstream.Stream // set by Run before anything reads it
	counting counting
	kv       jetstream.KeyValue
}

// Limits of the web server. Downloads may be long, requests not.
const (
	headerTimeout   = 10 * time.Second
	idleTimeout     = 2 * time.Minute
	downloadTimeout = 30 * time.Minute
	shutdownTimeout = 5 * time.Second
	maxHeader       = 32 << 10
)

// New prepares a replica and opens the page's address, so that a port taken by
// others is told at once. Run starts it and closes the address.
func New(cfg Config, deps service.Deps) (_ *Service, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure plot: %w", err)
	}
	s := &Service{cfg: cfg, bus: deps.Bus, store: deps.Store, log: deps.Log, model: model.New(cfg.Memory), archive: archive{deps.Store}, places: make(chan struct{}, cfg.Renderers)}
	if s.gate, err = gate.Open(cfg.Gate); err != nil {
		return nil, fmt.Errorf("set up plot: %w", err)
	}
	handler, err := page.New(source{s}, objects{deps.Store, int64(cfg.LogLimit)}, asked{s}, historian{s}, deps.Log, "fiord "+deps.Version)
	if err != nil {
		return nil, fmt.Errorf("set up plot: %w", err)
	}
	if s.listener, err = net.Listen("tcp", cfg.Listen); err != nil {
		return nil, fmt.Errorf("listen for the web page: %w", err)
	}
	s.url = strings.TrimSuffix(cfg.PublicURL, "/")
	if s.url == "" {
		s.url = "http://" + s.listener.Addr().String()
	}
	s.http = &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout, IdleTimeout: idleTimeout,
		WriteTimeout: downloadTimeout, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(deps.Log.Handler(), slog.LevelDebug),
	}
	if s.ready = deps.Ready; s.ready == nil {
		s.ready = func(string, admin.Check) {}
	}
	s.ready("model", func(context.Context) error { return errors.New("reading the events so far") })
	return s, nil
}

// URL is where the page is, as people reach it.
func (s *Service) URL() string { return s.url }

// Run serves until the context ends and returns when its goroutines have.
func (s *Service) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	defer running.Wait()
	defer s.closePage()
	running.Go(func() {
		if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			cancel(fmt.Errorf("serve web page: %w", err))
		}
	})
	if err := s.open(ctx); err != nil {
		return unlessStopped(ctx, err)
	}
	view, err := s.bus.Watch(ctx, bus.View{
		Types:    model.Types(),
		See:      func(_ context.Context, seen bus.Seen) { s.model.Apply(seen.Event, seen.Stored) },
		CaughtUp: func() { s.ready("model", nil) },
	})
	if err != nil {
		return unlessStopped(ctx, fmt.Errorf("follow benches: %w", err))
	}
	defer view.Stop()
	for _, r := range s.reactions() {
		sub, err := s.bus.React(ctx, r)
		if err != nil {
			return unlessStopped(ctx, err)
		}
		defer sub.Stop()
	}
	<-ctx.Done()
	return unlessStopped(ctx, context.Cause(ctx))
}

// unlessStopped returns err unless it only says that somebody asked for the
// end. A page that cannot be served is the cause of its own end.
func unlessStopped(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// closePage lets requests under way finish for a moment.
func (s *Service) closePage() {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		_ = s.http.Close()
	}
}

// open binds the tally.
func (s *Service) open(ctx context.Context) error {
	var err error
	if s.kv, err = s.bus.JetStream().KeyValue(ctx, bus.BucketTally); err != nil {
		return fmt.Errorf("open bucket %s: %w", bus.BucketTally, err)
	}
	if s.tally, err = s.bus.JetStream().Stream(ctx, "KV_"+bus.BucketTally); err != nil {
		return fmt.Errorf("open bucket %s: %w", bus.BucketTally, err)
	}
	return nil
}

// reactions are what the service does for events.
func (s *Service) reactions() []bus.Reaction {
	return []bus.Reaction{{
		Service: "plot", Name: "draw",
		Types:       []events.Type{events.TypeRunCompleted},
		Concurrency: s.cfg.Renderers,
		Handle:      s.draw, OnDead: s.drawNothing,
	}, {
		Service: "plot", Name: "tally",
		Types: []events.Type{
			events.TypePlotsRendered, events.TypeBenchPlaced,
			events.TypeRunFailed, events.TypeRunRejected, events.TypeRunCancelled, events.TypeRunExpired,
		},
		Concurrency: 8,
		Handle:      s.count, OnDead: s.reportNothing,
	}, {
		Service: "plot", Name: "cancel",
		Types:       []events.Type{events.TypeCancelRequested},
		Concurrency: 4,
		Handle:      s.cancel, OnDead: s.cancelAnyway,
	}, {
		Service: "plot", Name: "confirm",
		Types:       []events.Type{events.TypeBenchReported, events.TypeBenchUnplaced, events.TypeBenchCancelled},
		Concurrency: 4,
		Handle:      s.confirmed, OnDead: s.confirmNothing,
	}, {
		Service: "plot", Name: "archive",
		Types: []events.Type{
			events.TypeBenchRequested, events.TypeRunStarted, events.TypeBenchReported,
			events.TypeBenchUnplaced, events.TypeBenchCancelled, events.TypeBaselineAccepted,
		},
		Concurrency: 8,
		Handle:      s.record, OnDead: bus.OwesNothing,
	}}
}

// gone is away for an object that a claim check names: that it is not there is
// for good.
func gone(err error) error {
	if errors.Is(err, artifacts.ErrNotFound) {
		return bus.Permanent(err)
	}
	return away(err)
}

// away tells the bus to hold an event while the store is away, and to give up
// on what no retry mends.
func away(err error) error { return bus.ForStore(err) }
