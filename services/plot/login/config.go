package login

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/listen"
	"github.com/fiord-bench/fiord/internal/service/config"
)

// Config says how people sign in.
type Config struct {
	Anonymous   string            `config:"anonymous" help:"what who has not signed in may: viewer, or none; empty for viewer on loopback without OIDC and proxy, and else none"`
	TokensFile  string            `config:"tokens_file" help:"file of people's tokens, as digests, which fiord creds export writes; read again when it changes"`
	Roles       map[string]string `config:"roles" help:"roles of those who come by OIDC or proxy: group:NAME=operator, user:NAME=administrator; the strongest holds"`
	DefaultRole string            `config:"default_role" help:"role of those who come by OIDC or proxy and have none by roles; empty refuses them"`
	SessionKey  config.Secret     `config:"session_key" help:"secrets of at least 32 letters that seal sessions, one per line: the first seals, the others open; the same on each replica; empty makes one at each start"`
	Session     time.Duration     `config:"session" help:"how long a session lasts"`
	Proxy       Proxy             `config:"proxy"`
	OIDC        OIDC              `config:"oidc"`
}

// Proxy is one that people sign in to, in front of the page.
type Proxy struct {
	UserHeader   string   `config:"user_header" help:"header in which a proxy names the person, such as X-Forwarded-User; empty for no proxy"`
	GroupsHeader string   `config:"groups_header" help:"header in which it lists the person's groups, comma-separated"`
	From         []string `config:"from" help:"addresses and networks of the proxy; from any other the headers are ignored"`
}

// OIDC is an OpenID Connect provider.
type OIDC struct {
	Issuer       string        `config:"issuer" help:"URL of the OpenID Connect provider; empty for none"`
	ClientID     string        `config:"client_id" help:"name of the page at the provider"`
	ClientSecret config.Secret `config:"client_secret" help:"secret of the page at the provider; empty for a public client"`
	Scopes       []string      `config:"scopes" help:"what is asked for besides openid"`
	NameClaim    string        `config:"name_claim" help:"claim that names the person: one that people cannot change themselves; an email counts only when verified"`
	GroupsClaim  string        `config:"groups_claim" help:"claim that lists the person's groups"`
	CAFile       string        `config:"ca_file" help:"PEM file of the provider's authority; empty for the system's"`
}

// DefaultConfig knows no way to sign in.
func DefaultConfig() Config {
	return Config{Session: 12 * time.Hour, OIDC: OIDC{Scopes: []string{"profile", "groups"}, NameClaim: "preferred_username", GroupsClaim: "groups"}}
}

// Values of Anonymous.
const (
	anonymousViewer = "viewer"
	anonymousNone   = "none"
)

// leastKey is the length of the shortest session key, in letters.
const leastKey = 32

// Validate reports every setting that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.Anonymous != "" && c.Anonymous != anonymousViewer && c.Anonymous != anonymousNone {
		errs = append(errs, fmt.Errorf("login.anonymous is %q: want viewer or none", c.Anonymous))
	}
	if c.Session < time.Minute {
		errs = append(errs, fmt.Errorf("login.session is %s: want at least a minute", c.Session))
	}
	for _, key := range c.keys() {
		if len(key) < leastKey {
			errs = append(errs, fmt.Errorf("login.session_key holds a key of %d letters: want at least %d, such as openssl rand -hex 32 prints", len(key), leastKey))
		}
	}
	return errors.Join(append(errs, c.validateRoles(), c.Proxy.validate(), c.OIDC.validate())...)
}

func (c Config) validateRoles() error {
	var errs []error
	for who, role := range c.Roles {
		kind, name, _ := strings.Cut(who, ":")
		if kind != "group" && kind != "user" || name == "" {
			errs = append(errs, fmt.Errorf("login.roles names %q: want group:NAME or user:NAME", who))
		}
		if _, err := access.ParseRole(role); err != nil {
			errs = append(errs, fmt.Errorf("login.roles of %s: %w", who, err))
		}
	}
	if _, err := access.ParseRole(c.DefaultRole); c.DefaultRole != "" && err != nil {
		errs = append(errs, fmt.Errorf("login.default_role: %w", err))
	}
	return errors.Join(errs...)
}

