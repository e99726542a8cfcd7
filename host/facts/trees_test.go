package facts

import (
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/host/block/blocktest"
	"github.com/fiord-bench/fiord/host/runner"
)

var update = flag.Bool("update", false, "write the golden files anew")

// trees are machines as their kernels present them, and what is measured there.
var trees = []struct{ name, tree, target string }{
	{"nvme-namespace-with-xfs", "nvme", "/data/a"},
	{"nvme-over-two-paths", "nvme", "/dev/nvme2n1"},
	{"lvm-on-crypt-on-raid", "sata", "/srv/bench"},
	{"sata-disk", "sata", "/dev/sdc"},
	{"arm-partition-with-btrfs", "arm", "/mnt"},
	{"virtio", "virtio", "/tmp/x"},
}

func capture(t *testing.T, h Host, target string) (Environment, error) {
	t.Helper()
	known, err := h.Stable()
	if err != nil {
		return Environment{}, err
	}
	e, err := h.Environment("host", known, runner.Description{Kind: "docker", Engine: "Docker 28.5.2", FioVersion: "fio-3.39"}, target)
	e.Taken = time.Time{}
	return e, err
}

func TestWhatIsCapturedOfMachinesOfManyKinds(t *testing.T) {
	for _, c := range trees {
		t.Run(c.name, func(t *testing.T) {
			e, err := capture(t, Host{Root: blocktest.Open(t, "testdata/"+c.tree+".tree").Root}, c.target)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(e, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "testdata/"+c.name+".golden.json", string(got)+"\n")
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; go test -update writes it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (go test -update accepts):\n%s", path, diff)
	}
}

func TestAStackIsNamedAfterItsDrives(t *testing.T) {
	for target, want := range map[string]string{"/srv/bench": "SAMSUNG MZ7KH960 ×2", "/dev/sdc": "ST8000NM000A-2KE"} {
		e, err := capture(t, Host{Root: blocktest.Open(t, "testdata/sata.tree").Root}, target)
		if err != nil || e.Target.Models() != want {
			t.Errorf("%s is %q, %v", target, e.Target.Models(), err)
		}
	}
	mixed := Target{Disks: []Disk{{Model: "b"}, {Model: "a"}, {}, {Model: "b"}}}
	if got := mixed.Models(); got != "a, b ×2" {
		t.Error(got)
	}
}

// A kernel that is older, configured otherwise, or seen from a container lacks
// any of the files. Nothing but the size of a device is needed.
func TestAnyFileMayBeMissing(t *testing.T) {
	for i, c := range trees {
		if i > 0 && trees[i-1].tree == c.tree {
			continue
		}
		root := blocktest.Open(t, "testdata/"+c.tree+".tree").Root
		whole, err := capture(t, Host{Root: root}, c.target)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files(t, root) {
			if strings.Contains(file, "/queue/") && !strings.HasSuffix(file, "/scheduler") {
				continue // all read alike
			}
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			e, err := capture(t, Host{Root: root}, c.target)
			needed := strings.HasSuffix(file, "/size") || strings.HasPrefix(file, filepath.Join(root, "dev")) || strings.HasSuffix(file, "mountinfo")
			if err != nil && !needed {
				t.Errorf("%s without %s: %v", c.name, strings.TrimPrefix(file, root), err)
			}
			changes, err := Diff(whole, e)
			if err != nil || len(changes) > 24 && !needed {
				t.Errorf("%s without %s: %d values differ: %v", c.name, strings.TrimPrefix(file, root), len(changes), changes)
			}
			if err := os.WriteFile(file, content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func files(t *testing.T, root string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			list = append(list, path)
		}
		return err
	})
	if err != nil || len(list) < 20 {
		t.Fatalf("%d files, %v", len(list), err)
	}
	return list
}
