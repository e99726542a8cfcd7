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
	"sync/atomic"
	"time"

	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/gate"
	"github.com/fiord-bench/fiord/internal/listen"
	"github.com/fiord-bench/fiord/internal/registry"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/internal/service/admin"
	"github.com/fiord-bench/fiord/services/plot/archive"
	"github.com/fiord-bench/fiord/services/plot/index"
	"github.com/fiord-bench/fiord/services/plot/login"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/services/plot/page"
	"github.com/fiord-bench/fiord/services/plot/render"
	"github.com/fiord-bench/fiord/services/plot/report"
	"github.com/fiord-bench/fiord/services/plot/trend"
)

// Service is one replica of plot.
type Service struct {
	cfg      Config
	bus      *bus.Bus
	model    *model.Model
	archive  *archive.Archive
	index    *index.Index
	feed     *page.Feed
	log      *slog.Logger
	renderer *render.Renderer
	reporter *report.Reporter
	listener net.Listener
	http     *http.Server
	hosts    atomic.Pointer[registry.View] // nil until the bucket was found
	url      string
	ready    func(string, admin.Check)
}

// Limits of the web server. Downloads may be long, requests not.
const (
	headerTimeout   = 10 * time.Second
	idleTimeout     = 2 * time.Minute
	downloadTimeout = 30 * time.Minute
	shutdownTimeout = 5 * time.Second
	maxHeader       = 32 << 10
)

// New prepares a replica and opens the page's address, so that a port in
// use is reported at once. Run starts it and closes the address.
func New(cfg Config, deps service.Deps) (_ *Service, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure plot: %w", err)
	}
	open, err := gate.Open(cfg.Gate)
	if err != nil {
		return nil, fmt.Errorf("set up plot: %w", err)
	}
	s := &Service{cfg: cfg, bus: deps.Bus, log: deps.Log, model: model.New(cfg.Memory)}
	s.archive = archive.New(deps.Store, s.model)
	if s.index, err = index.Open(context.Background(), cfg.StateDir, s.model, s.archive, deps.Log); err != nil {
		return nil, fmt.Errorf("set up plot: %w", err)
	}
	s.archive.Beside(s.index)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.index.Close(context.Background()))
		}
	}()
	address := listen.Address{Setting: "plot.listen", Listen: cfg.Listen, TLS: cfg.TLS, AllowPlaintext: deps.AllowPlaintext, Log: deps.Log}
	if s.listener, err = address.Open(); err != nil {
		return nil, fmt.Errorf("listen for the web page: %w", err)
	}
	if s.url = strings.TrimSuffix(cfg.PublicURL, "/"); s.url == "" {
		s.url = cfg.TLS.HTTP() + "://" + listen.Reached(s.listener.Addr().String())
	}
	kept, trends := s.archive, trend.New(s.archive)
	s.renderer = render.New(deps.Store, kept, trends, open, render.Options{URL: s.url, LogLimit: int64(cfg.LogLimit), AtOnce: cfg.Renderers})
	s.reporter = report.New(deps.Bus, deps.Store, kept, s.renderer, s.model, report.Options{
		URL: s.url, Grace: cfg.Grace, ConfirmAfter: cfg.ConfirmAfter, Threshold: cfg.Threshold, ReposFile: cfg.ReposFile, LogLimit: int64(cfg.LogLimit),
	})
	handler, err := page.New(site{kept, s.index}, kept.Objects(int64(cfg.LogLimit)), s.renderer, trends, deps.Log, "fiord "+deps.Version)
	if err != nil {
		_ = s.listener.Close()
		return nil, fmt.Errorf("set up plot: %w", err)
	}
	guard, err := login.New(login.Options{Config: cfg.Login, Listen: cfg.Listen, URL: s.url, Log: deps.Log})
	if err != nil {
		_ = s.listener.Close()
		return nil, fmt.Errorf("set up plot: %w", err)
	}
	s.feed = page.NewFeed()
	handler.Follow(s.feed)
	handler.Registry(s.sightings)
	s.index.OnChange(s.feed.Changed)
	hosts := listen.NewHosts("plot.hosts", cfg.Listen, []string{cfg.PublicURL}, cfg.Hosts...)
	s.http = &http.Server{
		Handler: hosts.Check(guard.Wrap(handler)), ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout, IdleTimeout: idleTimeout,
		WriteTimeout: downloadTimeout, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(deps.Log.Handler(), slog.LevelDebug),
	}
	s.http.RegisterOnShutdown(s.feed.Close)
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
	var running sync.WaitGroup
	defer s.closeIndex()
	defer running.Wait()
	defer cancel(nil)
	defer s.closePage()
	running.Go(func() {
		if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			cancel(fmt.Errorf("serve web page: %w", err))
		}
	})
	if err := s.reporter.Open(ctx); err != nil {
		return unlessStopped(ctx, err)
	}
	view, err := s.follow(ctx, &running)
	if err != nil {
		return unlessStopped(ctx, fmt.Errorf("follow benches: %w", err))
	}
	defer view.Stop()
	live, err := s.bus.WatchLive(ctx, "", s.feed.Progress)
	if err != nil {
		return unlessStopped(ctx, fmt.Errorf("follow progress: %w", err))
	}
	defer live.Stop()
	running.Go(func() { s.followHosts(ctx) })
	for _, r := range reactions(s.cfg, s.renderer, s.reporter) {
		sub, err := s.bus.React(ctx, r)
		if err != nil {
			return unlessStopped(ctx, err)
		}
		defer sub.Stop()
	}
	<-ctx.Done()
	return unlessStopped(ctx, context.Cause(ctx))
}

// unlessStopped returns err unless it only says that the end was
// requested. A page that cannot be served is the cause of its own end.
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