func (p Proxy) validate() error {
	if p.UserHeader == "" {
		if p.GroupsHeader != "" || len(p.From) > 0 {
			return errors.New("login.proxy.user_header is empty: name the header in which the proxy names the person")
		}
		return nil
	}
	if len(p.From) == 0 {
		return errors.New("login.proxy.from is empty: whoever sends the header would be believed: name the proxy's addresses")
	}
	_, err := p.networks()
	return err
}

// networks are From as networks.
func (p Proxy) networks() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range p.From {
		if addr, err := netip.ParseAddr(text); err == nil {
			all = append(all, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("login.proxy.from names %q: want an address or a network such as 10.0.0.0/8", text)
		}
		all = append(all, prefix.Masked())
	}
	return all, nil
}

func (o OIDC) validate() error {
	if o.Issuer == "" {
		if o.ClientID != "" || !o.ClientSecret.IsZero() {
			return errors.New("login.oidc.issuer is empty: name the provider's URL")
		}
		return nil
	}
	var errs []error
	if u, err := url.Parse(o.Issuer); err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && listen.Loopback(u.Host)) {
		errs = append(errs, fmt.Errorf("login.oidc.issuer is %q: want an https:// URL", o.Issuer))
	}
	if o.ClientID == "" {
		errs = append(errs, errors.New("login.oidc.client_id is empty: register the page at the provider"))
	}
	if o.NameClaim == "" {
		errs = append(errs, errors.New("login.oidc.name_claim is empty: want a claim such as preferred_username or sub"))
	}
	return errors.Join(errs...)
}

// keys are the session keys, the sealing one first.
func (c Config) keys() []string {
	return slices.DeleteFunc(strings.Split(strings.TrimSpace(c.SessionKey.Reveal()), "\n"), func(k string) bool { return strings.TrimSpace(k) == "" })
}

// ways says whether there is any way to sign in.
func (c Config) ways() bool {
	return c.TokensFile != "" || c.Proxy.UserHeader != "" || c.OIDC.Issuer != ""
}

// anonymous is the role of who has not signed in; "" for none. A page that others
// reach and that asks for no login needs the operator's word.
func (c Config) anonymous(address string) (access.Role, error) {
	switch {
	case c.Anonymous == anonymousViewer:
		return access.Viewer, nil
	case c.Anonymous == anonymousNone:
		if !c.ways() {
			return "", errors.New("login.anonymous is none, and there is no way to sign in: set login.tokens_file, login.oidc or login.proxy")
		}
		return "", nil
	case listen.Loopback(address) && c.OIDC.Issuer == "" && c.Proxy.UserHeader == "":
		return access.Viewer, nil
	case !c.ways():
		return "", fmt.Errorf("listen is %s, and whoever reaches it would see everything: set login.tokens_file, login.oidc or login.proxy, or login.anonymous: viewer (FIORD_PLOT_LOGIN_ANONYMOUS=viewer) if that is wanted", address)
	}
	return "", nil
}

// role is what those who come by OIDC or proxy may: the strongest role of theirs.
func (c Config) role(name string, groups []string) access.Role {
	best := access.Role(c.DefaultRole)
	consider := func(who string) {
		if r := access.Role(c.Roles[who]); r != "" && r.Includes(best) {
			best = r
		}
	}
	consider("user:" + name)
	for _, g := range groups {
		consider("group:" + g)
	}
	return best
}

// known are those of the groups that say anything about rights: a session need not
// carry the others.
func (c Config) known(groups []string) []string {
	return slices.DeleteFunc(slices.Clone(groups), func(g string) bool { return c.Roles["group:"+g] == "" })
}
