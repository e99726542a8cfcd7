package keys_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/cmd/fiord/keys"
)

func open(t *testing.T, dir, name string) keys.User {
	t.Helper()
	u, err := keys.Open(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestCredentialsAreMadeOnceAndKept(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, "bench")
	if diff := cmp.Diff(first, open(t, dir, "bench")); diff != "" {
		t.Errorf("changed when opened again (-first +second):\n%s", diff)
	}
	other := open(t, dir, "plot")
	if other.NKey == first.NKey || other.AccessKey == first.AccessKey || other.SecretKey.Equal(first.SecretKey) {
		t.Error("two users share credentials")
	}
	if !strings.HasPrefix(first.NKey, "U") || len(first.SecretKey.Reveal()) < 32 {
		t.Errorf("got nkey %s and a secret of %d characters", first.NKey, len(first.SecretKey.Reveal()))
	}
}

func TestNobodyElseMayReadCredentials(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "credentials")
	u := open(t, dir, "bench")
	if _, _, err := keys.Secret(dir, "ingest", "webhook"); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(u.SecretKeyFile, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Open(dir, "bench"); err == nil || !strings.Contains(err.Error(), "others may read") {
		t.Errorf("a file that others may read: %v", err)
	}
}

func TestABrokenSeedIsToldWithItsFile(t *testing.T) {
	dir := t.TempDir()
	u := open(t, dir, "bench")
	if err := os.WriteFile(u.NKeyFile, []byte("SUAHALF"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Open(dir, "bench"); err == nil || !strings.Contains(err.Error(), u.NKeyFile) {
		t.Errorf("got %v", err)
	}
}

func TestASecretIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	path, first, err := keys.Secret(dir, "ingest", "webhook")
	if err != nil {
		t.Fatal(err)
	}
	again, second, err := keys.Secret(dir, "ingest", "webhook")
	if err != nil || again != path || first != second || first == "" {
		t.Errorf("%s %q, then %s %q, %v", path, first, again, second, err)
	}
}
