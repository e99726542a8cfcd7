package login

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

//go:embed login.html
var formText string

//go:embed login.css
var formStyle string

// formData is what the page to sign in on shows.
type formData struct {
	User         Identity
	Token, OIDC  bool
	Proxy        bool
	To, Start    string
	Wrong        bool
	Style        template.CSS
	AnonymousMay string
}

// form shows who is signed in, and the ways to sign in.
func (g *Guard) form(w http.ResponseWriter, r *http.Request) {
	g.showForm(w, r, http.StatusOK, local(r.URL.Query().Get("to")), false)
}

func (g *Guard) showForm(w http.ResponseWriter, r *http.Request, status int, to string, wrong bool) {
	c := g.opts.Config
	var body bytes.Buffer
	err := g.page.Execute(&body, formData{
		User: User(r), Token: c.TokensFile != "", OIDC: g.oidc != nil, Proxy: c.Proxy.UserHeader != "", To: to,
		Start: startPath + "?" + url.Values{"to": {to}}.Encode(), Wrong: wrong, Style: template.CSS(formStyle), AnonymousMay: string(g.anonymous), //nolint:gosec // our own file
	})
	if err != nil {
		g.opts.Log.Error("render page to sign in", "error", err)
		refuse(w, http.StatusInternalServerError, "The page could not be made.")
		return
	}
	sum := sha256.Sum256([]byte(formStyle))
	head := w.Header()
	head.Set("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

// maxForm bounds the body of a form.
const maxForm = 16 << 10

// byToken begins a session by a token.
func (g *Guard) byToken(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	to := local(r.PostFormValue("to"))
	t, ok := g.tokens.find(strings.TrimSpace(r.PostFormValue("token")))
	if !ok {
		g.showForm(w, r, http.StatusForbidden, to, true)
		return
	}
	if err := g.seals.begin(w, session{Via: viaToken, Token: t.SHA256}); err != nil {
		g.opts.Log.Error("login", "error", err)
		refuse(w, http.StatusInternalServerError, "Signing in does not work just now.")
		return
	}
	g.opts.Log.Info("signed in", "person", t.Name, "via", viaToken)
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // local leaves paths of this page only
}

// logout ends the session in this browser.
func (g *Guard) logout(w http.ResponseWriter, r *http.Request) {
	g.seals.clear(w, sessionCookie)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// local is a path of this page; "/" for what leads anywhere else.
func local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(to, "/") ||
		strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") || strings.HasPrefix(u.Path, "//") || strings.HasPrefix(u.Path, "/login") || u.Path == "/logout" {
		return "/"
	}
	return u.RequestURI()
}
