package artifacts_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
)

func TestConfigurationNamesEverythingThatIsWrong(t *testing.T) {
	_, err := artifacts.New(artifacts.Config{Endpoint: "http://host/path", Attempts: -1})
	if !errors.Is(err, artifacts.ErrInvalid) {
		t.Fatalf("error is %v", err)
	}
	for _, want := range []string{"endpoint", "bucket", "access_key", "secret_key", "attempts"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named in: %v", want, err)
		}
	}
}

func TestSecretsAreNeitherPrintedNorLogged(t *testing.T) {
	cfg := artifacts.Config{Endpoint: "s3:9000", Bucket: "b", AccessKey: "who", SecretKey: "hush", SessionToken: "hush"}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("store", "config", cfg)
	asJSON, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{log.String(), string(asJSON), fmt.Sprintf("%v %+v %s", cfg, cfg, cfg)} {
		if strings.Contains(text, "hush") {
			t.Errorf("secret in %s", text)
		}
	}
}

func TestWrongSecretIsDeniedAtOnce(t *testing.T) {
	cfg, _ := server(t)
	cfg.SecretKey = "wrong"
	s, p := faulty(t, cfg, func(int) fault { return fault{} })
	_, err := s.Put(t.Context(), "x", "text/plain", strings.NewReader("x"))
	if !errors.Is(err, artifacts.ErrDenied) {
		t.Errorf("error is %v", err)
	}
	if n := p.accepted.Load(); n != 1 {
		t.Errorf("%d connections: a refusal was retried", n)
	}
}

func TestBadKeysAndTypesAreRefusedBeforeAnythingIsSent(t *testing.T) {
	s, err := artifacts.New(artifacts.Config{Endpoint: "127.0.0.1:1", Bucket: "b", AccessKey: "a", SecretKey: "s"})
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []struct{ key, mediaType string }{
		{"../up", "text/plain"}, {"/lead", "text/plain"}, {"fine", ""}, {"fine", "text plain"}, {"fine", "text/plain\r\nX: y"},
	} {
		_, err := s.Put(t.Context(), bad.key, bad.mediaType, strings.NewReader("x"))
		if !errors.Is(err, artifacts.ErrInvalid) {
			t.Errorf("key %q, media type %q: error is %v", bad.key, bad.mediaType, err)
		}
	}
}

func TestFailingSourceStoresNothing(t *testing.T) {
	s := artifactstest.New(t)
	broken := errors.New("disk on fire")
	_, err := s.Put(t.Context(), "x", "text/plain", errReader{strings.NewReader("half"), broken})
	if !errors.Is(err, broken) || errors.Is(err, artifacts.ErrUnavailable) {
		t.Errorf("error is %v", err)
	}
	_, err = s.PutCompressed(t.Context(), "x.zst", errReader{strings.NewReader("half"), broken})
	if !errors.Is(err, broken) {
		t.Errorf("compressed: error is %v", err)
	}
	if _, err := s.Stat(t.Context(), "x"); !errors.Is(err, artifacts.ErrNotFound) {
		t.Errorf("something was stored: %v", err)
	}
}

// errReader fails where its source ends.
type errReader struct {
	src *strings.Reader
	err error
}

func (r errReader) Read(p []byte) (int, error) {
	if r.src.Len() > 0 {
		return r.src.Read(p)
	}
	return 0, r.err
}

func TestSpoolFilesAreGoneAfterwards(t *testing.T) {
	cfg, _ := server(t)
	cfg.SpoolDir = t.TempDir()
	s := artifactstest.Open(t, cfg)
	artifactstest.Put(t, s, "large", "application/octet-stream", string(bytesOf(1<<20)))
	left, err := os.ReadDir(cfg.SpoolDir)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestTLSTrustsTheGivenAuthorityAndNoOther(t *testing.T) {
	cfg, _ := server(t)
	target, err := url.Parse(cfg.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		// The host is signed: it goes through unchanged.
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
	})
	front.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	front.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	front.StartTLS()
	t.Cleanup(front.Close)

	cfg.Endpoint, cfg.Attempts = front.URL, 1
	stranger, err := artifacts.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.Health(t.Context()); err == nil {
		t.Error("an unknown authority was trusted")
	}

	cfg.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw}
	if err := os.WriteFile(cfg.CAFile, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	s := artifactstest.Open(t, cfg)
	claim := artifactstest.Put(t, s, "tls", "text/plain", "over TLS")
	if got := artifactstest.Read(t, s, claim); got != "over TLS" {
		t.Errorf("read %q", got)
	}

	if err := os.WriteFile(cfg.CAFile, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := artifacts.New(cfg); !errors.Is(err, artifacts.ErrInvalid) {
		t.Errorf("a CA file without certificates: error is %v", err)
	}
}

func TestVanishedBucketIsAnOutageAndNotAMissingObject(t *testing.T) {
	cfg, dir := server(t)
	s := artifactstest.Open(t, cfg)
	claim := artifactstest.Put(t, s, "x", "text/plain", "x")
	if err := os.Rename(filepath.Join(dir, artifactstest.Bucket), filepath.Join(dir, ".hidden")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), claim); !errors.Is(err, artifacts.ErrUnavailable) || errors.Is(err, artifacts.ErrNotFound) {
		t.Errorf("open: error is %v", err)
	}
	if err := s.Health(t.Context()); !errors.Is(err, artifacts.ErrUnavailable) {
		t.Errorf("health: error is %v", err)
	}
}
