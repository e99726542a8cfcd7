package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/trace"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/service/admin"
	"github.com/fiord-bench/fiord/internal/service/logging"
	"github.com/fiord-bench/fiord/internal/service/tracing"
)

// A Runner is a service that has been set up. Run serves until ctx ends,
// finishes what it has in hand, and returns when its goroutines have; nil then.
type Runner interface {
	Run(ctx context.Context) error
}

// Deps is what a service is given. Whoever gives it closes it.
type Deps struct {
	Bus     *bus.Bus
	Store   *artifacts.Store
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Tracer  trace.Tracer
	// Ready adds a condition of readiness, such as an engine that must answer;
	// a nil check removes it. The name is the service's own.
	Ready func(name string, check admin.Check)
	// Version of the running program.
	Version string
	// AllowPlaintext permits to listen beyond loopback without TLS.
	AllowPlaintext bool
	// Getenv finds variables that a file of the operator's names itself, as
	// configurations of Ansible's plugins do; nil finds none. What a service is
	// configured by is in its Config.
	Getenv func(name string) string
}

// Options say what to run, and with what. Name and Build are required.
type Options struct {
	Name    string // bench; the NATS user and the event source are fiord-bench and fiord/bench
	Version string // semantic version; "" for the build's
	Common  Common

	// User of the service on NATS, which its inbox follows from; "" for Name.
	User string

	// Build makes the service once its dependencies are there.
	Build func(Deps) (Runner, error)

	// Log, Registry and Checks are shared by the apps of one process. Where
	// they are nil the app has its own, and Common says how they are served.
	Log      *slog.Logger
	Registry *prometheus.Registry
	Checks   *admin.Checks

	// LogOutput takes the lines of an own logger; nil for standard error.
	LogOutput io.Writer
}

// guestService runs outside of the installation's own machines, on its host: the
// other services make its consumers.
const guestService = "bench"

// App is one instance of a service and what it stands on.
type App struct {
	name, version string
	user          string // on NATS
	common        Common
	build         func(Deps) (Runner, error)
	guest         bool
	log           *slog.Logger
	metrics       prometheus.Registerer
	checks        *admin.Checks
	admin         *admin.Server // nil when shared or switched off
	tracing       *tracing.Provider
	undo          closers
}

// New opens the admin address and tracing. Nothing stays open when it fails.
func New(o Options) (_ *App, err error) {
	if o.Name == "" || o.Build == nil {
		return nil, errors.New("new service: Name and Build are required")
	}
	a := &App{name: o.Name, version: o.Version, common: o.Common, build: o.Build, user: cmp.Or(o.User, o.Name), guest: o.Name == guestService, log: o.Log, checks: o.Checks}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.version == "" {
		a.version = Version()
	}
	if a.log == nil {
		a.log = newLogger(o)
	}
	a.log = a.log.With(logging.KeyService, o.Name)
	registry := o.Registry
	if registry == nil {
		registry = newRegistry()
	}
	a.metrics = prometheus.WrapRegistererWith(prometheus.Labels{"service": o.Name}, registry)
	if err := registerBuild(a.metrics, a.version); err != nil {
		return nil, fmt.Errorf("new service %s: %w", o.Name, err)
	}
	if err := a.openAdmin(registry); err != nil {
		return nil, err
	}
	a.ready("state", func(context.Context) error { return errors.New("starting") })
	return a, a.openTracing()
}

// newLogger writes where Options say. It is the only use of standard error.
func newLogger(o Options) *slog.Logger {
	w := o.LogOutput
	if w == nil {
		w = os.Stderr
	}
	return logging.New(w, o.Common.Log)
}

// newRegistry is a registry with what every process shows about itself.
func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

func registerBuild(metrics prometheus.Registerer, version string) error {
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "fiord_build_info", Help: "1, with the version as a label.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	return metrics.Register(build)
}

