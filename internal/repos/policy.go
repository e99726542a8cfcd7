package repos

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"go.yaml.in/yaml/v4"

	"github.com/fiord-bench/fiord/events"
)

// Pulls says what happens to pull and merge requests of a repository.
type Pulls string

const (
	// PullsOff ignores them: pushes to the repository's own branches are
	// measured anyway. The default.
	PullsOff Pulls = "off"
	// PullsApproved holds every request until somebody approves it.
	PullsApproved Pulls = "approved"
	// PullsMembers lets requests from branches of the repository itself run, whose
	// authors could push anyway, and holds those from forks.
	PullsMembers Pulls = "members"
)

// Rule is what some repositories, people or tokens may do. It is about exactly
// one of these kinds.
type Rule struct {
	// Repositories by glob over the full name; case does not matter.
	Repositories []string `yaml:"repositories,omitempty"`
	// People by glob over the names they were let in under.
	People []string `yaml:"people,omitempty"`
	// Tokens of ingest by glob over their ids.
	Tokens []string `yaml:"tokens,omitempty"`
	// SpeaksFor are the repositories that people or tokens may name as the origin
	// of a bench, approve pull requests of, or accept baselines for, by glob.
	SpeaksFor []string `yaml:"speaks_for,omitempty"`
	// Types of requests that people or tokens may make, in their short form; empty
	// for bench.requested and cancel.requested.
	Types []string `yaml:"may,omitempty"`
	// Forges that the repositories are at; empty for any.
	Forges []string `yaml:"forges,omitempty"`
	// SignedBy names the webhook keys that may speak for the repositories; empty
	// for any key that is valid.
	SignedBy []string `yaml:"signed_by,omitempty"`
	// Clone is where to fetch from, in place of what the webhook says; {name} is
	// replaced by the repository's full name.
	Clone string `yaml:"clone,omitempty"`
	// Pools, Hosts, Groups and Volumes that may be asked for, by glob.
	Pools   []string `yaml:"pools,omitempty"`
	Hosts   []string `yaml:"hosts,omitempty"`
	Groups  []string `yaml:"groups,omitempty"`
	Volumes []string `yaml:"volumes,omitempty"`
	// VolumeProfiles that may be named behind a volume's @, by glob; empty for
	// those that Volumes lets through.
	VolumeProfiles []string `yaml:"volume_profiles,omitempty"`
	// VolumeDrivers that may be named, by glob. VolumeOptions are those that they
	// may be given. All this only narrows what the host's owner allows.
	VolumeDrivers []string      `yaml:"volume_drivers,omitempty"`
	VolumeOptions VolumeOptions `yaml:"volume_options,omitempty"`
	// URLs that job files may be fetched from, by prefix.
	URLs []string `yaml:"urls,omitempty"`
	// MaxRuns of one bench on each host; 0 for no limit of the operator's.
	MaxRuns int `yaml:"max_runs,omitempty"`
	// MaxTimeout of one run. A bench that names none gets it. 0 for no limit.
	MaxTimeout time.Duration `yaml:"max_timeout,omitempty"`
	// MaxDeadline of a bench. One that names none gets it. 0 for no limit.
	MaxDeadline time.Duration `yaml:"max_deadline,omitempty"`
	// PullRequests says what happens to them; off when empty.
	PullRequests Pulls `yaml:"pull_requests,omitempty"`
	// Reconcile looks for pushes whose webhook never came. It needs Clone, and
	// names without wildcards.
	Reconcile bool `yaml:"reconcile,omitempty"`
}

// Policy is all rules. It is immutable.
type Policy struct {
	rules []Rule
	open  bool // nobody has written one
}

// Open allows everything but pull requests.
func Open() *Policy {
	rule := everything()
	rule.Repositories, rule.People, rule.SpeaksFor = rule.People, nil, nil
	return &Policy{rules: []Rule{rule}, open: true}
}

