package page_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/services/plot/login"
)

const tokenOfTheTest = "token-of-the-test"

// signing serves the pages behind a login by tokens, on which anybody is a viewer. The person's
// name is long, and markup.
func signing(t *testing.T) (server *httptest.Server, bench string) {
	t.Helper()
	name := "<b>ana</b>" + strings.Repeat("-of-a-long-name", 8)
	text, err := login.WriteTokens([]login.Token{{Name: name, Role: access.Operator, SHA256: login.Digest(tokenOfTheTest)}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "page.tokens")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	var guarded http.Handler
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { guarded.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	c := login.DefaultConfig()
	c.TokensFile, c.Anonymous = file, "viewer"
	guard, err := login.New(login.Options{Config: c, Listen: server.Listener.Addr().String(), URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	m, ids := world()
	guarded = guard.Wrap(drawnBy(t, source{Model: m}, objects{}, drawn{}))
	return server, ids["done"]
}

func TestPagesWithoutALoginOfferNone(t *testing.T) {
	m, _ := world()
	if text := get(drawnBy(t, source{Model: m}, objects{}, drawn{}), "/").Body.String(); strings.Contains(text, "/login") || strings.Contains(text, "/logout") {
		t.Error("a login is offered where there is none")
	}
}

// A person finds the way to sign in on every page, comes back to it, sees who they are, and
// signs out: on a desktop and on a phone.
func TestSigningInAndOutInABrowser(t *testing.T) {
	ctx := browser(t)
	server, bench := signing(t)
	for _, path := range []string{"/", "/hosts", "/devices", "/compare", "/benches/" + bench, "/benches/" + bench + "/history", "/runs/" + events.HashID("run", "1")} {
		response, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if want := `href="/login?` + strings.ReplaceAll(url.Values{"to": {path}}.Encode(), "&", "&amp;") + `"`; err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: status %d, and no link %s (%v)", path, response.StatusCode, want, err)
		}
	}
	complaints := listen(ctx, t)
	for name, size := range map[string][2]int64{"phone": {390, 844}, "desktop": {1280, 900}} {
		address := server.URL + "/benches/" + bench
		look(ctx, t, "signed-out-"+name, address, size[0], size[1], "light")
		click(ctx, t, `document.querySelector('header .account a').click()`, `location.pathname == '/login'`)
		click(ctx, t, `document.querySelector('input[name=token]').value = '`+tokenOfTheTest+`'; document.querySelector('form[action="/login"] button').click()`,
			`location.pathname == '/benches/`+bench+`'`)
		look(ctx, t, "signed-in-"+name, address, size[0], size[1], "dark")
		shown, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector('header .account').innerText`))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(shown, "<b>ana</b>") || !strings.Contains(shown, "Sign out") {
			t.Errorf("%s: the header says %q", name, shown)
		}
		click(ctx, t, `document.querySelector('form[action="/logout"] button').click()`, `location.pathname == '/login'`)
		look(ctx, t, "signed-out-again-"+name, server.URL+"/", size[0], size[1], "light")
		click(ctx, t, ``, `document.querySelector('header .account').innerText.trim() == 'Sign in'`)
	}
	if lines := complaints(); len(lines) > 0 {
		t.Errorf("the browser complains:\n%s", strings.Join(lines, "\n"))
	}
}

// click runs a script and waits until the page is as it says.
func click(ctx context.Context, t *testing.T, script, until string) {
	t.Helper()
	if script != "" {
		if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](script)); err != nil {
			t.Fatalf("%s: %v", script, err)
		}
	}
	for {
		// The page that is left takes its context with it, which is an error until the next is there.
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.readyState == 'complete' && Boolean(`+until+`)`))
		if err == nil && ok {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("until %s: %v", until, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
