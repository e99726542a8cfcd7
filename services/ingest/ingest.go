package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/fetch"
	"github.com/fiord-bench/fiord/internal/listen"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/services/ingest/checkout"
	"github.com/fiord-bench/fiord/services/ingest/keys"
	"github.com/fiord-bench/fiord/services/ingest/web"
)

// Service is one replica of ingest.
type Service struct {
	cfg    Config
	bus    *bus.Bus
	store  *artifacts.Store
	log    *slog.Logger
	keys   *reloaded[*keys.Ring]
	policy *reloaded[*repos.Policy]
	git    *checkout.Client
	files  *fetch.Client
	web    *web.Server
	listen net.Listener

	refs *refs // set by Run, before anything reads it
}

// New prepares a replica and opens its address; Run serves on it.
func New(cfg Config, deps service.Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure ingest: %w", err)
	}
	s := &Service{cfg: cfg, bus: deps.Bus, store: deps.Store, log: deps.Log}
	s.files = fetch.New(fetch.Config{AllowHTTP: cfg.Fetch.AllowHTTP, AllowPrivate: cfg.Fetch.AllowPrivate, MaxBytes: maxJobFile})
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("configure ingest: %w", err)
	}
	var err error
	commits := cfg.checkout()
	commits.Credentials = func() []checkout.Credential { return s.keys.Get().Git() }
	if s.git, err = checkout.New(commits); err != nil {
		return nil, err
	}
	s.web, err = web.New(web.Options{
		Publisher: deps.Bus, Keys: s.keys.Get, Policy: s.policy.Get,
		Limits: cfg.limits(), Log: deps.Log, Metrics: deps.Metrics,
	})
	if err != nil {
		return nil, fmt.Errorf("set up ingest: %w", err)
	}
	address := listen.Address{Setting: "ingest.listen", Listen: cfg.Listen, TLS: cfg.TLS, AllowPlaintext: deps.AllowPlaintext, Log: deps.Log}
	if s.listen, err = address.Open(); err != nil {
		return nil, fmt.Errorf("open ingest: %w", err)
	}
	return s, nil
}

// load reads the files that are read again when they change.
func (s *Service) load() (err error) {
	if s.keys, err = newReloaded(s.cfg.KeysFile, s.log, s.cfg.ring); err != nil {
		return err
	}
	s.policy, err = newReloaded(s.cfg.ReposFile, s.log, func() (*repos.Policy, error) { return repos.Load(s.cfg.ReposFile) })
	return err
}

// ring joins the keys of the settings and of the file.
func (c Config) ring() (*keys.Ring, error) {
	ring, err := keys.Simple(c.WebhookSecret.Reveal(), c.EventToken.Reveal())
	if err != nil || c.KeysFile == "" {
		return ring, err
	}
	fromFile, err := keys.Load(c.KeysFile)
	if err != nil {
		return nil, err
	}
	return ring.With(fromFile), nil
}

// URL is where this machine reaches the receiver.
func (s *Service) URL() string { return s.cfg.TLS.HTTP() + "://" + listen.Reached(s.Addr()) }

// Addr is the address that webhooks are received on, with the port that :0
// became.
func (s *Service) Addr() string { return s.listen.Addr().String() }

// Run serves until the context ends and returns when its goroutines have.
func (s *Service) Run(ctx context.Context) error {
	defer func() { _ = s.listen.Close() }() // closed already once it was served on
	kv, err := s.bus.KeyValue(ctx, bus.BucketRefs)
	if err != nil {
		return fmt.Errorf("open bucket %s: %w", bus.BucketRefs, err)
	}
	s.refs = &refs{kv: kv}
	for _, r := range s.reactions() {
		sub, err := s.bus.React(ctx, r)
		if err != nil {
			return err
		}
		defer sub.Stop()
	}
	ctx, stop := context.WithCancelCause(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop(nil)
	for _, background := range []func(context.Context) error{s.scheduler().run, s.reconciler().run} {
		running.Go(func() {
			if err := background(ctx); err != nil {
				stop(err)
			}
		})
	}
	if s.locked() {
		s.log.Warn("nobody can push or post events: set webhook_secret, event_token or keys_file")
	}
	s.log.Info("receiving", "address", s.Addr())
	err = s.web.Serve(ctx, s.listen)
	if cause := context.Cause(ctx); err == nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return err
}

func (s *Service) scheduler() *scheduler {
	return &scheduler{refs: s.refs, bus: s.bus, log: s.log, now: time.Now, clone: func(r events.Repo) string {
		rule, _ := s.policy.Get().For(r.Forge, r.Name)
		return rule.CloneURL(r.Name, r.CloneURL)
	}}
}

func (s *Service) reconciler() *reconciler {
	return &reconciler{refs: s.refs, bus: s.bus, log: s.log, policy: s.policy.Get, heads: s.git.Heads, every: s.cfg.ReconcileEvery}
}

// reactions are what the service does for events.
func (s *Service) reactions() []bus.Reaction {
	return []bus.Reaction{{
		Service: "ingest", Name: "checkout",
		Types:       []events.Type{events.TypePushReceived},
		Concurrency: s.cfg.Checkouts,
		MaxAttempts: 6,
		Timeout:     5 * s.cfg.Checkout.Timeout,
		Handle:      s.push, OnDead: s.pushDead,
	}, {
		Service: "ingest", Name: "pull",
		Types:       []events.Type{events.TypePullReceived},
		Concurrency: s.cfg.Checkouts,
		MaxAttempts: 6,
		Timeout:     2 * s.cfg.Checkout.Timeout,
		Handle:      s.findHead, OnDead: headDead,
	}, {
		Service: "ingest", Name: "approve",
		Types:       []events.Type{events.TypePushApproved},
		MaxAttempts: 6,
		Timeout:     5 * s.cfg.Checkout.Timeout,
		Handle:      s.approve, OnDead: s.approvalDead,
	}, {
		Service: "ingest", Name: "schedule",
		Types:       []events.Type{events.TypeScheduleFired},
		MaxAttempts: 6,
		Timeout:     5 * s.cfg.Checkout.Timeout,
		Handle:      s.scheduled, OnDead: s.scheduleDead,
	}}
}

// locked tells whether nobody at all can get in.
func (s *Service) locked() bool {
	ring := s.keys.Get()
	return s.cfg.KeysFile == "" && len(ring.Webhooks("git")) == 0 && len(ring.Signers()) == 0
}