// Load reads a repos.yaml; an empty path gives Open.
func Load(path string) (*Policy, error) {
	if path == "" {
		return Open(), nil
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	return Parse(path, src)
}

// Parse reads a policy. Unknown keys are errors, with their line.
func Parse(name string, src []byte) (*Policy, error) {
	var doc struct {
		Version int    `yaml:"version"`
		Rules   []Rule `yaml:"rules"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	dec.KnownFields(true)
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if doc.Version != 1 {
		return nil, fmt.Errorf("%s: version is %d: this fiord reads version 1", name, doc.Version)
	}
	var errs []error
	for i, r := range doc.Rules {
		if err := r.validate(); err != nil {
			errs = append(errs, fmt.Errorf("%s: rules[%d]: %w", name, i, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Policy{rules: doc.Rules}, nil
}

func (r Rule) validate() error {
	errs := r.validateSubject()
	for _, globs := range [][]string{r.Repositories, r.People, r.Tokens, r.SpeaksFor, r.Pools, r.Hosts, r.Groups, r.Volumes, r.VolumeProfiles, r.VolumeDrivers} {
		for _, g := range globs {
			if g == "" || !doublestar.ValidatePattern(g) {
				errs = append(errs, fmt.Errorf("%q is no glob", g))
			}
		}
	}
	errs = append(errs, r.VolumeOptions.validate())
	if !slices.Contains([]Pulls{"", PullsOff, PullsApproved, PullsMembers}, r.PullRequests) {
		errs = append(errs, fmt.Errorf("pull_requests is %q, must be off, approved or members", r.PullRequests))
	}
	for _, address := range append([]string{r.Clone}, r.URLs...) {
		if events.CarriesSecret(address) {
			errs = append(errs, errors.New("clone or urls carries a user or a password: leave it out, and give ingest the credential (git: in its keys file)"))
		}
	}
	if r.MaxRuns < 0 || r.MaxTimeout < 0 || r.MaxDeadline < 0 {
		errs = append(errs, errors.New("max_runs, max_timeout and max_deadline must not be negative"))
	}
	if r.Reconcile && (r.Clone == "" || len(r.Forges) != 1 || strings.ContainsAny(strings.Join(r.Repositories, ""), "*?[{")) {
		errs = append(errs, errors.New("reconcile needs clone, exactly one of forges, and repositories without wildcards"))
	}
	return errors.Join(errs...)
}

// For finds the first rule about a repository; none means that it may do
// nothing.
func (p *Policy) For(forge, name string) (Rule, bool) {
	for _, r := range p.rules {
		if len(r.Forges) > 0 && !slices.Contains(r.Forges, forge) {
			continue
		}
		if matches(r.Repositories, name) {
			return r, true
		}
	}
	return Rule{}, false
}

// Reconciled lists the repositories that are looked at for missed pushes.
func (p *Policy) Reconciled() []Rule {
	var rules []Rule
	for _, r := range p.rules {
		if r.Reconcile {
			rules = append(rules, r)
		}
	}
	return rules
}

// CloneURL is where to fetch a repository from, without a password that the forge
// or a hook has put into the address it gives.
func (r Rule) CloneURL(name, told string) string {
	if r.Clone == "" {
		return events.CloneAddress(told)
	}
	return strings.ReplaceAll(r.Clone, "{name}", name)
}

// AllowsKey tells whether a webhook key may speak for the repositories.
func (r Rule) AllowsKey(id string) bool {
	return len(r.SignedBy) == 0 || slices.Contains(r.SignedBy, id)
}

// AllowsHost tells whether a host may be named. Hosts that a pool or group that
// is allowed leads to need no name of their own.
func (r Rule) AllowsHost(name string) bool { return matches(r.Hosts, name) }

// AllowsURL tells whether a job file may come from an address: one of a server
// that is named in full, below the path that is named. An address that a server
// may read differently than it is written is none of these.
func (r Rule) AllowsURL(address string) bool {
	return slices.ContainsFunc(r.URLs, func(prefix string) bool { return prefix == "" || below(address, prefix) })
}

func below(address, prefix string) bool {
	a, err := url.Parse(address)
	if err != nil || a.User != nil || a.RawPath != "" || a.Opaque != "" || a.Path != "" && path.Clean(a.Path) != a.Path {
		return false
	}
	p, err := url.Parse(prefix)
	return err == nil && a.Scheme == p.Scheme && strings.EqualFold(a.Host, p.Host) && strings.HasPrefix(a.Path, p.Path)
}

func (r Rule) allowsPool(name string) bool {
	if len(r.Pools) == 0 {
		return name == "default"
	}
	return matches(r.Pools, name)
}

// matches compares without regard to case, as forges and DNS do.
func matches(globs []string, name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(globs, func(g string) bool {
		ok, err := doublestar.Match(strings.ToLower(g), name)
		return err == nil && ok
	})
}
