package connection_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/internal/natsd"
	"github.com/fiord-bench/fiord/internal/service/config"
)

// folder is a data folder with a connection file and its keys.
func folder(t *testing.T, c connection.Connection) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"access": c.S3.AccessKey.Reveal() + "\n", "secret": c.S3.SecretKey.Reveal() + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := connection.Write(dir, c, c.NATS.NKeyFile, filepath.Join(dir, "access"), filepath.Join(dir, "secret")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func sample() connection.Connection {
	c := connection.Default()
	c.NATS.URL, c.NATS.InboxPrefix, c.S3.Endpoint, c.S3.Bucket = "nats://127.0.0.1:1", "_INBOX_people", "http://127.0.0.1:2", "b"
	c.S3.AccessKey, c.S3.SecretKey = config.NewSecret("key"), config.NewSecret("secret")
	c.WebURL = "http://127.0.0.1:3"
	return c
}

func TestWhatUpWritesIsWhatCommandsFind(t *testing.T) {
	want := sample()
	dir := folder(t, want)
	got, err := connection.Find("", dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.NATS.URL != want.NATS.URL || got.NATS.InboxPrefix != want.NATS.InboxPrefix || got.S3.Endpoint != want.S3.Endpoint ||
		got.S3.Bucket != "b" || !got.S3.AccessKey.Equal(want.S3.AccessKey) || !got.S3.SecretKey.Equal(want.S3.SecretKey) || got.WebURL != want.WebURL {
		t.Errorf("wrote %+v\nfound %+v", want, got)
	}
	info, err := os.Stat(filepath.Join(dir, connection.FileName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	text, err := os.ReadFile(filepath.Join(dir, connection.FileName))
	if err != nil || strings.Contains(string(text), "secret\n") && strings.Contains(string(text), "secret_key: ") {
		t.Errorf("the secret stands in the file:\n%s", text)
	}
}

func TestTheEnvironmentWinsOverTheFile(t *testing.T) {
	got, err := connection.Find("", folder(t, sample()), []string{"FIORD_NATS_URL=nats://elsewhere:4222", "FIORD_EVENT_ID=x"})
	if err != nil || got.NATS.URL != "nats://elsewhere:4222" || got.WebURL != "http://127.0.0.1:3" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestNothingKnownIsToldWithTheRemedy(t *testing.T) {
	dir := t.TempDir()
	if _, err := connection.Find("", dir, nil); !errors.Is(err, connection.ErrNone) || !strings.Contains(err.Error(), dir) {
		t.Errorf("empty folder: %v", err)
	}
	if _, err := connection.Find(filepath.Join(dir, "named.yaml"), dir, nil); err == nil || errors.Is(err, connection.ErrNone) {
		t.Errorf("a named file that is missing: %v", err)
	}
	if _, err := connection.Find("", dir, []string{"FIORD_S3_ACCESS_KEY=a", "FIORD_S3_SECRET_KEY=b"}); err != nil {
		t.Errorf("the environment says enough: %v", err)
	}
	if _, err := connection.Find("", dir, []string{"FIORD_NATS_ULR=x"}); err == nil || !strings.Contains(err.Error(), "FIORD_NATS_URL") {
		t.Errorf("a misspelt variable: %v", err)
	}
}

func TestOpenConnectsAndANobodyIsTold(t *testing.T) {
	nats, err := natsd.Start(natsd.Options{StoreDir: t.TempDir(), Host: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer nats.Close()
	c, s3 := sample(), artifactstest.Start(t, t.TempDir()).Config()
	c.NATS.URL, c.NATS.InboxPrefix, c.S3.Endpoint, c.S3.Bucket = nats.URL(), "", s3.Endpoint, s3.Bucket
	c.S3.AccessKey, c.S3.SecretKey = config.NewSecret(s3.AccessKey), config.NewSecret(s3.SecretKey)
	client, err := connection.Open(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Store.Health(t.Context()); err != nil {
		t.Error(err)
	}
	client.Close()
	nats.Close()
	if _, err := connection.Open(t.Context(), c, nil); err == nil || !strings.Contains(err.Error(), "is fiord up running?") {
		t.Errorf("nobody there: %v", err)
	}
}
