package plan

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/host/block"
	"github.com/fiord-bench/fiord/host/block/blocktest"
	"github.com/fiord-bench/fiord/host/runner"
)

func TestSharedDisksAreNamedAsEveryHostNamesThem(t *testing.T) {
	sys := blocktest.Open(t, "../../../host/block/testdata/san.tree")
	for _, tc := range []struct {
		name   string
		owners []string
		disks  []string
		want   string
	}{
		{"a local drive", nil, []string{"nvme0n1"}, ""},
		{"a local drive that the owner says is shared", []string{"wwn:0x0025385B71B0C6A1"}, []string{"nvme0n1"}, "wwn:0025385b71b0c6a1"},
		{"a LUN over iSCSI", nil, []string{"sdb"}, "wwn:6001405f00d0000000000000000000aa"},
		{"a namespace over TCP", nil, []string{"nvme1n1"}, "wwn:5f3c"},
		{"a nameless LUN that the owner names", []string{"path:/dev/sdc"}, []string{"sdc"}, "device:path:/dev/sdc"},
		{"a disk that is gone", nil, []string{"sdz"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := sharedDisks(sys, tc.owners, tc.disks)
			if err != nil || strings.Join(got, " ") != tc.want {
				t.Fatalf("got %v, %v; want %q", got, err, tc.want)
			}
		})
	}
	_, err := sharedDisks(sys, nil, []string{"sdc"})
	if !errors.Is(err, runner.ErrUnsupported) || !strings.Contains(err.Error(), "name it in shared") {
		t.Fatalf("a disk of a network that no host can name: %v", err)
	}
}

func TestFoldersOfANetworkAreShared(t *testing.T) {
	dir := t.TempDir()
	sys := block.System{Root: t.TempDir()}
	plant(t, sys.Root, "proc/self/mountinfo", ""+
		"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"+
		"2 1 0:40 / "+dir+"/nfs rw - nfs4 filer:/export rw\n")
	for _, sub := range []string{"/nfs/a", "/local", "/owners/b"} {
		plant(t, dir, sub+"/x", "")
	}
	got, err := sharedFolders(sys, []string{dir + "/owners", "wwn:1"}, []runner.Mount{
		{Path: dir + "/nfs/a"}, {Path: dir + "/local"}, {Path: dir + "/owners/b"},
	})
	if err != nil || !slices.Equal(got, []string{"mount:filer:/export", "folder:" + dir + "/owners"}) {
		t.Fatalf("%v, %v", got, err)
	}
}

func TestVolumesOfANetworkAreShared(t *testing.T) {
	p := &Planner{Settings: Settings{Shared: []string{"volume:said"}}}
	got, err := p.sharedVolumes(t.Context(), []runner.Volume{
		{Name: "local", Driver: "local"}, {Name: "said", Driver: "d"},
		{Name: "filer", Driver: "local", Options: map[string]string{"type": "nfs", "o": "addr=10.0.0.1", "device": ":/x"}},
	})
	if err != nil || !slices.Equal(got, []string{"volume:d/said", "mount::/x,addr=10.0.0.1"}) {
		t.Fatalf("%v, %v", got, err)
	}
}

func plant(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func TestSharedNamesThatCannotBeMeantAreRefused(t *testing.T) {
	for name, valid := range map[string]bool{
		"wwn:0x5": true, "serial:S1": true, "/dev/disk/by-id/wwn-0x5": true, "/mnt/shared": true, "volume:data": true,
		"": false, "volume:": false, "relative": false, "/mnt/../etc": false, "/dev/sda": false, "sda": false,
	} {
		if err := ValidShared(name); (err == nil) != valid {
			t.Errorf("%q: %v", name, err)
		}
	}
}
