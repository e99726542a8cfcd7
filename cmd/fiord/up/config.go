package up

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"

	"github.com/fiord-bench/fiord/internal/listen"
	"github.com/fiord-bench/fiord/internal/service/admin"
	"github.com/fiord-bench/fiord/internal/service/config"
	"github.com/fiord-bench/fiord/internal/service/logging"
	"github.com/fiord-bench/fiord/internal/service/tracing"
	"github.com/fiord-bench/fiord/services/bench"
	"github.com/fiord-bench/fiord/services/ingest"
	"github.com/fiord-bench/fiord/services/inventory"
	"github.com/fiord-bench/fiord/services/notify"
	"github.com/fiord-bench/fiord/services/plot"
)

// Config is everything that the all-in-one can be told. The services' sections
// are those of their own programs.
type Config struct {
	Servers   Servers
	Common    Shared
	Ingest    ingest.Config
	Inventory inventory.Config
	Bench     bench.Config
	Plot      plot.Config
	Notify    notify.Config
}

// Servers are the embedded ones.
type Servers struct {
	TLS       bool     `config:"tls" help:"serve everything by TLS: an authority of fiord's own is made in the data folder, it signs certificates for what has none, and bundles of fiord creds hold its certificate"`
	Advertise []string `config:"advertise" help:"names or addresses by which other machines reach this one; the first stands in bundles of fiord creds"`
	CAFile    string   `config:"ca_file" help:"PEM file of the authority of certificates that were given by hand, for services and bundles; empty for the system's"`

	NATS NATS `config:"nats"`
	S3   S3   `config:"s3"`
}

// NATS is the embedded message server.
type NATS struct {
	Listen     string     `config:"listen" help:"address of the NATS server; port 0 takes any free one"`
	TLS        listen.TLS `config:"tls"`
	Synced     bool       `config:"synced" help:"sync every event to disk before it is acknowledged; without it a power cut may lose the last two minutes"`
	Proof      string     `config:"proof" help:"required, or when-present while bundles of other machines from before events were signed are being replaced"`
	ProofSince string     `config:"proof_since" help:"events stored before this time need no signature; empty for when the installation's authority was made"`
}

// S3 is the embedded object server.
type S3 struct {
	Listen string     `config:"listen" help:"address of the S3 server; port 0 takes any free one"`
	TLS    listen.TLS `config:"tls"`
	Bucket string     `config:"bucket" help:"bucket that holds all artifacts"`
}

// Shared is what every service of the process has in common.
type Shared struct {
	Log   logging.Config `config:"log"`
	Admin admin.Config   `config:"admin"`
	Trace tracing.Config `config:"trace"`

	AllowPlaintext bool `config:"allow_plaintext" help:"listen beyond loopback without TLS, where the network is fiord's own or a proxy brings TLS"`
}

// Validate reports every setting that cannot work.
func (s Shared) Validate() error {
	var admin error
	if err := s.Admin.TLS.Validate(); err != nil {
		admin = fmt.Errorf("admin.%w", err)
	}
	return errors.Join(s.Log.Validate(), admin, s.Trace.Validate())
}

// Validate reports every setting that cannot work.
func (s Servers) Validate() error {
	var errs []error
	for name, t := range map[string]listen.TLS{"nats": s.NATS.TLS, "s3": s.S3.TLS} {
		if err := t.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("%s.%w", name, err))
		}
	}
	if s.CAFile != "" && s.TLS {
		errs = append(errs, errors.New("ca_file is of certificates given by hand, tls makes fiord's own authority: set one of them"))
	}
	for _, name := range s.Advertise {
		if name == "" || strings.ContainsAny(name, ":/ ") && net.ParseIP(name) == nil {
			errs = append(errs, fmt.Errorf("advertise is %q: want a host name or an address, without a scheme or port", name))
		}
	}
	return errors.Join(errs...)
}

// DefaultConfig listens on the loopback address and the usual ports, and keeps
// everything below dir, which is absolute.
func DefaultConfig(dir string) Config {
	c := Config{
		Servers:   Servers{NATS: NATS{Listen: "127.0.0.1:4222", Synced: true, Proof: "required"}, S3: S3{Listen: "127.0.0.1:9000", Bucket: "fiord"}},
		Common:    Shared{Log: logging.DefaultConfig(), Admin: admin.DefaultConfig(), Trace: tracing.DefaultConfig()},
		Ingest:    ingest.DefaultConfig(),
		Inventory: inventory.DefaultConfig(),
		Bench:     bench.DefaultConfig(),
		Plot:      plot.DefaultConfig(),
		Notify:    notify.DefaultConfig(),
	}
	c.Ingest.Checkout.Dir = filepath.Join(dir, "checkouts")
	gate := filepath.Join(dir, "gate")
	c.Bench.Gate, c.Plot.Gate = gate, gate
	c.Plot.StateDir = filepath.Join(dir, "plot")
	c.Bench.LeaveRunning = false    // whoever ends this process wants its disks back
	c.Bench.Process.Fallback = true // whoever starts this process owns the host, and sees what it says
	c.Bench.StateDir = filepath.Join(dir, "bench")
	c.Bench.Directories = []string{filepath.Join(dir, "scratch")}
	return c
}

// Sections are the settings for package config.
func (c *Config) Sections() []config.Section {
	return []config.Section{
		{Name: "up", Value: &c.Servers, Bare: true},
		{Value: &c.Common},
		{Name: "ingest", Value: &c.Ingest},
		{Name: "inventory", Value: &c.Inventory},
		{Name: "bench", Value: &c.Bench},
		{Name: "plot", Value: &c.Plot},
		{Name: "notify", Value: &c.Notify},
	}
}
