package notify

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"github.com/fiord-bench/fiord/internal/service/config"
	"github.com/fiord-bench/fiord/services/notify/notice"
)

//go:generate go run ./cmd/notify --write-config-table README.md

// Config of the service.
type Config struct {
	Targets []Target `config:"targets" help:"whom to tell, each with a queue of its own; the README has the settings"`
	PageURL string   `config:"page_url" help:"address of the web page as people reach it, for links in notices of events that carry none"`

	GroupWait      time.Duration `config:"group_wait" help:"how long the first notice for people waits for others to be told with"`
	GroupInterval  time.Duration `config:"group_interval" help:"least time between messages of one group to one target of people"`
	RepeatInterval time.Duration `config:"repeat_interval" help:"when a report of a regression that lasts is told to people again; 0 for never"`
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

	// What people are told together, by [labels], and when; empty and 0 mean the
	// service's. A group_by of "..." tells each notice alone.
	GroupBy        []string      `config:"group_by"`
	GroupWait      time.Duration `config:"group_wait"`
	GroupInterval  time.Duration `config:"group_interval"`
	RepeatInterval time.Duration `config:"repeat_interval"`
	// Comment also writes a comment at pull requests.
	Comment bool `config:"comment"`
	// Undecided is the status of what shows nothing either way: an undecided bench,
	// one that was cancelled or superseded. success, pending or failure; empty means
	// success, since no forge here has a neutral state for statuses.
	Undecided string `config:"undecided"`

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
	return Config{
		Targets:   []Target{{Name: "log", Kind: "log"}},
		GroupWait: 30 * time.Second, GroupInterval: 5 * time.Minute,
	}
}

const (
	defaultTimeout = 10 * time.Second
	defaultGiveUp  = 24 * time.Hour
	maxTimeout     = 2 * time.Minute
	// maxGroup keeps what waits far below what is given up on.
	maxGroup = time.Hour
)

// groupBy is one message for what befalls one repository, or the hosts.
var groupBy = []string{"type", "repo"}

func (t Target) withDefaults() Target {
	if t.Timeout == 0 {
		t.Timeout = defaultTimeout
	}
	if t.GiveUpAfter == 0 {
		t.GiveUpAfter = defaultGiveUp
	}
	return t
}

// grouping is how the target's notices are told together; none of it for kinds
// that tell machines.
func (t Target) grouping(c Config, k kind) grouping {
	by := t.GroupBy
	if len(by) == 0 {
		by = groupBy
	}
	g := grouping{by: by, wait: cmp.Or(t.GroupWait, c.GroupWait), interval: cmp.Or(t.GroupInterval, c.GroupInterval)}
	if !k.people || by[0] == ungrouped || g.wait == 0 && g.interval == 0 {
		return grouping{}
	}
	return g
}

// legalName is what a durable's name and a metric's label take.
var legalName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// Validate reports every setting that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.PageURL != "" && !isHTTP(c.PageURL) {
		errs = append(errs, fmt.Errorf("page_url is %q: want http:// or https:// and a host", c.PageURL))
	}
	errs = append(errs, checkTimes(c.GroupWait, c.GroupInterval, c.RepeatInterval))
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
	errs = append(errs, checkTimes(t.GroupWait, t.GroupInterval, t.RepeatInterval), checkLabels(t.GroupBy))
	if s := notice.State(t.Undecided); s != "" && s != notice.Success && s != notice.Pending && s != notice.Failure {
		errs = append(errs, fmt.Errorf("undecided is %q: want success, pending or failure", t.Undecided))
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

// checkTimes reports times of groups that cannot be meant.
func checkTimes(wait, interval, repeat time.Duration) error {
	var errs []error
	if wait < 0 || wait > maxGroup {
		errs = append(errs, fmt.Errorf("group_wait is %s: want at most %s", wait, maxGroup))
	}
	if interval < 0 || interval > maxGroup {
		errs = append(errs, fmt.Errorf("group_interval is %s: want at most %s", interval, maxGroup))
	}
	if repeat < 0 {
		errs = append(errs, fmt.Errorf("repeat_interval is %s: must not be negative", repeat))
	}
	return errors.Join(errs...)
}

// checkSettings reports what the kind needs and lacks, and what it would ignore.
func (t Target) checkSettings(k kind) error {
	var errs []error
	for name, set := range t.settings() {
		switch k.need(name) {
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
		"group_by": len(t.GroupBy) > 0, "group_wait": t.GroupWait != 0, "group_interval": t.GroupInterval != 0,
		"repeat_interval": t.RepeatInterval != 0, "comment": t.Comment, "undecided": t.Undecided != "",
	}
}

func isHTTP(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
