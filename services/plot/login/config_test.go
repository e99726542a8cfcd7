package login_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/service/config"
	"github.com/fiord-bench/fiord/services/plot/login"
)

// What others reach is open by the operator's word only.
func TestWhoHasNotSignedIn(t *testing.T) {
	tokens := tokensFile(t, people()...)
	oidc := login.OIDC{Issuer: "https://id.example.org", ClientID: "fiord", NameClaim: "sub"}
	for name, in := range map[string]struct {
		listen, anonymous, tokens string
		oidc                      login.OIDC
		status                    int
		err                       string
	}{
		"loopback":                      {listen: "127.0.0.1:8000", status: 200},
		"loopback with tokens":          {listen: "127.0.0.1:8000", tokens: tokens, status: 200},
		"loopback with a provider":      {listen: "127.0.0.1:8000", oidc: oidc, status: 401},
		"loopback, none":                {listen: "127.0.0.1:8000", tokens: tokens, anonymous: "none", status: 401},
		"loopback, none and no way":     {listen: "127.0.0.1:8000", anonymous: "none", err: "no way to sign in"},
		"everywhere, no way":            {listen: "0.0.0.0:8000", err: "FIORD_PLOT_LOGIN_ANONYMOUS=viewer"},
		"everywhere with tokens":        {listen: "0.0.0.0:8000", tokens: tokens, status: 401},
		"everywhere by word":            {listen: "0.0.0.0:8000", anonymous: "viewer", status: 200},
		"everywhere by word, with both": {listen: "0.0.0.0:8000", anonymous: "viewer", tokens: tokens, oidc: oidc, status: 200},
	} {
		t.Run(name, func(t *testing.T) {
			c := login.DefaultConfig()
			c.Anonymous, c.TokensFile, c.OIDC = in.anonymous, in.tokens, in.oidc
			guard, err := login.New(login.Options{Config: c, Listen: in.listen, URL: "http://127.0.0.1:8000"})
			if in.err != "" {
				if err == nil || !strings.Contains(err.Error(), in.err) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			see, act := httptest.NewRecorder(), httptest.NewRecorder()
			guard.Wrap(handler()).ServeHTTP(see, httptest.NewRequest("GET", "/", nil))
			guard.Wrap(handler()).ServeHTTP(act, httptest.NewRequest("POST", "/act", nil))
			if see.Code != in.status || act.Code != http.StatusUnauthorized {
				t.Errorf("see: status %d, want %d; act: %d", see.Code, in.status, act.Code)
			}
		})
	}
}

func TestARequestThatNoGuardSawMayNothing(t *testing.T) {
	w := httptest.NewRecorder()
	login.Require(access.Viewer, handler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusUnauthorized {
		t.Errorf("status %d", w.Code)
	}
}

func TestWrongSettingsAreNamed(t *testing.T) {
	for want, change := range map[string]func(*login.Config){
		"login.anonymous is":                 func(c *login.Config) { c.Anonymous = "operator" },
		"login.session is":                   func(c *login.Config) { c.Session = 0 },
		"login.session_key holds a key of 5": func(c *login.Config) { c.SessionKey = config.NewSecret("short") },
		`login.roles names "storage"`:        func(c *login.Config) { c.Roles = map[string]string{"storage": "operator"} },
		"login.roles of group:a":             func(c *login.Config) { c.Roles = map[string]string{"group:a": "king"} },
		"login.default_role":                 func(c *login.Config) { c.DefaultRole = "king" },
		"login.proxy.from is empty":          func(c *login.Config) { c.Proxy.UserHeader = "X-User" },
		"login.proxy.user_header is empty":   func(c *login.Config) { c.Proxy.From = []string{"10.0.0.1"} },
		`login.proxy.from names "proxy"`:     func(c *login.Config) { c.Proxy = login.Proxy{UserHeader: "X-User", From: []string{"proxy"}} },
		"login.oidc.issuer is":               func(c *login.Config) { c.OIDC.Issuer, c.OIDC.ClientID = "http://id.example.org", "fiord" },
		"login.oidc.client_id is empty":      func(c *login.Config) { c.OIDC.Issuer = "https://id.example.org" },
		"login.oidc.issuer is empty":         func(c *login.Config) { c.OIDC.ClientID = "fiord" },
	} {
		c := login.DefaultConfig()
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestFilesOfTokensThatCannotBeMeantAreRefused(t *testing.T) {
	digest := login.Digest("x")
	for name, text := range map[string]string{
		"not YAML":      "tokens: [",
		"no name":       "tokens: [{role: viewer, sha256: " + digest + "}]",
		"no digest":     "tokens: [{name: ana, role: viewer}]",
		"a plain token": "tokens: [{name: ana, role: viewer, sha256: secret}]",
		"no such role":  "tokens: [{name: ana, role: king, sha256: " + digest + "}]",
	} {
		file := filepath.Join(t.TempDir(), "tokens")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c := login.DefaultConfig()
		c.TokensFile = file
		if _, err := login.New(login.Options{Config: c, Listen: "127.0.0.1:8000", URL: "http://127.0.0.1:8000"}); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
