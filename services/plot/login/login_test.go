package login_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/service/config"
	"github.com/fiord-bench/fiord/services/plot/login"
)

// site is a page behind a guard: / for viewers, POST /act for operators.
type site struct {
	t   *testing.T
	url string
	now time.Time // of the guard's clock
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		u := login.User(r)
		_, _ = io.WriteString(w, u.Name+"/"+string(u.Role)+"/"+u.Via)
	})
	mux.Handle("POST /act", login.Require(access.Operator, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "done by "+login.User(r).Name)
	})))
	return mux
}

func newSite(t *testing.T, c login.Config) *site {
	t.Helper()
	s := &site{t: t, now: time.Now()}
	var guarded http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { guarded.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	s.url = server.URL
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	guard, err := login.New(login.Options{Config: c, Listen: "0.0.0.0:8000", URL: s.url, Now: func() time.Time { return s.now }})
	if err != nil {
		t.Fatal(err)
	}
	guarded = guard.Wrap(handler())
	return s
}

// browser keeps cookies and follows redirects.
func (s *site) browser() *http.Client {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

// ask makes a request; each header is "Name: value".
func (s *site) ask(client *http.Client, method, path, body string, headers ...string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	response, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

const (
	viewerToken   = "viewer-token-of-ana"
	operatorToken = "operator-token-of-bo"
)

func tokensFile(t *testing.T, all ...login.Token) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.tokens")
	writeTokens(t, file, all...)
	return file
}

func writeTokens(t *testing.T, file string, all ...login.Token) {
	t.Helper()
	text, err := login.WriteTokens(all)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func people() []login.Token {
	return []login.Token{
		{Name: "ana", Role: access.Viewer, SHA256: login.Digest(viewerToken)},
		{Name: "bo", Role: access.Operator, SHA256: login.Digest(operatorToken)},
	}
}

func withTokens(t *testing.T) login.Config {
	c := login.DefaultConfig()
	c.TokensFile = tokensFile(t, people()...)
	return c
}

func TestWithoutALoginNothingIsSeen(t *testing.T) {
	s := newSite(t, withTokens(t))
	if status, _ := s.ask(s.browser(), "GET", "/", ""); status != http.StatusUnauthorized {
		t.Errorf("a script: status %d", status)
	}
	status, text := s.ask(s.browser(), "GET", "/benches/x?a=b", "", "Accept: text/html,*/*")
	if status != http.StatusOK || !strings.Contains(text, `name="to" value="/benches/x?a=b"`) {
		t.Errorf("a browser is not led to the page to sign in on: %d\n%s", status, text)
	}
	if status, _ := s.ask(s.browser(), "GET", "/healthz", ""); status != http.StatusOK {
		t.Errorf("health: status %d", status)
	}
}

func TestATokenSignsIn(t *testing.T) {
	s := newSite(t, withTokens(t))
	b := s.browser()
	if status, text := s.ask(b, "POST", "/login", url.Values{"token": {viewerToken}, "to": {"/x"}}.Encode()); status != http.StatusOK || text != "ana/viewer/token" {
		t.Fatalf("signed in: %d %q", status, text)
	}
	if status, text := s.ask(b, "POST", "/act", ""); status != http.StatusForbidden || !strings.Contains(text, "ana has the role viewer, and this needs operator") {
		t.Errorf("a viewer acts: %d %q", status, text)
	}
	if _, text := s.ask(b, "GET", "/login", ""); !strings.Contains(text, "<strong>ana</strong>, viewer") {
		t.Errorf("who is signed in is not shown:\n%s", text)
	}
	s.ask(b, "POST", "/logout", "")
	if status, _ := s.ask(b, "GET", "/", ""); status != http.StatusUnauthorized {
		t.Errorf("after signing out: status %d", status)
	}
	script := &http.Client{}
	if status, text := s.ask(script, "POST", "/act", "", "Authorization: Bearer "+operatorToken); status != http.StatusOK || text != "done by bo" {
		t.Errorf("a script with a token: %d %q", status, text)
	}
	if status, _ := s.ask(script, "GET", "/", "", "Authorization: Bearer wrong"); status != http.StatusUnauthorized {
		t.Errorf("a wrong token: status %d", status)
	}
}

// Who loses the token or the role loses the sessions as well.
func TestASessionHasTheRightsOfNow(t *testing.T) {
	c := withTokens(t)
	s := newSite(t, c)
	b := s.browser()
	s.ask(b, "POST", "/login", url.Values{"token": {operatorToken}}.Encode())
	if status, _ := s.ask(b, "POST", "/act", ""); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	await := func(what string, want int) {
		t.Helper()
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			if status, _ := s.ask(b, "POST", "/act", ""); status == want {
				return
			}
		}
		t.Errorf("%s: never %d", what, want)
	}
	less := people()
	less[1].Role = access.Viewer
	writeTokens(t, c.TokensFile, less...)
	await("the role was taken", http.StatusForbidden)
	writeTokens(t, c.TokensFile, people()...)
	await("the role is back", http.StatusOK)
	writeTokens(t, c.TokensFile, people()[0])
	await("the token was revoked", http.StatusUnauthorized)
	writeTokens(t, c.TokensFile, people()...)
	await("the token is back", http.StatusOK)
	if err := os.WriteFile(c.TokensFile, []byte("tokens: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	await("the file is broken", http.StatusUnauthorized)
}

// sessionOf signs bo in and returns the cookie.
func (s *site) sessionOf(token string) *http.Cookie {
	s.t.Helper()
	b := s.browser()
	s.ask(b, "POST", "/login", url.Values{"token": {token}}.Encode())
	u, err := url.Parse(s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	cookies := b.Jar.Cookies(u)
	if len(cookies) != 1 {
		s.t.Fatalf("cookies %v", cookies)
	}
	return cookies[0]
}

func TestCookiesThatAreNotOursOpenNothing(t *testing.T) {
	c := withTokens(t)
	c.SessionKey = config.NewSecret(strings.Repeat("k", 40))
	s, other := newSite(t, c), newSite(t, withTokens(t))
	good := s.sessionOf(operatorToken)
	flip := func(at int) string {
		text := []byte(good.Value)
		if text[at]++; text[at] == 'z'+1 || text[at] == '9'+1 || text[at] == 'Z'+1 {
			text[at] -= 2
		}
		return string(text)
	}
	for name, in := range map[string]struct {
		name, value string
		later       time.Duration
		want        int
	}{
		"as it was":                {good.Name, good.Value, 0, http.StatusOK},
		"near its end":             {good.Name, good.Value, 12*time.Hour - time.Minute, http.StatusOK},
		"expired":                  {good.Name, good.Value, 12*time.Hour + time.Second, http.StatusUnauthorized},
		"altered at the start":     {good.Name, flip(0), 0, http.StatusUnauthorized},
		"altered in the middle":    {good.Name, flip(len(good.Value) / 2), 0, http.StatusUnauthorized},
		"altered near the end":     {good.Name, flip(len(good.Value) - 5), 0, http.StatusUnauthorized},
		"cut":                      {good.Name, good.Value[:len(good.Value)-8], 0, http.StatusUnauthorized},
		"of another installation":  {good.Name, other.sessionOf(operatorToken).Value, 0, http.StatusUnauthorized},
		"written by hand":          {good.Name, `{"v":"token","n":"bo"}`, 0, http.StatusUnauthorized},
		"under the name of a flow": {"fiord-login", good.Value, 0, http.StatusUnauthorized},
		"empty":                    {good.Name, "", 0, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			s.now = time.Now().Add(in.later)
			status, _ := s.ask(&http.Client{}, "POST", "/act", "", "Cookie: "+in.name+"="+in.value)
			if status != in.want {
				t.Errorf("status %d, want %d", status, in.want)
			}
		})
	}
}

func TestAKeyIsChangedWithoutEndingSessions(t *testing.T) {
	c := withTokens(t)
	c.SessionKey = config.NewSecret(strings.Repeat("o", 40))
	cookie := newSite(t, c).sessionOf(operatorToken)
	c.SessionKey = config.NewSecret(strings.Repeat("n", 40) + "\n" + strings.Repeat("o", 40) + "\n")
	s := newSite(t, c)
	if status, _ := s.ask(&http.Client{}, "POST", "/act", "", "Cookie: "+cookie.Name+"="+cookie.Value); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
}

func TestCookiesAreKeptFromScriptsAndOtherSites(t *testing.T) {
	c := withTokens(t)
	for address, want := range map[string]string{"http://127.0.0.1:8000": "fiord-session=", "https://fiord.example.org": "__Host-fiord-session="} {
		guard, err := login.New(login.Options{Config: c, Listen: "127.0.0.1:8000", URL: address})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("POST", address+"/login", strings.NewReader(url.Values{"token": {viewerToken}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		guard.Wrap(handler()).ServeHTTP(w, r)
		cookie := w.Header().Get("Set-Cookie")
		if !strings.HasPrefix(cookie, want) || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") ||
			strings.Contains(cookie, "Secure") != strings.HasPrefix(address, "https") || strings.Contains(cookie, "ana") {
			t.Errorf("%s: %s", address, cookie)
		}
	}
}

// Another site's page cannot make a visitor's browser act, nor sign it in or out.
func TestOtherSitesCannotActThroughABrowser(t *testing.T) {
	s := newSite(t, withTokens(t))
	cookie := s.sessionOf(operatorToken)
	for _, path := range []string{"/act", "/login", "/logout"} {
		for _, header := range []string{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: null"} {
			if status, _ := s.ask(&http.Client{}, "POST", path, "token="+viewerToken, "Cookie: "+cookie.Name+"="+cookie.Value, header); status != http.StatusForbidden {
				t.Errorf("%s with %q: status %d", path, header, status)
			}
		}
	}
	for _, header := range []string{"Origin: " + s.url, "Sec-Fetch-Site: same-origin"} {
		if status, _ := s.ask(&http.Client{}, "POST", "/act", "", "Cookie: "+cookie.Name+"="+cookie.Value, header); status != http.StatusOK {
			t.Errorf("%q: status %d", header, status)
		}
	}
}

func TestAfterSigningInNobodyIsLedElsewhere(t *testing.T) {
	s := newSite(t, withTokens(t))
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for to, want := range map[string]string{
		"/benches/1?a=b": "/benches/1?a=b", "": "/", "https://evil.example/": "/", "//evil.example/": "/", `/\evil.example`: "/", "/\tevil": "/",
		"evil.example": "/", "javascript:alert(1)": "/", "/login?to=/x": "/", "/logout": "/", "/%2f/evil.example": "/", "http:///evil.example": "/",
	} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/login", strings.NewReader(url.Values{"token": {viewerToken}, "to": {to}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if got := response.Header.Get("Location"); got != want {
			t.Errorf("%q leads to %q", to, got)
		}
	}
}

func TestHeadersAreBelievedOfTheProxyAlone(t *testing.T) {
	proxied := func(from ...string) login.Config {
		c := login.DefaultConfig()
		c.Proxy = login.Proxy{UserHeader: "X-Forwarded-User", GroupsHeader: "X-Forwarded-Groups", From: from}
		c.Roles = map[string]string{"group:storage": "operator", "group:all": "viewer", "user:root": "administrator"}
		return c
	}
	for name, in := range map[string]struct {
		config  login.Config
		headers []string
		see     int
		act     int
	}{
		"the proxy":                     {proxied("127.0.0.1"), []string{"X-Forwarded-User: ana", "X-Forwarded-Groups: all, storage"}, 200, 200},
		"the proxy's network":           {proxied("10.0.0.0/8", "127.0.0.0/8"), []string{"X-Forwarded-User: root"}, 200, 200},
		"a viewer":                      {proxied("127.0.0.1"), []string{"X-Forwarded-User: ana", "X-Forwarded-Groups: all"}, 200, 403},
		"no group that counts":          {proxied("127.0.0.1"), []string{"X-Forwarded-User: ana", "X-Forwarded-Groups: others"}, 403, 403},
		"no header":                     {proxied("127.0.0.1"), nil, 401, 401},
		"an empty header":               {proxied("127.0.0.1"), []string{"X-Forwarded-User: "}, 401, 401},
		"forged, from another address":  {proxied("192.0.2.1"), []string{"X-Forwarded-User: root", "X-Forwarded-Groups: storage"}, 401, 401},
		"forged, with a forged address": {proxied("192.0.2.1"), []string{"X-Forwarded-User: root", "X-Forwarded-For: 192.0.2.1", "X-Real-IP: 192.0.2.1", "Forwarded: for=192.0.2.1"}, 401, 401},
		"forged, added by the client":   {proxied("127.0.0.1"), []string{"X-Forwarded-User: root", "X-Forwarded-User: ana"}, 401, 401},
		"forged groups":                 {proxied("127.0.0.1"), []string{"X-Forwarded-User: ana", "X-Forwarded-Groups: storage", "X-Forwarded-Groups: all"}, 401, 401},
		"forged, no proxy":              {withTokens(t), []string{"X-Forwarded-User: root"}, 401, 401},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, in.config)
			if status, text := s.ask(&http.Client{}, "GET", "/", "", in.headers...); status != in.see {
				t.Errorf("see: status %d, want %d: %s", status, in.see, text)
			}
			if status, text := s.ask(&http.Client{}, "POST", "/act", "", in.headers...); status != in.act {
				t.Errorf("act: status %d, want %d: %s", status, in.act, text)
			}
		})
	}
}
