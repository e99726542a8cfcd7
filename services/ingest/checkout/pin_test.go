package checkout

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Between our look at a host's addresses and git's own the name server could
// change its mind, and lead git to where credentials of the cloud are.
func TestGitGoesWhereWasLooked(t *testing.T) {
	asked := make(chan string, 10)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Host
		http.NotFound(w, r)
	}))
	defer srv.Close()
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Defaults()
	cfg.Dir, cfg.AllowHTTP, cfg.AllowLocal = t.TempDir(), true, true
	// No name server knows this one.
	const name = "git.storage-lab.invalid"
	to, err := cfg.parseRemote("http://" + name + ":" + u.Port() + "/jobs")
	if err != nil {
		t.Fatal(err)
	}
	resolve := func(string) ([]net.IP, error) { return []net.IP{net.ParseIP("127.0.0.1")}, nil }
	if err := cfg.checkAddress(&to, resolve); err != nil {
		t.Fatal(err)
	}
	if err := initBare(cfg.Dir, "sha1"); err != nil {
		t.Fatal(err)
	}
	r := &repo{cfg: cfg, dir: cfg.Dir, format: "sha1", env: environ(cfg, cfg.Dir, to), most: cfg.MaxFetch}
	_, err = r.heads(t.Context())
	select {
	case host := <-asked:
		if !strings.HasPrefix(host, name) {
			t.Errorf("asked as %s", host)
		}
	default:
		t.Errorf("git asked elsewhere: %v", err)
	}
}

func TestPin(t *testing.T) {
	both := []net.IP{net.ParseIP("192.0.2.7"), net.ParseIP("2001:db8::7")}
	for address, want := range map[string]string{
		"https://git.storage-lab.example/jobs":      "git.storage-lab.example:443:192.0.2.7,[2001:db8::7]",
		"https://git.storage-lab.example:8443/jobs": "git.storage-lab.example:8443:192.0.2.7,[2001:db8::7]",
		"https://192.0.2.7/jobs":                    "",
		"ssh://git@git.storage-lab.example/jobs":    "",
	} {
		to, err := Config{}.parseRemote(address)
		if err != nil {
			t.Fatal(err)
		}
		to.addresses = both
		if got := to.pin(); got != want {
			t.Errorf("%s: pinned to %q, want %q", address, got, want)
		}
	}
}
