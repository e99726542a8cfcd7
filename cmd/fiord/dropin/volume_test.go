package dropin

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/host/block"
)

// plant makes files, and folders for names that end in a slash.
func plant(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(at, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(at, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// tree lists all files below a folder.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, p)
			out = append(out, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func TestClearingKeepsWhatIsNeededAndWhatIsNotOurs(t *testing.T) {
	files := []string{"a.fio", "b.job", "old_bw.1.log", "jobs/c.fio", "jobs/d.fio", "deep/x/y.inc", "deep/z", ".hidden", "lost+found/1", "disk/precious"}
	data, outside := t.TempDir(), t.TempDir()
	plant(t, data, files...)
	plant(t, outside, "target")
	if err := os.Symlink(outside, filepath.Join(data, "link")); err != nil {
		t.Fatal(err)
	}
	mounts := []block.Mount{{Point: data}, {Point: filepath.Join(data, "disk")}}
	keep := []string{filepath.Join(data, "b.job"), filepath.Join(data, "jobs/c.fio"), filepath.Join(data, "deep/x/y.inc")}
	left, err := clear(data, keep, false, mounts)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{".hidden", "a.fio", "b.job", "deep/x/y.inc", "disk/precious", "jobs/c.fio", "lost+found/1"}
	if diff := cmp.Diff(want, tree(t, data)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{filepath.Join(data, "disk")}, left); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"target"}, tree(t, outside)); diff != "" {
		t.Errorf("a link was followed: %s", diff)
	}
	if _, err := clear(data, nil, true, mounts); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{".hidden", "disk/precious", "lost+found/1"}, tree(t, data)); diff != "" {
		t.Error(diff)
	}
}

func TestFoldersOfTheSystemAreNeverData(t *testing.T) {
	for _, dir := range []string{"/", "/home", "/var", "relative", "/tmp/../etc"} {
		if dataDir(dir) == nil {
			t.Errorf("%s would be cleared", dir)
		}
	}
	if err := dataDir(DataDir); err != nil {
		t.Error(err)
	}
}

func TestOnlyWhatWasMountedMayBeMeasured(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "hosts")
	plant(t, dir, "hosts")
	for _, c := range []struct {
		mount block.Mount
		want  bool
	}{
		{block.Mount{Point: dir, Type: "ext4"}, true},
		{block.Mount{Point: dir, Type: "nfs"}, true},
		{block.Mount{Point: dir, Type: "tmpfs"}, true},
		{block.Mount{Point: dir, Type: "proc"}, false},
		{block.Mount{Point: file, Type: "ext4"}, false},
		{block.Mount{Point: dir + "/gone", Type: "ext4"}, false},
		{block.Mount{Point: "/", Type: "overlay"}, false},
		{block.Mount{Point: "/dev", Type: "tmpfs"}, false},
		{block.Mount{Point: "/sys/fs", Type: "tmpfs"}, false},
		{block.Mount{Point: "/etc", Type: "ext4"}, false},
	} {
		if got := mountedFor(c.mount); got != c.want {
			t.Errorf("%+v: %v", c.mount, got)
		}
	}
}