func (a *App) openAdmin(registry *prometheus.Registry) error {
	if a.checks != nil {
		return nil
	}
	a.checks = &admin.Checks{}
	if a.common.Admin.Listen == "" {
		return nil
	}
	server, err := admin.Listen(a.common.Admin, a.checks, registry, a.common.AllowPlaintext, a.log)
	if err != nil {
		return err
	}
	a.admin = server
	a.undo.add(server.Close)
	return nil
}

// flushTimeout bounds what is still sent when all else has ended.
const flushTimeout = 3 * time.Second

func (a *App) openTracing() error {
	provider, err := tracing.New(context.Background(), a.common.Trace, a.name, a.version, a.log)
	if err != nil {
		return err
	}
	a.tracing = provider
	a.undo.add(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
		defer cancel()
		return provider.Shutdown(ctx)
	})
	return nil
}

// AdminAddr is the admin address with the port that :0 became; "" without one.
func (a *App) AdminAddr() string {
	if a.admin == nil {
		return ""
	}
	return a.admin.Addr()
}

// Run connects, builds the service and runs it until ctx ends or something
// fails. It closes the App in every case and returns when all of its
// goroutines have. A stop that was asked for is no error.
func (a *App) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var serving sync.WaitGroup
	var admin error
	if a.admin != nil {
		serving.Go(func() {
			if admin = a.admin.Serve(); admin != nil {
				cancel()
			}
		})
	}
	err := errors.Join(a.serve(ctx), a.Close())
	serving.Wait()
	return errors.Join(err, admin)
}

// Close frees what New opened. It may be called again, and after Run.
func (a *App) Close() error { return a.undo.close() }

// serve is Run between the admin server's start and its end.
func (a *App) serve(ctx context.Context) error {
	var undo closers
	runner, err := a.setUp(ctx, &undo)
	switch {
	case err == nil:
		err = a.runService(ctx, runner)
	case ctx.Err() != nil:
		err = nil // the wait for a dependency was interrupted
	}
	a.ready("state", func(context.Context) error { return errors.New("stopping") })
	return errors.Join(err, undo.close())
}

// setUp connects and builds the service.
func (a *App) setUp(ctx context.Context, undo *closers) (Runner, error) {
	nc, b, err := a.connectBus(ctx, undo)
	if err != nil {
		return nil, err
	}
	store, err := a.openStore(ctx, undo)
	if err != nil {
		return nil, err
	}
	runner, err := a.build(Deps{
		Getenv: os.Getenv,
		Bus:    b, Store: store, Log: a.log, Metrics: a.metrics, Version: a.version, AllowPlaintext: a.common.AllowPlaintext,
		Tracer: a.tracing.Tracer("fiord/" + a.name), Ready: a.ready,
	})
	if err != nil {
		return nil, fmt.Errorf("set up %s: %w", a.name, err)
	}
	if !a.guest {
		stop, err := b.ServeConsumers()
		if err != nil {
			return nil, err
		}
		undo.add(stop)
	}
	return runner, a.register(nc, undo)
}

func (a *App) runService(ctx context.Context, runner Runner) error {
	a.ready("state", nil)
	a.log.Info("running", "version", a.version, "admin", a.AdminAddr())
	err := runner.Run(ctx)
	if err != nil && (ctx.Err() == nil || !errors.Is(err, context.Canceled)) {
		return fmt.Errorf("run %s: %w", a.name, err)
	}
	a.log.Info("stopped")
	return nil
}

// ready sets a check under the service's name, apart from those of others.
func (a *App) ready(name string, check admin.Check) { a.checks.Set(a.name+"."+name, check) }

