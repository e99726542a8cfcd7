package facts

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/fiord-bench/fiord/host/block/blocktest"
)

// classes are the fingerprints of the RAID's machine with some files changed.
func classes(t *testing.T, changed map[string]string) (host, device string, drives []string) {
	t.Helper()
	root := blocktest.Open(t, "testdata/sata.tree").Root
	for name, content := range changed {
		path := filepath.Join(root, name)
		if _, err := os.Stat(path); err != nil {
			t.Fatalf("the tree has no %s to change", name)
		}
		if err := os.WriteFile(path, []byte(content+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	e, err := capture(t, Host{Root: root}, "/srv/bench")
	if err != nil {
		t.Fatal(err)
	}
	return e.HostClass, e.DeviceClass, e.Target.Identities()
}

func TestWhatChangesAFingerprintAndWhatDoesNot(t *testing.T) {
	const (
		cpu = "sys/devices/system/cpu/"
		sda = "sys/block/sda/"
		md  = "sys/block/md127/"
		dm  = "sys/block/dm-1/"
		hba = "sys/devices/pci0000:64/0000:64:00.0/0000:65:00.0/"
	)
	host, device, drives := classes(t, nil)
	for _, c := range []struct {
		what, file, content            string
		otherHost, otherDevice, drives bool
	}{
		{"kernel", "proc/sys/kernel/osrelease", "5.14.0-570.el9", true, false, false},
		{"mitigation", cpu + "vulnerabilities/spectre_v2", "Mitigation: Retpolines", true, false, false},
		{"governor", cpu + "cpu0/cpufreq/scaling_governor", "performance", true, false, false},
		{"SMT", cpu + "smt/control", "on", true, false, false},
		{"CPUs", cpu + "online", "0-11", true, false, false},
		{"processor", "proc/cpuinfo", "model name\t: another", true, false, false},
		{"memory", "proc/meminfo", "MemTotal: 1 kB", true, false, false},
		{"huge pages", "sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]", true, false, false},
		{"firmware of a disk below", sda + "device/rev", "905Q", false, true, false},
		{"model of a disk below", sda + "device/model", "MZ7L3960", false, true, false},
		{"scheduler of a disk below", sda + "queue/scheduler", "[none] mq-deadline", false, true, false},
		{"queue depth of a disk below", sda + "device/queue_depth", "1", false, true, false},
		{"write cache of a disk below", sda + "queue/write_cache", "write through", false, true, false},
		{"read-ahead of the volume", dm + "queue/read_ahead_kb", "4096", false, true, false},
		{"size of the volume", dm + "size", "2048", false, true, false},
		{"link of the adapter", hba + "current_link_width", "4", false, true, false},
		{"array made another way", md + "md/level", "raid10", false, true, false},
		{"array whole again", md + "md/degraded", "0", false, true, false},
		{"serial of a disk below", "run/udev/data/b8:0", "E:ID_SERIAL_SHORT=S47NNA0T000009", false, false, true},

		{"load", "proc/loadavg", "9.00 9.00 9.00 9/812 1", false, false, false},
		{"heat", hba + "host0/port-0:0/end_device-0:0/target0:0:0/0:0:0:0/hwmon/hwmon4/temp1_input", "61000", false, false, false},
		{"boot parameters that change nothing", "proc/cmdline", "quiet", false, false, false},
		{"another disk", "sys/block/sdc/device/rev", "SN03", false, false, false},
	} {
		gotHost, gotDevice, gotDrives := classes(t, map[string]string{c.file: c.content})
		if (gotHost != host) != c.otherHost {
			t.Errorf("%s: host class is another: %v", c.what, gotHost != host)
		}
		if (gotDevice != device) != c.otherDevice {
			t.Errorf("%s: device class is another: %v", c.what, gotDevice != device)
		}
		if !slices.Equal(gotDrives, drives) != c.drives {
			t.Errorf("%s: drives %v, were %v", c.what, gotDrives, drives)
		}
	}
}
