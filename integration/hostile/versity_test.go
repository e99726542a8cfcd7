package hostile_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/cmd/fiord/creds"
	"github.com/fiord-bench/fiord/internal/listen/listentest"
)

// startVersity runs versitygw as a program of its own, with the users and the bucket's
// policy that fiord creds export writes for it.
func startVersity(t *testing.T, dir string, parties []creds.Party, issued []creds.Issued) artifacts.Config {
	t.Helper()
	binary := buildVersity(t)
	export, data := t.TempDir(), t.TempDir()
	if err := creds.Export(export, parties, issued, artifactstest.Bucket, ""); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"objects", "metadata"} {
		if err := os.Mkdir(filepath.Join(data, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	addr := listentest.Address(t)
	operator := parties[0]
	ctx, cancel := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, binary, "--port", addr, "--iam-dir", filepath.Dir(filepath.Join(export, creds.ExportAccounts)), //nolint:gosec // as it was built
		"posix", "--sidecar", filepath.Join(data, "metadata"), filepath.Join(data, "objects"))
	server.Dir = dir
	server.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+operator.Keys.AccessKey, "ROOT_SECRET_KEY="+operator.Keys.SecretKey.Reveal())
	var said bytes.Buffer
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = server.Wait()
		if t.Failed() {
			text := said.String()
			t.Logf("versitygw: %s", text[:min(len(text), 4000)])
		}
	})
	eventually(t, "versitygw to listen", func() bool {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	cfg := artifacts.Config{
		Endpoint: "http://" + addr, Region: "us-east-1", Bucket: artifactstest.Bucket,
		AccessKey: operator.Keys.AccessKey, SecretKey: operator.Keys.SecretKey.Reveal(),
	}
	text, err := os.ReadFile(filepath.Join(export, creds.ExportBucket))
	if err != nil {
		t.Fatal(err)
	}
	var policy bytes.Buffer
	if err := json.Compact(&policy, text); err != nil {
		t.Fatal(err)
	}
	if err := artifactstest.Open(t, cfg).SetPolicy(t.Context(), policy.String()); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// buildVersity builds the program in the version that fiord embeds.
func buildVersity(t *testing.T) string {
	t.Helper()
	out := t.TempDir()
	version, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Version}}", "github.com/versity/versitygw").Output()
	if err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "install", "github.com/versity/versitygw/cmd/versitygw@"+strings.TrimSpace(string(version))) //nolint:gosec // our own go.mod's
	build.Dir = out
	build.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod -trimpath", "CGO_ENABLED=0", "GOBIN="+out)
	if text, err := build.CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("build versitygw: %v\n%s", err, text)
		}
		t.Skipf("versitygw cannot be built here, which needs the module proxy: %v\n%s", err, text)
	}
	return filepath.Join(out, "versitygw")
}
