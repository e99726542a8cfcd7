package plot

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/listen"
	"github.com/fiord-bench/fiord/services/plot/login"
)

//go:generate go run ./cmd/plot --write-config-table README.md

// Config of the service.
type Config struct {
	Listen       string        `config:"listen" help:"address of the web page"`
	TLS          listen.TLS    `config:"tls"`
	Hosts        []string      `config:"hosts" help:"host names by which people reach the page, besides those of public_url, listen, this machine and loopback; .example.org for all below, * for any"`
	PublicURL    string        `config:"public_url" help:"address of the web page as people reach it, for links in events; empty for the listening address"`
	Login        login.Config  `config:"login"`
	Gate         string        `config:"gate" help:"file of the host's measurement gate, shared with bench; empty where nothing is measured on this host"`
	Renderers    int           `config:"renderers" help:"how many runs one replica draws at once"`
	StateDir     string        `config:"state_dir" help:"folder for the index of what was measured, one for each replica; it may be deleted, and is made again from the archive; empty keeps it in memory, and makes it at each start"`
	Memory       int           `config:"memory" help:"how many runs the page keeps in memory; older ones are read from the index or the archive"`
	LogLimit     events.Bytes  `config:"log_limit" help:"most bytes of one log, expanded, that are read"`
	Grace        time.Duration `config:"grace" help:"how long a cancelled bench is given to be placed after all, before it ends without a run"`
	ConfirmAfter time.Duration `config:"confirm_after" help:"how long after a bench what regressed is measured again where its job files are the baseline's own: a session later shows whether the machine moved for good"`
	ReposFile    string        `config:"repos_file" help:"the operator's policy (repos.yaml), the same file that ingest and inventory have: who may accept a baseline; empty allows everybody"`
	Threshold    float64       `config:"threshold" help:"least relative shift that is told when a bench names none"`
}

// DefaultConfig serves on the loopback address.
func DefaultConfig() Config {
	return Config{
		Listen:       "127.0.0.1:8000",
		Login:        login.DefaultConfig(),
		Renderers:    2,
		Memory:       20_000,
		LogLimit:     4 << 30,
		Grace:        5 * time.Second,
		ConfirmAfter: 10 * time.Minute,
		Threshold:    0.05,
	}
}

// maxConfirmAfter bounds how long a bench waits to be confirmed.
const maxConfirmAfter = 24 * time.Hour

// Validate reports every setting that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.Listen == "" {
		errs = append(errs, errors.New("listen is empty: want host:port, such as 127.0.0.1:8000"))
	}
	if err := c.TLS.Validate(); err != nil {
		errs = append(errs, err)
	}
	if err := c.Login.Validate(); err != nil {
		errs = append(errs, err)
	}
	if u, err := url.Parse(c.PublicURL); c.PublicURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		errs = append(errs, fmt.Errorf("public_url is %q: want http:// or https:// and a host", c.PublicURL))
	}
	if c.Renderers < 1 || c.Memory < 1 || c.LogLimit < 1 || c.LogLimit > math.MaxInt64 {
		errs = append(errs, errors.New("renderers, memory and log_limit must be at least 1"))
	}
	if c.ConfirmAfter < 0 || c.ConfirmAfter > maxConfirmAfter {
		errs = append(errs, fmt.Errorf("confirm_after is %s: want 0 to %s", c.ConfirmAfter, maxConfirmAfter))
	}
	if c.Grace < 0 {
		errs = append(errs, fmt.Errorf("grace is %s: must not be negative", c.Grace))
	}
	if c.Threshold <= 0 || c.Threshold >= 10 {
		errs = append(errs, fmt.Errorf("threshold is %g: want a share such as 0.05", c.Threshold))
	}
	return errors.Join(errs...)
}
