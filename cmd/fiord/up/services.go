package up

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fiord-bench/fiord/cmd/fiord/creds"
	"github.com/fiord-bench/fiord/cmd/fiord/keys"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/internal/service/config"
	"github.com/fiord-bench/fiord/services/bench"
	"github.com/fiord-bench/fiord/services/ingest"
	"github.com/fiord-bench/fiord/services/inventory"
	"github.com/fiord-bench/fiord/services/notify"
	"github.com/fiord-bench/fiord/services/plot"
)

// part is one service of the process: how it is made, and what it needs of NATS.
type part struct {
	name  string
	build func(service.Deps) (service.Runner, error)
	needs access.Needs
}

// parts are the services, in the order of an event's way.
func (s *Stack) parts() []part {
	c := &s.cfg
	return []part{
		{"ingest", s.buildIngest, ingest.Needs(c.Ingest)},
		{"inventory", func(d service.Deps) (service.Runner, error) { return inventory.New(c.Inventory, d) }, inventory.Needs(c.Inventory)},
		{"bench", func(d service.Deps) (service.Runner, error) { return bench.New(c.Bench, d) }, bench.Needs(c.Bench, c.Bench.Host)},
		{"plot", s.buildPlot, plot.Needs(c.Plot)},
		{"notify", func(d service.Deps) (service.Runner, error) { return notify.New(c.Notify, d) }, notify.Needs(c.Notify)},
	}
}

// complete fills in what only this process can know: the host's name, to which
// the worker's rights are bound, and a secret for webhooks.
func (s *Stack) complete() error {
	if s.cfg.Bench.Host == "" {
		host, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("find host name: %w: set it with --bench.host", err)
		}
		s.cfg.Bench.Host = host
	}
	if err := s.completeLogin(); err != nil {
		return err
	}
	if s.cfg.Ingest.WebhookSecret.IsZero() && s.cfg.Ingest.KeysFile == "" {
		value, err := s.webhookSecret()
		if err != nil {
			return err
		}
		s.cfg.Ingest.WebhookSecret = value
	}
	return nil
}

// completeLogin lets people sign in to the page by the tokens of fiord creds, unless
// the settings name others.
func (s *Stack) completeLogin() error {
	l := &s.cfg.Plot.Login
	if l.SessionKey.IsZero() {
		_, value, err := keys.Secret(s.credentials(), "plot", creds.SessionKey)
		if err != nil {
			return err
		}
		l.SessionKey = config.NewSecret(value)
	}
	if l.TokensFile == "" {
		l.TokensFile = s.ownTokens()
	}
	return s.writeTokens()
}

func (s *Stack) ownTokens() string {
	return filepath.Join(s.credentials(), "plot", creds.PageTokens)
}

// writeTokens gives the page those who were let in.
func (s *Stack) writeTokens() error {
	if s.cfg.Plot.Login.TokensFile != s.ownTokens() {
		return nil
	}
	return creds.WriteTokens(s.ownTokens(), s.credentials(), events.People, s.issued)
}

// PageTokenFile is the file of the token by which the owner signs in to the page.
func (s *Stack) PageTokenFile() string {
	return filepath.Join(s.credentials(), events.People, creds.PageToken)
}

// buildIngest and buildPlot remember addresses, whose ports may have been 0.
func (s *Stack) buildIngest(d service.Deps) (service.Runner, error) {
	i, err := ingest.New(s.cfg.Ingest, d)
	if err != nil {
		return nil, taken("ingest.listen", s.cfg.Ingest.Listen, err)
	}
	s.setURL("ingest", i.URL())
	return i, nil
}

func (s *Stack) buildPlot(d service.Deps) (service.Runner, error) {
	p, err := plot.New(s.cfg.Plot, d)
	if err != nil {
		return nil, taken("plot.listen", s.cfg.Plot.Listen, err)
	}
	s.setURL("plot", p.URL())
	return p, nil
}

// prepareServices makes an app of each part, with the credentials of its own.
func (s *Stack) prepareServices(context.Context) error {
	for _, p := range s.parts() {
		app, err := service.New(service.Options{
			Name: p.name, Common: s.common(p), Build: p.build,
			Log: s.log, Registry: s.registry, Checks: s.checks,
		})
		if err != nil {
			return err
		}
		s.undo(app.Close)
		s.apps = append(s.apps, app)
	}
	return nil
}

// common is what the service is told: the embedded servers, and who it is to
// them.
func (s *Stack) common(p part) service.Common {
	u := s.users[p.name]
	c := service.DefaultCommon()
	c.NATS.URL, c.NATS.NKeyFile, c.NATS.Provision = s.nats.URL(), u.NKeyFile, false
	c.NATS.Proof, c.NATS.ProofSince = s.cfg.Servers.NATS.Proof, s.cfg.Servers.NATS.ProofSince
	c.NATS.InboxPrefix = access.InboxPrefix(p.needs.Name)
	c.S3.Endpoint, c.S3.Bucket = s.s3.Endpoint(), s.cfg.Servers.S3.Bucket
	c.S3.AccessKey, c.S3.SecretKey = config.NewSecret(u.AccessKey), u.SecretKey
	c.AllowPlaintext = s.cfg.Common.AllowPlaintext
	if ca := s.ca(); ca != "" {
		c.NATS.CAFiles, c.S3.CAFile = []string{ca}, ca
	}
	c.Log, c.Trace = s.cfg.Common.Log, s.cfg.Common.Trace
	return c
}
