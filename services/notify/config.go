package notify

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"github.com/fiord-bench/fiord/internal/service/config"
)

//go:generate go run ./cmd/notify --write-config-table README.md

// Config of the service.
type Config struct {
	Targets []Target `config:"targets" help:"whom to tell, each with a queue of its own; the README has the settings"`
	PageURL string   `config:"page_url" help:"address of the web page as people reach it, for links in notices of events that carry none"`
}

// Target is somebody to tell. Which settings a kind needs is said in [Kinds]
// and checked at the start.
type Target struct {
	Name string `config:"name"`
	Kind string `config:"kind"`

	// What is told: event types (bench.reported), verdicts, and repositories as
	// patterns (acme/*). Empty means the kind's own choice.
	On       []string `config:"on"`
	Verdicts []string `config:"verdicts"`
	Repos    []string `config:"repos"`

	// Where. Webhook is an address that is itself a secret.
	URL     string        `config:"url"`
	Webhook config.Secret `config:"webhook"`
	Hosts   []string      `config:"hosts"`
	Room    string        `config:"room"`

	// By which right.
	User     string        `config:"user"`
	Token    config.Secret `config:"token"`
	Password config.Secret `config:"password"`
	Secret   config.Secret `config:"secret"`

	// How.
	Headers    map[string]string `config:"headers"`
	Template   string            `config:"template"`
	Server     string            `config:"server"`
	Encryption string            `config:"encryption"`
	From       string            `config:"from"`
	To         []string          `config:"to"`

	Timeout     time.Duration `config:"timeout"`
	GiveUpAfter time.Duration `config:"give_up_after"`
}

// DefaultConfig writes notices to the log.
func DefaultConfig() Config {
	return Config{Targets: []Target{{Name: "log", Kind: "log"}}}
}

const (
	defaultTimeout = 10 * time.Second
	defaultGiveUp  = 24 * time.Hour
	maxTimeout     = 2 * time.Minute
)

func (t Target) withDefaults() Target {
	if t.Timeout == 0 {
		t.Timeout = defaultTimeout
	}
	if t.GiveUpAfter == 0 {
		t.GiveUpAfter = defaultGiveUp
	}
	return t
}

// legalName is what a durable's name and a metric's label take.
var legalName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// Validate reports every setting that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.PageURL != "" && !isHTTP(c.PageURL) {
		errs = append(errs, fmt.Errorf("page_url is %q: want http:// or https:// and a host", c.PageURL))
	}
	seen := map[string]bool{}
	for i, t := range c.Targets {
		at := fmt.Sprintf("targets[%d] %q", i, t.Name)
		if seen[t.Name] {
			errs = append(errs, fmt.Errorf("%s: the name is taken", at))
		}
		seen[t.Name] = true
		if err := t.validate(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", at, err))
		}
	}
	return errors.Join(errs...)
}

func (t Target) validate() error {
	var errs []error
	if !legalName.MatchString(t.Name) {
		errs = append(errs, errors.New("name: want 1 to 40 lower-case letters, digits and hyphens"))
	}
	if t.Timeout < 0 || t.Timeout > maxTimeout {
		errs = append(errs, fmt.Errorf("timeout is %s: want at most %s", t.Timeout, maxTimeout))
	}
	if t.GiveUpAfter < 0 {
		errs = append(errs, fmt.Errorf("give_up_after is %s: must not be negative", t.GiveUpAfter))
	}
	k, ok := kinds[t.Kind]
	if !ok {
		return errors.Join(append(errs, fmt.Errorf("kind is %q: want one of %v", t.Kind, Kinds()))...)
	}
	errs = append(errs, t.checkSettings(k))
	if _, err := newFilter(t, k); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	_, err := k.build(t.withDefaults(), nil)
	return err
}

// checkSettings reports what the kind needs and lacks, and what it would ignore.
func (t Target) checkSettings(k kind) error {
	var errs []error
	for name, set := range t.settings() {
		switch k.settings[name] {
		case required:
			if !set {
				errs = append(errs, fmt.Errorf("%s is missing: kind %s needs it", name, t.Kind))
			}
		case unused:
			if set {
				errs = append(errs, fmt.Errorf("%s is of no use to kind %s", name, t.Kind))
			}
		}
	}
	if t.URL != "" && !isHTTP(t.URL) {
		errs = append(errs, fmt.Errorf("url is %q: want http:// or https:// and a host", t.URL))
	}
	if !t.Webhook.IsZero() && !isHTTP(t.Webhook.Reveal()) {
		errs = append(errs, errors.New("webhook: what the file or variable holds is no http(s) URL"))
	}
	return errors.Join(sorted(errs)...)
}

// settings tells which of the settings that depend on the kind are there.
func (t Target) settings() map[string]bool {
	return map[string]bool{
		"url": t.URL != "", "webhook": !t.Webhook.IsZero(), "hosts": len(t.Hosts) > 0, "room": t.Room != "",
		"user": t.User != "", "token": !t.Token.IsZero(), "password": !t.Password.IsZero(), "secret": !t.Secret.IsZero(),
		"headers": len(t.Headers) > 0, "template": t.Template != "", "server": t.Server != "",
		"encryption": t.Encryption != "", "from": t.From != "", "to": len(t.To) > 0,
	}
}

func isHTTP(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
