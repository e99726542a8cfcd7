package dropin

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/host/block"
	"github.com/fiord-bench/fiord/host/guard"
)

// loopDevice is a real block device of 16 MiB, gone after the test.
func loopDevice(t *testing.T) string {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image")
	plant(t, filepath.Dir(image), "image")
	if err := os.Truncate(image, 16<<20); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("losetup", "--find", "--show", image).CombinedOutput()
	if err != nil {
		t.Skipf("no loop device: %v: %s (needs root and the loop driver)", err, out)
	}
	dev := strings.TrimSpace(string(out))
	t.Cleanup(func() { _ = exec.Command("losetup", "--detach", dev).Run() })
	return dev
}

func TestADeviceIsOverwrittenOnlyWhenItIsNamed(t *testing.T) {
	dev := loopDevice(t)
	job := map[string]string{
		"write.fio": "[a]\nrw=write\nbs=64k\nsize=1m\nfilename=" + dev + "\n",
		"read.fio":  "[a]\nrw=read\nbs=64k\nsize=1m\nfilename=" + dev + "\n",
	}
	v := newVolume(t, map[string]string{"JOBFILES": "read.fio"}, job)
	v.expect(ExitOK, "fio-tool", nil)
	v = newVolume(t, map[string]string{"JOBFILES": "write.fio"}, job)
	v.expect(ExitInput, "fio-tool", nil, "may be read only")
	v = newVolume(t, map[string]string{"JOBFILES": "write.fio", "FIORD_ALLOW_DESTRUCTIVE": dev}, job)
	v.expect(ExitOK, "fio-tool", nil)
	v = newVolume(t, map[string]string{"JOBFILES": "write.fio", "FIORD_ALLOW_DESTRUCTIVE": "/dev/nosuchdisk"}, job)
	v.expect(ExitInput, "fio-tool", nil, "/dev/nosuchdisk")
}

func TestTwinsAreNotToldApartByChance(t *testing.T) {
	a := block.Device{Name: "sda", Serial: "X"}
	b := block.Device{Name: "sdb", Serial: "X"}
	part := block.Device{Name: "sda1", Parent: "sda", Serial: "X"}
	got := []string{identity(a), identity(b), identity(part), identity(block.Device{Name: "loop0"}), identity(block.Device{Name: "sdc", WWN: "0x5"})}
	if diff := cmp.Diff([]string{"serial:X", "serial:X", "path:/dev/sda1", "path:/dev/loop0", "wwn:0x5"}, got); diff != "" {
		t.Error(diff)
	}
	if twin, ok := twin(a, []block.Device{a, part, b}); !ok || twin.Name != "sdb" {
		t.Errorf("sda's twin: %v, %v", twin.Name, ok)
	}
	if _, ok := twin(a, []block.Device{a, part}); ok {
		t.Error("sda is its own twin")
	}
}

func TestThePolicyIsOneThatTheGuardTakes(t *testing.T) {
	sys := block.System{Root: "/"}
	mounts, err := sys.Mounts()
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy(t.TempDir(), settings{Mounts: true}, sys, mounts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := guard.New(p, sys); err != nil {
		t.Error(err)
	}
	for _, d := range p.Devices {
		if d.Destructive {
			t.Errorf("%s may be overwritten, which nobody allowed", d.ID)
		}
	}
}
