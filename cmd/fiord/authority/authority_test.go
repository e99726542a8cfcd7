package authority

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, dir string) *Authority {
	t.Helper()
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestKeysAreForTheOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	a := open(t, dir)
	if _, err := a.Server(filepath.Join(dir, ServerCert), filepath.Join(dir, ServerKey), []string{"localhost"}); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 4 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, caKeyFile), 0o640); err != nil { //nolint:gosec // what is tried
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others may read: %v", err)
	}
}

func TestAnAuthorityIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	if first, second := open(t, dir), open(t, dir); !first.cert.Equal(second.cert) {
		t.Error("made again")
	}
	if err := os.Remove(filepath.Join(dir, CAFile)); err != nil {
		t.Fatal(err)
	}
	open(t, dir) // a start that broke off before the certificate was written
	if err := os.WriteFile(filepath.Join(dir, CAFile), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), CAFile) {
		t.Errorf("a broken file: %v", err)
	}
}

func TestServersHaveTheirNamesAndAreTrusted(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir)
	certFile, keyFile := filepath.Join(dir, "s.pem"), filepath.Join(dir, "s.key")
	names := []string{"fiord.example.org", "10.0.0.7", "::1"}
	made, err := a.Server(certFile, keyFile, names)
	if err != nil || !made {
		t.Fatal(made, err)
	}
	cert, _, err := readPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	for _, name := range names {
		if _, err := cert.Verify(x509.VerifyOptions{Roots: pool, DNSName: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"example.org", "a.fiord.example.org", "10.0.0.8"} {
		if _, err := cert.Verify(x509.VerifyOptions{Roots: pool, DNSName: name}); err == nil {
			t.Errorf("%s is a name of it", name)
		}
	}
	if cert.IsCA {
		t.Error("a server's certificate may sign others")
	}
	if _, err := a.Server(certFile, keyFile, nil); err == nil {
		t.Error("a certificate without names")
	}
}

func TestACertificateIsMadeAnewInTime(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	a := open(t, dir)
	certFile, keyFile := filepath.Join(dir, "s.pem"), filepath.Join(dir, "s.key")
	for _, step := range []struct {
		what  string
		after time.Duration
		names []string
		made  bool
	}{
		{"first", 0, []string{"a"}, true},
		{"the same", time.Hour, []string{"a"}, false},
		{"another name", time.Hour, []string{"a", "b"}, true},
		{"a name less", time.Hour, []string{"b"}, false},
		{"most of its life", serverLife - renewBefore - time.Hour, []string{"a"}, false},
		{"near its end", serverLife - renewBefore + 2*time.Hour, []string{"a"}, true},
	} {
		made, err := a.server(certFile, keyFile, step.names, now.Add(step.after))
		if err != nil || made != step.made {
			t.Errorf("%s: made %v, %v", step.what, made, err)
		}
	}
	if _, err := a.server(certFile, keyFile, []string{"a"}, now.Add(caLife-time.Hour)); err == nil || !strings.Contains(err.Error(), "the authority ends on") {
		t.Errorf("at the authority's end: %v", err)
	}
	other := open(t, t.TempDir())
	if made, err := other.server(certFile, keyFile, []string{"a"}, now); err != nil || !made {
		t.Errorf("a certificate of another authority is kept: %v, %v", made, err)
	}
}
