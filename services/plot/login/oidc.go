package login

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	startPath    = "/login/oidc"
	callbackPath = "/login/callback"
)

// providerTimeout bounds each call of the provider.
const providerTimeout = 10 * time.Second

// provider is the OpenID Connect provider, asked for its keys and addresses when it
// is first needed: it may start after the page.
type provider struct {
	cfg      OIDC
	redirect string
	client   *http.Client

	mu    sync.Mutex
	known *oidc.Provider
}

func newProvider(cfg OIDC, redirect string) (*provider, error) {
	if cfg.Issuer == "" {
		return nil, nil
	}
	p := &provider{cfg: cfg, redirect: redirect, client: &http.Client{Timeout: providerTimeout}}
	if cfg.CAFile == "" {
		return p, nil
	}
	pem, err := os.ReadFile(cfg.CAFile)
	if err != nil {
		return nil, fmt.Errorf("set up login: login.oidc.ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("set up login: login.oidc.ca_file %s holds no PEM certificate", cfg.CAFile)
	}
	p.client.Transport = &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	return p, nil
}

// ready gives the provider and how to speak to it.
func (p *provider) ready(ctx context.Context) (context.Context, *oidc.Provider, *oauth2.Config, error) {
	ctx = oidc.ClientContext(ctx, p.client)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		// The provider outlives the request that asked for it first.
		known, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.cfg.Issuer)
		if err != nil {
			return ctx, nil, nil, fmt.Errorf("ask provider %s: %w", p.cfg.Issuer, err)
		}
		p.known = known
	}
	return ctx, p.known, &oauth2.Config{
		ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret.Reveal(), Endpoint: p.known.Endpoint(),
		RedirectURL: p.redirect, Scopes: append([]string{oidc.ScopeOpenID}, p.cfg.Scopes...),
	}, nil
}

// startOIDC sends a person to the provider.
func (g *Guard) startOIDC(w http.ResponseWriter, r *http.Request) {
	if g.oidc == nil {
		refuse(w, http.StatusNotFound, "No provider is configured here (login.oidc).")
		return
	}
	_, _, client, err := g.oidc.ready(r.Context())
	if err != nil {
		g.opts.Log.Warn("login", "error", err)
		refuse(w, http.StatusBadGateway, "The provider does not answer just now. Try again in a moment.")
		return
	}
	f := flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), To: local(r.URL.Query().Get("to")), Expires: g.opts.Now().Add(flowLife).Unix()}
	if err := g.seals.set(w, flowCookie, f, flowLife); err != nil {
		g.opts.Log.Error("login", "error", err)
		refuse(w, http.StatusInternalServerError, "Signing in does not work just now.")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, client.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), http.StatusSeeOther)
}

// finishOIDC takes a person who comes back from the provider.
func (g *Guard) finishOIDC(w http.ResponseWriter, r *http.Request) {
	if g.oidc == nil {
		refuse(w, http.StatusNotFound, "No provider is configured here (login.oidc).")
		return
	}
	var f flow
	begun := g.seals.open(r, flowCookie, &f) && g.opts.Now().Unix() < f.Expires
	g.seals.clear(w, flowCookie)
	query := r.URL.Query()
	if !begun || subtle.ConstantTimeCompare([]byte(f.State), []byte(query.Get("state"))) != 1 {
		refuse(w, http.StatusBadRequest, "This sign-in was not begun here, or took too long. Begin again at /login.")
		return
	}
	if refusal := query.Get("error"); refusal != "" {
		g.opts.Log.Info("login refused by the provider", "reason", refusal)
		refuse(w, http.StatusForbidden, "The provider refused to sign you in.")
		return
	}
	s, err := g.oidc.identity(r.Context(), f, query.Get("code"))
	if err != nil {
		g.opts.Log.Warn("login", "error", err)
		refuse(w, http.StatusForbidden, "The provider's answer does not prove who you are. Begin again at /login.")
		return
	}
	s.Groups = g.opts.Config.known(s.Groups)
	if g.opts.Config.role(s.Name, s.Groups) == "" {
		g.opts.Log.Info("login without a role", "person", s.Name)
		refuse(w, http.StatusForbidden, s.Name+" has no role here. An operator gives one by login.roles or login.default_role.")
		return
	}
	if err := g.seals.begin(w, s); err != nil {
		g.opts.Log.Error("login", "error", err)
		refuse(w, http.StatusInternalServerError, "Signing in does not work just now.")
		return
	}
	g.opts.Log.Info("signed in", "person", s.Name, "via", s.Via)
	http.Redirect(w, r, local(f.To), http.StatusSeeOther)
}

// identity exchanges the code and checks what comes: the provider's signature, whom
// it is for, that it has not ended, and that it answers this very question.
func (p *provider) identity(ctx context.Context, f flow, code string) (session, error) {
	ctx, known, client, err := p.ready(ctx)
	if err != nil {
		return session{}, err
	}
	answer, err := client.Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return session{}, fmt.Errorf("exchange code: %w", err)
	}
	raw, ok := answer.Extra("id_token").(string)
	if !ok {
		return session{}, errors.New("the provider sent no id_token")
	}
	token, err := known.VerifierContext(ctx, &oidc.Config{ClientID: p.cfg.ClientID}).Verify(ctx, raw)
	if err != nil {
		return session{}, fmt.Errorf("verify id_token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(f.Nonce)) != 1 {
		return session{}, errors.New("verify id_token: it answers another sign-in (nonce)")
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return session{}, fmt.Errorf("read id_token: %w", err)
	}
	return p.person(claims)
}

// person reads who it is from the claims.
func (p *provider) person(claims map[string]any) (session, error) {
	name, _ := claims[p.cfg.NameClaim].(string)
	if name == "" {
		return session{}, fmt.Errorf("read id_token: there is no claim %q: ask for its scope (login.oidc.scopes), or choose another (login.oidc.name_claim)", p.cfg.NameClaim)
	}
	if verified, _ := claims["email_verified"].(bool); p.cfg.NameClaim == "email" && !verified {
		return session{}, errors.New("read id_token: the email address is not verified")
	}
	s := session{Via: viaOIDC, Name: name}
	switch groups := claims[p.cfg.GroupsClaim].(type) {
	case string:
		s.Groups = []string{groups}
	case []any:
		for _, g := range groups {
			if text, ok := g.(string); ok {
				s.Groups = append(s.Groups, text)
			}
		}
	}
	return s, nil
}
