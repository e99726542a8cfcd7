package up

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/fiord-bench/fiord/artifacts/embedded"
	"github.com/fiord-bench/fiord/cmd/fiord/authority"
	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/creds"
	"github.com/fiord-bench/fiord/cmd/fiord/keys"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/natsd"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/internal/service/admin"
	"github.com/fiord-bench/fiord/internal/service/config"
)

// Stack is one running fiord. Its methods may be called by any goroutine.
type Stack struct {
	dir      string
	cfg      Config
	log      *slog.Logger
	registry *prometheus.Registry
	checks   *admin.Checks
	users    map[string]keys.User
	issued   []creds.Issued // to other machines
	nats     *natsd.Server
	s3       *embedded.Server
	admin    *admin.Server // nil when switched off
	// authority signs this fiord's certificates; nil without --tls.
	authority *authority.Authority
	apps      []*service.App

	mu      sync.Mutex
	urls    map[string]string // of the services that serve people
	closers []func() error
}

// New locks the data folder, starts the servers and prepares the services.
// Nothing stays open when it fails.
func New(ctx context.Context, dir string, cfg Config, log *slog.Logger) (_ *Stack, err error) {
	s := &Stack{dir: dir, cfg: cfg, log: log, registry: prometheus.NewRegistry(), checks: &admin.Checks{}, urls: map[string]string{}}
	s.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	if err := own(dir); err != nil {
		return nil, err
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	s.undo(lock.Close)
	if err := removeConnection(dir); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{s.secure, s.checkPlaintext, s.openAdmin, s.startServers, s.prepareServices} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// removeConnection forgets where an earlier start listened.
func removeConnection(dir string) error {
	err := os.Remove(filepath.Join(dir, connection.FileName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove old connection: %w", err)
	}
	return nil
}

func (s *Stack) openAdmin(context.Context) error {
	if s.cfg.Common.Admin.Listen == "" {
		return nil
	}
	if _, _, err := splitAddr("admin.listen", s.cfg.Common.Admin.Listen); err != nil {
		return err
	}
	var err error
	if s.admin, err = admin.Listen(s.cfg.Common.Admin, s.checks, s.registry, s.cfg.Common.AllowPlaintext, s.log); err != nil {
		return err
	}
	s.undo(s.admin.Close)
	return nil
}

func (s *Stack) startServers(ctx context.Context) error {
	if err := s.open(); err != nil {
		return err
	}
	if err := s.startNATS(ctx); err != nil {
		return err
	}
	return s.startS3(ctx)
}

// Run serves until ctx ends or a part fails, then stops the services before
// the servers they need. It returns when everything has ended.
func (s *Stack) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var serving, services sync.WaitGroup
	if s.admin != nil {
		serving.Go(func() {
			if err := s.admin.Serve(); err != nil {
				cancel(err)
			}
		})
	}
	for _, app := range s.apps {
		services.Go(func() {
			if err := app.Run(ctx); err != nil {
				cancel(err)
			}
		})
	}
	s.watchServers(ctx, cancel, &serving)
	serving.Go(func() { s.watchGrants(ctx) })
	serving.Go(func() { s.watchCertificate(ctx) })
	services.Wait()
	cancel(nil)
	err := context.Cause(ctx)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	err = errors.Join(err, s.Close())
	serving.Wait()
	return err
}

// watchServers ends everything when the S3 server dies, since nothing would
// bring it back.
func (s *Stack) watchServers(ctx context.Context, cancel context.CancelCauseFunc, serving *sync.WaitGroup) {
	serving.Go(func() {
		select {
		case <-ctx.Done():
		case <-s.s3.Done():
			cancel(errors.New("the S3 server ended by itself"))
		}
	})
}

// readyPause is the pause between two looks at the checks.
const readyPause = 50 * time.Millisecond

// Ready waits until every part is ready and leaves the connection file, which
// tells the other commands. It returns early with ctx.
func (s *Stack) Ready(ctx context.Context) (connection.Connection, error) {
	for {
		report := s.checks.Report(ctx)
		if report.Ready {
			break
		}
		select {
		case <-ctx.Done():
			return connection.Connection{}, fmt.Errorf("not ready: %s", unready(report))
		case <-time.After(readyPause):
		}
	}
	c := s.Connection()
	people := s.users[events.People]
	return c, connection.Write(s.dir, c, people.NKeyFile, people.AccessKeyFile, people.SecretKeyFile)
}

func unready(r admin.Report) string {
	var reasons []string
	for name, reason := range r.Checks {
		if reason != "ok" {
			reasons = append(reasons, name+": "+reason)
		}
	}
	return strings.Join(reasons, "; ")
}

// Connection is how people reach this fiord.
func (s *Stack) Connection() connection.Connection {
	c := connection.Default()
	people := s.users[events.People]
	c.NATS.URL, c.NATS.NKeyFile = s.nats.URL(), people.NKeyFile
	c.NATS.InboxPrefix = access.InboxPrefix(events.People)
	c.S3.Endpoint, c.S3.Bucket = s.s3.Endpoint(), s.cfg.Servers.S3.Bucket
	c.S3.AccessKey, c.S3.SecretKey = config.NewSecret(people.AccessKey), people.SecretKey
	c.Trust(s.ca())
	if len(s.cfg.Servers.Advertise) > 0 {
		c.Advertise = s.cfg.Servers.Advertise[0]
	}
	c.WebURL, c.IngestURL = s.url("plot"), s.url("ingest")
	c.Person = events.Administrator // whoever reads this file owns the data folder
	c.AdminURL = ""
	if s.admin != nil {
		c.AdminURL = s.admin.URL()
	}
	return c
}

// WebhookSecretFile is the file of the secret that forges sign with.
func (s *Stack) WebhookSecretFile() string {
	return filepath.Join(s.credentials(), "ingest", webhookFile)
}

func (s *Stack) url(service string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.urls[service]
}

func (s *Stack) setURL(service, url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.urls[service] = url
}

func (s *Stack) undo(f func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closers = append(s.closers, f)
}

// Close frees what New opened, last things first. It may be called again, and
// after Run.
func (s *Stack) Close() error {
	s.mu.Lock()
	closers := s.closers
	s.closers = nil
	s.mu.Unlock()
	var errs []error
	for i := len(closers) - 1; i >= 0; i-- {
		errs = append(errs, closers[i]())
	}
	return errors.Join(errs...)
}
