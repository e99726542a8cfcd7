package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestUpTellsWhereItIsAndKeepsItsSecrets(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "data")
	f := startUp(t, dir)
	contains(t, f.out.String(), "fiord is up", f.conn.NATS.URL, f.conn.S3.Endpoint, f.conn.WebURL, f.conn.AdminURL, dir)
	if status := get(t, f.conn.AdminURL+"/readyz"); status != http.StatusOK {
		t.Errorf("/readyz: %d", status)
	}
	err := filepath.WalkDir(filepath.Join(dir, "credentials"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if info, err := d.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may read %s: %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	code, _, stderr := command(t, "", nil, slices.Concat([]string{"up", "--data", dir}, anyPort())...)
	if code != 1 || !strings.Contains(stderr, fmt.Sprintf("another fiord up (process %d) runs on %s", os.Getpid(), dir)) {
		t.Errorf("a second one on the same folder: exit code %d\n%s", code, stderr)
	}
	code, _, stderr = command(t, "", nil, slices.Concat([]string{"up", "--data", t.TempDir()}, anyPort(), []string{"--plot.listen=" + strings.TrimPrefix(f.conn.WebURL, "http://")})...)
	if code != 1 || !strings.Contains(stderr, "--plot.listen (port 0 takes any free one)") {
		t.Errorf("a second one on the same port: exit code %d\n%s", code, stderr)
	}
}

// Another user of the machine reads nothing of a fiord's, and opens nothing of
// it, the gate included: not while a bench is under way, and not afterwards.
func TestTheDataFolderIsForItsUserAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	f := startUp(t, dir)
	if code, _, _ := f.command("run", jobFile(t)); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, name := range []string{"gate", "gate.turn", "bench", "scratch", "s3", "nats"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // replaced meanwhile
		}
		if err != nil {
			return err
		}
		if info, err := d.Info(); err == nil && info.Mode()&fs.ModeSymlink == 0 && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestUpGoesOnWhereItStopped(t *testing.T) {
	dir := t.TempDir()
	first := startUp(t, dir)
	_, out, _ := first.command("run", jobFile(t), "--json")
	var before result
	if err := json.Unmarshal([]byte(out), &before); err != nil {
		t.Fatal(err)
	}
	if code := first.stop(); code != 0 {
		t.Fatalf("stopped with %d", code)
	}
	if code, _, stderr := first.command("runs"); code != 1 || !strings.Contains(stderr, "is fiord up running?") {
		t.Errorf("commands to a stopped fiord: exit code %d\n%s", code, stderr)
	}
	second := startUp(t, dir)
	_, out, _ = second.command("show", before.Bench, "--json")
	var after result
	if err := json.Unmarshal([]byte(out), &after); err != nil || after.Verdict != before.Verdict {
		t.Errorf("before %+v\nafter %+v\n%v", before, after, err)
	}
}

func TestUpRefusesWrongSettings(t *testing.T) {
	for name, in := range map[string]struct {
		args []string
		want string
	}{
		"unknown flag": {[]string{"--plots.listen=:0"}, "unknown flag"},
		"bad address":  {[]string{"--s3.listen=nowhere"}, "want host:port"},
		"no pools":     {[]string{"--bench.capacity=0"}, "bench: capacity and starts must be at least 1"},
		"missing file": {[]string{"--config=none.yaml"}, "none.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			code, _, stderr := command(t, "", nil, slices.Concat([]string{"up", "--data", dir}, anyPort(), in.args)...)
			if code == 0 || !strings.Contains(stderr, in.want) {
				t.Errorf("exit code %d, want %q", code, in.want)
			}
		})
	}
}
