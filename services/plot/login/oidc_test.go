package login_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"

	"github.com/fiord-bench/fiord/internal/service/config"
	"github.com/fiord-bench/fiord/services/plot/login"
)

const clientSecret = "the-pages-secret"

// provider is an OpenID Connect provider with one person, who is signed in there.
// It demands PKCE and the client's secret, and its codes work once.
type provider struct {
	t      *testing.T
	url    string
	key    *ecdsa.PrivateKey
	signer *ecdsa.PrivateKey // key, unless a test wants another
	codes  map[string]url.Values
	claims func(asked url.Values) map[string]any
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{t: t, codes: map[string]url.Values{}, key: newKey(t)}
	p.signer = p.key
	keys := &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: p.key.Public(), KeyID: "one", Algorithm: oidc.ES256}}, Algorithms: []string{oidc.ES256}}
	mux := http.NewServeMux()
	mux.Handle("/", keys)
	mux.HandleFunc("GET /auth", p.authorize)
	mux.HandleFunc("POST /token", p.exchange)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p.url = server.URL
	keys.SetIssuer(server.URL)
	p.claims = p.honest
	return p
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (p *provider) honest(asked url.Values) map[string]any {
	return map[string]any{
		"iss": p.url, "aud": "fiord", "sub": "42", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(), "nonce": asked.Get("nonce"),
		"preferred_username": "ana", "groups": []string{"storage", "all"},
	}
}

func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	if asked.Get("code_challenge_method") != "S256" || asked.Get("code_challenge") == "" || asked.Get("nonce") == "" || asked.Get("response_type") != "code" {
		http.Error(w, "no PKCE, nonce or code", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.codes[code] = asked
	back := asked.Get("redirect_uri") + "?" + url.Values{"code": {code}, "state": {asked.Get("state")}}.Encode()
	http.Redirect(w, r, back, http.StatusSeeOther)
}

func (p *provider) exchange(w http.ResponseWriter, r *http.Request) {
	asked, known := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	_, secret, _ := r.BasicAuth()
	if !known || base64.RawURLEncoding.EncodeToString(sum[:]) != asked.Get("code_challenge") || secret != clientSecret {
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		return
	}
	claims, err := json.Marshal(p.claims(asked))
	if err != nil {
		p.t.Error(err)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": oidctest.SignIDToken(p.signer, "one", oidc.ES256, string(claims)),
	})
}

func (p *provider) config() login.Config {
	c := login.DefaultConfig()
	c.OIDC.Issuer, c.OIDC.ClientID, c.OIDC.ClientSecret = p.url, "fiord", config.NewSecret(clientSecret)
	c.Roles = map[string]string{"group:storage": "operator", "group:all": "viewer"}
	return c
}

func TestAProviderSignsIn(t *testing.T) {
	p := newProvider(t)
	s := newSite(t, p.config())
	b := s.browser()
	if _, text := s.ask(b, "GET", "/benches/1", "", "Accept: text/html"); !strings.Contains(text, `href="/login/oidc?to=%2fbenches%2f1"`) && !strings.Contains(text, `href="/login/oidc?to=%2Fbenches%2F1"`) {
		t.Fatalf("no way to the provider:\n%s", text)
	}
	if status, text := s.ask(b, "GET", "/login/oidc?to=%2Fbenches%2F1", ""); status != http.StatusOK || text != "ana/operator/oidc" {
		t.Fatalf("signed in: %d %q", status, text)
	}
	if status, text := s.ask(b, "POST", "/act", "", "Origin: "+s.url); status != http.StatusOK || text != "done by ana" {
		t.Errorf("an operator acts: %d %q", status, text)
	}
	s.ask(b, "POST", "/logout", "")
	if status, _ := s.ask(b, "GET", "/", ""); status != http.StatusUnauthorized {
		t.Errorf("after signing out: status %d", status)
	}
}

