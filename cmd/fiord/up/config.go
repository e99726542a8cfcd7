package up

import (
	"path/filepath"

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
	NATS NATS `config:"nats"`
	S3   S3   `config:"s3"`
}

// NATS is the embedded message server.
type NATS struct {
	Listen string `config:"listen" help:"address of the NATS server; port 0 takes any free one"`
	Synced bool   `config:"synced" help:"sync every event to disk before it is acknowledged; without it a power cut may lose the last two minutes"`
}

// S3 is the embedded object server.
type S3 struct {
	Listen string `config:"listen" help:"address of the S3 server; port 0 takes any free one"`
	Bucket string `config:"bucket" help:"bucket that holds all artifacts"`
}

// Shared is what every service of the process has in common.
type Shared struct {
	Log   logging.Config `config:"log"`
	Admin admin.Config   `config:"admin"`
	Trace tracing.Config `config:"trace"`
}

// Validate reports every setting that cannot work.
func (s Shared) Validate() error {
	if err := s.Log.Validate(); err != nil {
		return err
	}
	return s.Trace.Validate()
}

// DefaultConfig listens on the loopback address and the usual ports, and keeps
// everything below dir, which is absolute.
func DefaultConfig(dir string) Config {
	c := Config{
		Servers:   Servers{NATS: NATS{Listen: "127.0.0.1:4222", Synced: true}, S3: S3{Listen: "127.0.0.1:9000", Bucket: "fiord"}},
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
	c.Bench.LeaveRunning = false // whoever ends this process wants its disks back
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
