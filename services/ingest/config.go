package ingest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/listen"
	"github.com/fiord-bench/fiord/internal/service/config"
	"github.com/fiord-bench/fiord/services/ingest/checkout"
	"github.com/fiord-bench/fiord/services/ingest/web"
)

//go:generate go run ./cmd/ingest --write-config-table README.md

// Config of the service.
type Config struct {
	Listen         string        `config:"listen" help:"address of the webhook and event receiver"`
	TLS            listen.TLS    `config:"tls"`
	WebhookSecret  config.Secret `config:"webhook_secret" help:"secrets that any forge may sign with for any repository, one per line"`
	EventToken     config.Secret `config:"event_token" help:"tokens that may post every kind of event that can be granted, one per line"`
	KeysFile       string        `config:"keys_file" help:"YAML file of webhook secrets, event tokens and git credentials; read again when it changes"`
	ReposFile      string        `config:"repos_file" help:"YAML file that says what repositories may do; read again when it changes; empty allows all of them everything but pull requests"`
	ReconcileEvery time.Duration `config:"reconcile_every" help:"pause between two looks for pushes that no webhook told of, in repositories whose rule asks for it"`
	Checkouts      int           `config:"checkouts" help:"pushes that one replica checks out at once"`
	Checkout       Checkout      `config:"checkout"`
	Fetch          Fetch         `config:"fetch"`
	Limits         Limits        `config:"limits"`
}

// Checkout says how repositories may be read.
type Checkout struct {
	Git        string        `config:"git" help:"git command"`
	Dir        string        `config:"dir" help:"folder for commits that are being read"`
	AllowHTTP  bool          `config:"allow_http" help:"fetch by http:// as well as https:// and ssh://"`
	AllowLocal bool          `config:"allow_local" help:"fetch from paths on this machine, and from forges that listen on loopback"`
	Timeout    time.Duration `config:"timeout" help:"longest fetch"`
	MaxFetch   events.Bytes  `config:"max_fetch" help:"most that one commit may bring"`
}

// Fetch says where job files may be fetched from by URL.
type Fetch struct {
	AllowHTTP    bool `config:"allow_http" help:"fetch job files by http:// as well as https://"`
	AllowPrivate bool `config:"allow_private" help:"fetch job files from private addresses too"`
}

// Limits are those of the receiver that operators change.
type Limits struct {
	Body       events.Bytes `config:"body" help:"largest request"`
	Concurrent int          `config:"concurrent" help:"requests handled at once"`
	Rate       float64      `config:"rate" help:"requests per second of one address"`
}

// DefaultConfig listens on this machine alone and lets nobody in.
func DefaultConfig() Config {
	c, l := checkout.Defaults(), web.DefaultLimits()
	return Config{
		Listen:         "127.0.0.1:8080",
		ReconcileEvery: 5 * time.Minute,
		Checkouts:      4,
		Checkout: Checkout{
			Git: c.Git, Dir: filepath.Join(os.TempDir(), "fiord-ingest"),
			Timeout: c.Timeout, MaxFetch: events.Bytes(c.MaxFetch),
		},
		Limits: Limits{Body: events.Bytes(l.Body), Concurrent: l.Concurrent, Rate: l.Rate},
	}
}

// Validate reports every setting that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.Listen == "" {
		errs = append(errs, errors.New("listen is empty: name an address such as 127.0.0.1:8080"))
	}
	if err := c.TLS.Validate(); err != nil {
		errs = append(errs, err)
	}
	if c.Checkouts < 1 {
		errs = append(errs, fmt.Errorf("checkouts is %d: want at least 1", c.Checkouts))
	}
	if c.ReconcileEvery <= 0 {
		errs = append(errs, fmt.Errorf("reconcile_every is %v: want more than 0", c.ReconcileEvery))
	}
	errs = append(errs, c.checkout().Validate(), c.limits().Validate())
	return errors.Join(errs...)
}

func (c Config) checkout() checkout.Config {
	cfg := checkout.Defaults()
	cfg.Git, cfg.Dir = c.Checkout.Git, c.Checkout.Dir
	cfg.AllowHTTP, cfg.AllowLocal = c.Checkout.AllowHTTP, c.Checkout.AllowLocal
	cfg.Timeout, cfg.MaxFetch = c.Checkout.Timeout, int64(c.Checkout.MaxFetch)
	return cfg
}

func (c Config) limits() web.Limits {
	l := web.DefaultLimits()
	l.Body, l.Concurrent, l.Rate, l.Burst = int64(c.Limits.Body), c.Limits.Concurrent, c.Limits.Rate, int(2*c.Limits.Rate)+1
	return l
}
