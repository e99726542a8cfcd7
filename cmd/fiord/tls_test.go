package main

import (
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/internal/listen/listentest"
)

// caOf is the authority that a fiord made, as its connection names it.
func caOf(t *testing.T, c connection.Connection) string {
	t.Helper()
	if len(c.NATS.CAFiles) != 1 || c.S3.CAFile != c.NATS.CAFiles[0] {
		t.Fatalf("authorities of NATS %v, of S3 %q", c.NATS.CAFiles, c.S3.CAFile)
	}
	return c.S3.CAFile
}

func TestOneFlagServesEverythingByTLS(t *testing.T) {
	dir := t.TempDir()
	f := startUp(t, dir, "--tls")
	for name, url := range map[string]string{"NATS": f.conn.NATS.URL, "S3": f.conn.S3.Endpoint, "page": f.conn.WebURL, "ingest": f.conn.IngestURL, "admin": f.conn.AdminURL} {
		want := "https://"
		if name == "NATS" {
			want = "tls://"
		}
		if !strings.HasPrefix(url, want) {
			t.Errorf("%s is at %s, want %s", name, url, want)
		}
	}
	ca := caOf(t, f.conn)
	for _, url := range []string{f.conn.WebURL, f.conn.AdminURL + "/readyz", f.conn.IngestURL, f.conn.S3.Endpoint} {
		response, err := listentest.Client(t, ca).Get(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		response.Body.Close()
		var unknown x509.UnknownAuthorityError
		if _, err := listentest.New(t).Client().Get(url); !errors.As(err, &unknown) {
			t.Errorf("%s, without the authority: %v", url, err)
		}
		if plain, err := http.Get("http://" + strings.TrimPrefix(url, "https://")); err == nil {
			plain.Body.Close()
			if plain.StatusCode == http.StatusOK {
				t.Errorf("%s is served in the clear as well", url)
			}
		}
	}
	if code, _, _ := f.command("run", jobFile(t)); code != 0 {
		t.Errorf("a run by TLS: exit code %d", code)
	}
	info, err := os.Stat(filepath.Join(dir, "tls", "ca.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the authority's key: %v, %v", info.Mode(), err)
	}
}

// A bundle of a fiord with its own authority works where it is copied to, and
// nowhere without that authority.
func TestABundleHoldsTheAuthority(t *testing.T) {
	f, bundle := startUp(t, t.TempDir(), "--tls", "--advertise=localhost"), t.TempDir()
	if code, _, _ := f.command("creds", "person", "ana", "--role", "requester", "--out", bundle, "--at", bundle); code != 0 {
		t.Fatal(code)
	}
	file := filepath.Join(bundle, "fiord.yaml")
	c, err := connection.Find(file, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if caOf(t, c) != filepath.Join(bundle, "ca.pem") {
		t.Errorf("the bundle trusts %s", c.S3.CAFile)
	}
	for _, url := range []string{c.NATS.URL, c.S3.Endpoint, c.WebURL, c.IngestURL} {
		if !strings.Contains(url, "s://localhost:") {
			t.Errorf("the bundle says %s, which is not by TLS or not the advertised name", url)
		}
	}
	eventually(t, "ana to be let in", func() bool {
		code, _, _ := command(t, "", nil, "hosts", "--connection", file)
		return code == 0
	})
	code, _, stderr := command(t, "", nil, "run", jobFile(t), "--connection", file)
	if code != 0 {
		t.Errorf("a run by the bundle: exit code %d\n%s", code, stderr)
	}

	other := listentest.New(t).CAFile
	trusting := c
	trusting.NATS.CAFiles = []string{other}
	if _, err := connection.Open(t.Context(), trusting, nil); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("NATS, by another authority: %v", err)
	}
	for what, change := range map[string]func(*artifacts.Config){
		"another authority": func(s *artifacts.Config) { s.CAFile = other },
		"a wrong name":      func(s *artifacts.Config) { s.Endpoint = strings.Replace(s.Endpoint, "localhost", "127.0.0.2", 1) },
		"in the clear":      func(s *artifacts.Config) { s.Endpoint = strings.Replace(s.Endpoint, "https://", "http://", 1) },
	} {
		cfg := c.S3.Artifacts()
		cfg.Attempts = 1
		change(&cfg)
		store, err := artifacts.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Health(t.Context()); err == nil {
			t.Errorf("S3, %s: let in", what)
		}
		store.Close()
	}
}

func TestCertificatesOfOnesOwnAreServed(t *testing.T) {
	a := listentest.New(t)
	own := a.Server("127.0.0.1", "localhost")
	var args []string
	for _, name := range []string{"nats", "s3", "admin", "ingest", "plot"} {
		args = append(args, "--"+name+".tls.cert_file="+own.CertFile, "--"+name+".tls.key_file="+own.KeyFile)
	}
	f := startUp(t, t.TempDir(), append(args, "--ca_file="+a.CAFile)...)
	if caOf(t, f.conn) != a.CAFile {
		t.Errorf("trusts %s", f.conn.S3.CAFile)
	}
	if code, _, _ := f.command("hosts"); code != 0 {
		t.Errorf("exit code %d", code)
	}
	response, err := a.Client().Get(f.conn.WebURL)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

// What others reach is served in the clear by the operator's word only.
func TestUpRefusesPlaintextBeyondLoopback(t *testing.T) {
	for _, name := range []string{"nats", "s3", "admin", "ingest", "plot"} {
		t.Run(name, func(t *testing.T) {
			args := slices.Concat([]string{"up", "--data", t.TempDir()}, anyPort(), []string{"--" + name + ".listen=0.0.0.0:0"})
			code, _, stderr := command(t, "", nil, args...)
			if code == 0 || !strings.Contains(stderr, name+".listen is 0.0.0.0:0: no TLS beyond loopback") || !strings.Contains(stderr, "allow_plaintext") {
				t.Errorf("exit code %d\n%s", code, stderr)
			}
		})
	}
	f := startUp(t, t.TempDir(), "--plot.listen=0.0.0.0:0", "--allow_plaintext")
	if status := get(t, f.conn.WebURL+"/healthz"); status != http.StatusOK {
		t.Errorf("by the operator's word: status %d", status)
	}
}

// A page on the internet that leads a browser here by a name of its own reads
// nothing; webhooks, which bring their own proof, come by any name.
func TestAddressesAnswerToTheirOwnNames(t *testing.T) {
	f := startUp(t, t.TempDir(), "--plot.hosts=other.example.org")
	for _, in := range []struct {
		url, host string
		want      int
	}{
		{f.conn.WebURL, "localhost:1", http.StatusOK},
		{f.conn.WebURL, "other.example.org", http.StatusOK},
		{f.conn.WebURL, "evil.example", http.StatusMisdirectedRequest},
		{f.conn.AdminURL + "/metrics", "localhost", http.StatusOK},
		{f.conn.AdminURL + "/metrics", "evil.example", http.StatusMisdirectedRequest},
		{f.conn.IngestURL + "/hooks", "hooks.example.org", http.StatusMethodNotAllowed},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, in.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = in.host
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != in.want {
			t.Errorf("%s as %s: status %d, want %d", in.url, in.host, response.StatusCode, in.want)
		}
	}
}
