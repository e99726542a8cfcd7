package login

import (
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/internal/access"
)

// Options of a [Guard].
type Options struct {
	Config Config
	// Listen is the address that the page listens on, URL where people reach it:
	// the provider sends them back there.
	Listen, URL string
	Log         *slog.Logger
	// Now is the clock; nil for time.Now.
	Now func() time.Time
}

// Guard knows who made a request.
type Guard struct {
	opts      Options
	anonymous access.Role
	proxies   []netip.Prefix
	tokens    *tokens
	seals     seals
	oidc      *provider // nil without one
	origin    *http.CrossOriginProtection
	page      *template.Template
}

// New prepares a guard. It reads the tokens, and does not ask the provider yet.
func New(o Options) (*Guard, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	g := &Guard{opts: o, origin: http.NewCrossOriginProtection()}
	var err error
	if g.page, err = template.New("login").Parse(formText); err != nil {
		return nil, fmt.Errorf("parse page to sign in: %w", err)
	}
	public, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("set up login: %w", err)
	}
	if err := g.origin.AddTrustedOrigin(public.Scheme + "://" + public.Host); err != nil {
		return nil, fmt.Errorf("set up login: %w", err)
	}
	if g.anonymous, err = o.Config.anonymous(o.Listen); err != nil {
		return nil, fmt.Errorf("set up login: %w", err)
	}
	if g.proxies, err = o.Config.Proxy.networks(); err != nil {
		return nil, fmt.Errorf("set up login: %w", err)
	}
	if g.tokens, err = openTokens(o.Config.TokensFile, o.Log); err != nil {
		return nil, fmt.Errorf("set up login: %w", err)
	}
	if g.seals, err = newSeals(o.Config, public.Scheme == "https", o.Now); err != nil {
		return nil, fmt.Errorf("set up login: %w", err)
	}
	if o.Config.ways() && len(o.Config.keys()) == 0 {
		o.Log.Info("login.session_key is empty: sessions end with this process, and one replica does not know another's")
	}
	g.oidc, err = newProvider(o.Config.OIDC, strings.TrimSuffix(o.URL, "/")+callbackPath)
	return g, err
}

// Wrap serves next to whoever may see the page.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", g.form)
	mux.HandleFunc("POST /login", g.byToken)
	mux.HandleFunc("GET "+startPath, g.startOIDC)
	mux.HandleFunc("GET "+callbackPath, g.finishOIDC)
	mux.HandleFunc("POST /logout", g.logout)
	mux.Handle("GET /healthz", next)
	mux.Handle("/", Require(access.Viewer, next))
	return g.origin.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := g.identify(r)
		if err != nil {
			w.Header().Set("WWW-Authenticate", `Bearer realm="fiord", error="invalid_token"`)
			refuse(w, http.StatusUnauthorized, err.Error())
			return
		}
		w.Header().Add("Vary", "Cookie")
		mux.ServeHTTP(w, with(r, user, g.opts.Config.ways()))
	}))
}

// identify finds out who made the request. Proof that does not hold is an error
// where the person means it (a token, a proxy's header); a session that has ended
// is none.
func (g *Guard) identify(r *http.Request) (Identity, error) {
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "bearer") {
		t, ok := g.tokens.find(strings.TrimSpace(token))
		if !ok {
			return Identity{}, fmt.Errorf("the token is not known here: it may have been revoked; fiord creds person NAME makes one")
		}
		return Identity{t.Name, t.Role, viaToken}, nil
	}
	if user, ok, err := g.byProxy(r); ok || err != nil {
		return user, err
	}
	if s, ok := g.seals.session(r); ok {
		if user, ok := g.current(s); ok {
			return user, nil
		}
	}
	return Identity{Role: g.anonymous}, nil
}

// The ways to sign in.
const (
	viaToken = "token"
	viaOIDC  = "oidc"
	viaProxy = "proxy"
)

// current gives a session the rights of now. A token that was revoked ends the
// sessions that it began.
func (g *Guard) current(s session) (Identity, bool) {
	if s.Via == viaToken {
		t, ok := g.tokens.digest(s.Token)
		return Identity{t.Name, t.Role, viaToken}, ok
	}
	if s.Via != viaOIDC || g.oidc == nil {
		return Identity{}, false
	}
	return Identity{s.Name, g.opts.Config.role(s.Name, s.Groups), viaOIDC}, true
}

// byProxy believes the headers of a proxy of ours, and of nobody else.
func (g *Guard) byProxy(r *http.Request) (Identity, bool, error) {
	p := g.opts.Config.Proxy
	if p.UserHeader == "" || !g.fromProxy(r.RemoteAddr) {
		return Identity{}, false, nil
	}
	names := r.Header.Values(p.UserHeader)
	if len(names) == 0 || len(names) == 1 && strings.TrimSpace(names[0]) == "" {
		return Identity{}, false, nil
	}
	if len(names) > 1 || p.GroupsHeader != "" && len(r.Header.Values(p.GroupsHeader)) > 1 {
		return Identity{}, false, fmt.Errorf("%s or %s came more than once: the proxy must replace what the client sent, not add to it", p.UserHeader, p.GroupsHeader)
	}
	var groups []string
	if p.GroupsHeader != "" {
		for group := range strings.SplitSeq(r.Header.Get(p.GroupsHeader), ",") {
			groups = append(groups, strings.TrimSpace(group))
		}
	}
	name := strings.TrimSpace(names[0])
	return Identity{name, g.opts.Config.role(name, groups), viaProxy}, true, nil
}

func (g *Guard) fromProxy(remote string) bool {
	addr, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	for _, p := range g.proxies {
		if p.Contains(addr.Addr().Unmap()) {
			return true
		}
	}
	return false
}