// connectBus waits for NATS and for the streams.
func (a *App) connectBus(ctx context.Context, undo *closers) (*nats.Conn, *bus.Bus, error) {
	a.ready("nats", func(context.Context) error { return fmt.Errorf("waiting for NATS at %s", a.common.NATS.URL) })
	connection := a.common.NATS.Connection("fiord-"+a.name, a.log)
	connection.DefaultInbox = access.InboxPrefix(a.user)
	nc, err := bus.Connect(ctx, connection)
	if err != nil {
		return nil, nil, err
	}
	undo.add(func() error { nc.Close(); return nil })
	guest := ""
	if a.guest {
		if guest, err = a.common.NATS.Connection("", a.log).GuestName(); err != nil {
			return nil, nil, err
		}
	}
	proving, err := a.common.NATS.Proving()
	if err != nil {
		return nil, nil, err
	}
	if proving.Lax != "" {
		a.log.Warn("whoever may publish an event may claim to be another", "proof", proving.Lax)
		a.checks.Note(a.name+".proof", proving.Lax)
	}
	b, err := bus.New(proving.Prove(bus.Options{
		Guest: guest, Conn: nc, Source: "fiord/" + a.name, Topology: a.common.NATS.topology(), AckWait: a.common.NATS.AckWait,
		Log: a.log, Metrics: a.metrics, Tracer: a.tracing.Tracer("fiord/bus"),
	}))
	if err != nil {
		return nil, nil, err
	}
	a.ready("nats", b.Ready)
	if a.common.NATS.Provision {
		err = a.provision(ctx, nc, b)
	} else {
		err = b.AwaitProvisioned(ctx)
	}
	if err == nil {
		err = b.FollowTakenBack(ctx)
	}
	return nc, b, err
}

// provision tries until the server can: JetStream may still be electing. A user
// of the service's own may not make streams, as fiord up and fiord creds make
// users: then they are somebody else's to make.
func (a *App) provision(ctx context.Context, nc *nats.Conn, b *bus.Bus) error {
	denied := func() bool { return errors.Is(nc.LastError(), nats.ErrPermissionViolation) }
	err := a.wait(ctx, "provision streams", b.Provision, func(err error) bool {
		late := errors.Is(err, nats.ErrTimeout) || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, context.DeadlineExceeded)
		return late && !denied()
	})
	if err == nil || !denied() {
		return err
	}
	a.log.Info("this user may not make streams: going on with those that are there (nats.provision=false spares the try)")
	return b.AwaitProvisioned(ctx)
}

// openStore waits for S3, for a bucket that is not made yet, and for clocks that differ;
// credentials that are refused are reported at once.
func (a *App) openStore(ctx context.Context, undo *closers) (*artifacts.Store, error) {
	store, err := artifacts.New(a.common.S3.Artifacts())
	if err != nil {
		return nil, err
	}
	undo.add(func() error { store.Close(); return nil })
	a.ready("s3", store.Health)
	away := func(err error) bool {
		return errors.Is(err, artifacts.ErrUnavailable) || errors.Is(err, artifacts.ErrSkewed)
	}
	if err := a.wait(ctx, "reach S3", store.EnsureBucket, away); err != nil {
		return nil, fmt.Errorf("%w: check s3.endpoint, s3.bucket and the s3 keys", err)
	}
	return store, nil
}

// waitPause is the pause between two tries of something that is not up yet.
const waitPause = 500 * time.Millisecond

// wait calls try until it succeeds, fails for good, or ctx ends.
func (a *App) wait(ctx context.Context, what string, try func(context.Context) error, again func(error) bool) error {
	for told := false; ; told = true {
		err := try(ctx)
		if err == nil {
			return nil
		}
		if !again(err) {
			return fmt.Errorf("%s: %w", what, err)
		}
		if !told {
			a.log.Warn("waiting to "+what, logging.Error(err))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(waitPause):
		}
	}
}

// closers undo a set-up in the opposite order. close may be called again.
type closers struct {
	mu   sync.Mutex
	undo []func() error
}

func (c *closers) add(undo func() error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.undo = append(c.undo, undo)
}

func (c *closers) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for len(c.undo) > 0 {
		last := len(c.undo) - 1
		errs = append(errs, c.undo[last]())
		c.undo = c.undo[:last]
	}
	return errors.Join(errs...)
}
