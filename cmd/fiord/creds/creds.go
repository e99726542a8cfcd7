// Package creds lets programs on other machines in: the workers of bench hosts,
// people with their scripts, and the NATS servers of sites. Each is a user of its
// own on NATS and S3, whose rights are bound to what it is.
//
// What was granted lies beside the user's keys, as <dir>/<user>/grant.yaml, where
// fiord up finds it, at its start and while it runs. What the other machine needs
// is written as a bundle of files, see [Bundle]. An operator of other servers gets
// the rights in the form of nats-server, see [ServerConfig], or everything at once,
// see [Export].
package creds

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.yaml.in/yaml/v4"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/cmd/fiord/keys"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/natsd"
	"github.com/fiord-bench/fiord/services/bench"
)

// Kind of user.
type Kind string

const (
	// Bench is the worker of one host: it takes, ends and announces nothing of
	// another.
	Bench Kind = "bench"
	// Person may do what the command line can, as far as the person's role goes; but
	// not place, end, or change streams.
	Person Kind = "person"
	// Site is the NATS server of a site (a leaf node), to which the site's hosts
	// connect. It may what they may, so that whoever takes it over has gained no
	// more than those hosts.
	Site Kind = "site"
)

// Grant is who is let in.
type Grant struct {
	Kind Kind `yaml:"kind"`
	// Name of the host, as its worker is configured, or of the person.
	Name string `yaml:"name"`
	// Pools that the host's worker, or the site's hosts, take work of.
	Pools []string `yaml:"pools,omitempty"`
	// Role of the person. Grants of versions that knew no roles have none: they stay
	// what they were, an operator's.
	Role access.Role `yaml:"role,omitempty"`
	// Hosts of the site.
	Hosts []string `yaml:"hosts,omitempty"`
}

// Issued is a grant with its user's keys.
type Issued struct {
	Grant
	Keys keys.User
}

// Of lists the hosts that were let in at the site, from all who were.
func (g Grant) Of(all []Issued) []Issued {
	var hosts []Issued
	for _, i := range all {
		if i.Kind == Bench && slices.Contains(g.Hosts, i.Name) {
			hosts = append(hosts, i)
		}
	}
	return hosts
}

const grantFile = "grant.yaml"

// Validate reports what cannot be granted.
func (g Grant) Validate() error {
	if g.Kind != Bench && g.Kind != Person && g.Kind != Site {
		return fmt.Errorf("grant: kind is %q: want %s, %s or %s", g.Kind, Bench, Person, Site)
	}
	if g.Name == "" || len(events.Token(g.Name)) > 120 {
		return fmt.Errorf("grant: the %s needs a name of at most 120 letters", g.Kind)
	}
	if g.Kind == Person && g.Name == events.Administrator {
		return fmt.Errorf("grant: %s is the owner of the data folder: choose another name", events.Administrator)
	}
	if g.Kind == Person && len(g.Pools) > 0 {
		return errors.New("grant: a person serves no pools")
	}
	if g.Role != "" && g.Kind != Person {
		return fmt.Errorf("grant: a %s has no role", g.Kind)
	}
	if g.Role != "" {
		if _, err := access.ParseRole(string(g.Role)); err != nil {
			return fmt.Errorf("grant: %w", err)
		}
	}
	if g.Kind != Site && len(g.Hosts) > 0 {
		return fmt.Errorf("grant: a %s has no hosts", g.Kind)
	}
	return nil
}

// User is the name of the user: no two grants of different hosts or people
// share it, and none is the name of a service.
func (g Grant) User() string { return string(g.Kind) + "-" + events.Token(g.Name) }

// InStore reports whether the user has business in the store: a site's server has none,
// since its hosts reach the store themselves.
func (g Grant) InStore() bool { return g.Kind != Site }

// StoreRights are the user's rights in the store.
func (g Grant) StoreRights() artifacts.Rights {
	switch g.Kind {
	case Bench:
		return g.needs().Store
	case Site:
		return artifacts.Rights{}
	default:
		return g.Role.Store()
	}
}

// InboxPrefix is where answers to the user go; "" for a server, which hands on
// those to its clients.
func (g Grant) InboxPrefix() string {
	switch g.Kind {
	case Bench:
		return access.InboxPrefix(g.needs().Name)
	case Site:
		return ""
	default:
		return access.InboxPrefix(events.People)
	}
}