func TestWhatDoesNotProveThePersonSignsNobodyIn(t *testing.T) {
	for name, in := range map[string]struct {
		change func(map[string]any)
		set    func(*provider, *login.Config)
		want   string
	}{
		"a token for another page":      {change: func(c map[string]any) { c["aud"] = "another-page" }},
		"a token of another provider":   {change: func(c map[string]any) { c["iss"] = "https://id.example.org" }},
		"a token that has ended":        {change: func(c map[string]any) { c["exp"] = time.Now().Add(-time.Minute).Unix() }},
		"a token of another sign-in":    {change: func(c map[string]any) { c["nonce"] = "another" }},
		"a token without a nonce":       {change: func(c map[string]any) { delete(c, "nonce") }},
		"a token without a name":        {change: func(c map[string]any) { delete(c, "preferred_username") }},
		"a name that is no text":        {change: func(c map[string]any) { c["preferred_username"] = []string{"ana"} }},
		"another key":                   {set: func(p *provider, _ *login.Config) { p.signer = newKey(p.t) }},
		"another secret of the page":    {set: func(_ *provider, c *login.Config) { c.OIDC.ClientSecret = config.NewSecret("wrong") }},
		"an address that is unverified": {change: func(c map[string]any) { c["email"] = "ana@example.org" }, set: func(_ *provider, c *login.Config) { c.OIDC.NameClaim = "email" }},
		"no group that counts":          {change: func(c map[string]any) { c["groups"] = []string{"others"} }, want: "ana has no role here"},
		"groups in another form":        {change: func(c map[string]any) { c["groups"] = map[string]any{"storage": true} }, want: "ana has no role here"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			c := p.config()
			if in.set != nil {
				in.set(p, &c)
			}
			p.claims = func(asked url.Values) map[string]any {
				claims := p.honest(asked)
				if in.change != nil {
					in.change(claims)
				}
				return claims
			}
			s := newSite(t, c)
			b := s.browser()
			status, text := s.ask(b, "GET", "/login/oidc", "")
			if status != http.StatusForbidden || in.want != "" && !strings.Contains(text, in.want) {
				t.Errorf("status %d: %s", status, text)
			}
			if status, _ := s.ask(b, "GET", "/", ""); status != http.StatusUnauthorized {
				t.Errorf("is signed in: status %d", status)
			}
		})
	}
}

// A person who is given a link that ends somebody else's sign-in is not signed in as
// that other, and a code works in the browser that began alone.
func TestASignInEndsInTheBrowserThatBeganIt(t *testing.T) {
	p := newProvider(t)
	s := newSite(t, p.config())
	attacker := s.browser()
	var back string
	attacker.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/login/callback" {
			back = r.URL.RequestURI()
			return http.ErrUseLastResponse
		}
		return nil
	}
	s.ask(attacker, "GET", "/login/oidc", "")
	if back == "" {
		t.Fatal("the provider did not send the browser back")
	}
	victim := s.browser()
	if status, _ := s.ask(victim, "GET", back, ""); status != http.StatusBadRequest {
		t.Errorf("without a sign-in of one's own: status %d", status)
	}
	theirs := back
	victim.CheckRedirect = attacker.CheckRedirect
	s.ask(victim, "GET", "/login/oidc", "") // begun, and not ended
	if status, _ := s.ask(victim, "GET", theirs, ""); status != http.StatusBadRequest || theirs == back {
		t.Errorf("in place of one's own: status %d", status)
	}
	if status, _ := s.ask(victim, "GET", "/", ""); status != http.StatusUnauthorized {
		t.Errorf("is signed in: status %d", status)
	}
}

func TestASignInThatTakesTooLongIsBegunAgain(t *testing.T) {
	p := newProvider(t)
	s := newSite(t, p.config())
	b := s.browser()
	b.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/login/callback" {
			s.now = time.Now().Add(11 * time.Minute)
		}
		return nil
	}
	if status, _ := s.ask(b, "GET", "/login/oidc", ""); status != http.StatusBadRequest {
		t.Errorf("status %d", status)
	}
}

func TestAProviderMayStartAfterThePage(t *testing.T) {
	up := false
	p := newProvider(t)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !up {
			http.Error(w, "starting", http.StatusServiceUnavailable)
			return
		}
		response, err := http.Get(p.url + r.URL.Path)
		if err != nil {
			t.Error(err)
			return
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(strings.Replace(string(text), `"issuer":"`+p.url, `"issuer":"http://`+r.Host, 1)))
	}))
	defer front.Close()
	c := p.config()
	c.OIDC.Issuer = front.URL
	p.claims = func(asked url.Values) map[string]any {
		claims := p.honest(asked)
		claims["iss"] = front.URL
		return claims
	}
	s := newSite(t, c)
	b := s.browser()
	if status, text := s.ask(b, "GET", "/login/oidc", ""); status != http.StatusBadGateway || !strings.Contains(text, "does not answer") {
		t.Errorf("while it starts: %d %s", status, text)
	}
	up = true
	if status, text := s.ask(b, "GET", "/login/oidc", ""); status != http.StatusOK || text != "ana/operator/oidc" {
		t.Errorf("when it is there: %d %s", status, text)
	}
}