// Durables are the reactions that are the user's own.
func (g Grant) Durables() []string {
	if g.Kind == Bench {
		return g.needs().Durables
	}
	return nil
}

// User is the user with its rights on NATS. Others are the durables that are not
// the user's to pull.
func User(i Issued, others ...string) natsd.User {
	u := natsd.User{NKey: i.Keys.NKey, Account: i.User(), Permissions: i.permissions(others)}
	if i.Kind != Person {
		u.Answers = access.Answers()
	}
	u.Leaf = i.Kind == Site
	return u
}

func (i Issued) permissions(others []string) *server.Permissions {
	switch i.Kind {
	case Bench:
		return i.needs().Permissions()
	case Site:
		var all []*server.Permissions
		for _, host := range i.Hosts {
			all = append(all, Grant{Kind: Bench, Name: host, Pools: i.Pools}.needs().Permissions())
		}
		return access.Together(all...)
	default:
		return access.Person(i.Grant.Role, i.Keys.NKey, others...)
	}
}

func (g Grant) needs() access.Needs {
	cfg := bench.DefaultConfig()
	cfg.Pools = g.Pools
	return bench.Needs(cfg, g.Name)
}

// Issue makes a user below dir, or changes what it is granted; its keys stay.
func Issue(dir string, g Grant) (Issued, error) {
	if err := g.Validate(); err != nil {
		return Issued{}, err
	}
	u, err := keys.Open(dir, g.User())
	if err != nil {
		return Issued{}, err
	}
	if g.Kind == Person && g.Role == "" { // what was granted before stays, and is the least to begin with
		g.Role = access.Requester
		if old, err := load(dir, filepath.Join(dir, g.User(), grantFile)); err == nil {
			g.Role = old.Grant.Role
		}
	}
	if g.Kind == Person {
		if _, err := pageToken(dir, g.User()); err != nil {
			return Issued{}, err
		}
	}
	text, err := yaml.Marshal(g)
	if err != nil {
		return Issued{}, fmt.Errorf("write grant: %w", err)
	}
	if err := replace(filepath.Join(dir, g.User(), grantFile), text); err != nil {
		return Issued{}, err
	}
	authority, err := Authority(dir)
	if err != nil {
		return Issued{}, err
	}
	return Issued{g, u}, ProveIssued(authority, dir, Issued{g, u})
}

// All lists who was let in below dir, in the order of their names.
func All(dir string) ([]Issued, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*", grantFile))
	if err != nil {
		return nil, fmt.Errorf("list grants: %w", err)
	}
	slices.Sort(paths)
	var all []Issued
	for _, path := range paths {
		one, err := load(dir, path)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func load(dir, path string) (Issued, error) {
	text, err := os.ReadFile(path) //nolint:gosec // a file of the data folder
	if err != nil {
		return Issued{}, fmt.Errorf("read grant: %w", err)
	}
	var g Grant
	if err := yaml.Unmarshal(text, &g); err != nil {
		return Issued{}, fmt.Errorf("read grant %s: %w", path, err)
	}
	if err := g.Validate(); err != nil {
		return Issued{}, fmt.Errorf("read grant %s: %w", path, err)
	}
	if g.Kind == Person && g.Role == "" {
		g.Role = access.Operator // see [Grant]
	}
	if want := filepath.Join(dir, g.User(), grantFile); want != path {
		return Issued{}, fmt.Errorf("read grant %s: it is of %s, whose place is %s", path, g.User(), want)
	}
	u, err := keys.Open(dir, g.User())
	return Issued{g, u}, err
}

// Revoke takes a user's rights and keys away.
func Revoke(dir string, g Grant) error {
	folder := filepath.Join(dir, g.User())
	if _, err := os.Stat(filepath.Join(folder, grantFile)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("revoke: nothing was granted to %s %s", g.Kind, g.Name)
	}
	u, err := keys.Open(dir, g.User())
	if err != nil {
		return err
	}
	authority, err := Authority(dir)
	if err != nil {
		return err
	}
	if err := takeBack(authority, dir, u.NKey, time.Now().Add(time.Second)); err != nil { // seconds are cut off
		return err
	}
	if err := os.RemoveAll(folder); err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	return nil
}

// replace writes a file whole or not at all, for its owner's eyes.
func replace(path string, text []byte) error {
	if err := os.WriteFile(path+".new", text, 0o600); err != nil { //nolint:gosec // the person chose the folder
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
