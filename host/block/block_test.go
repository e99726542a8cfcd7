package block_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/host/block"
	"github.com/fiord-bench/fiord/host/block/blocktest"
)

func device(t *testing.T, s block.System, name string) block.Device {
	t.Helper()
	d, err := s.Device(name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestUsesFindWhatStandsOnADevice(t *testing.T) {
	s := blocktest.Open(t, "testdata/server.tree")
	for name, want := range map[string][]string{
		"nvme0n1": nil,
		"sda":     {"mounted: sda1 is mounted on /", "swap: sda2 is swap space", "partitioned: sda has partition sda1", "partitioned: sda has partition sda2"},
		"sda1":    {"mounted: sda1 is mounted on /"},
		"sda2":    {"swap: sda2 is swap space"},
		"nvme1n1": {"member: nvme1n1 is an LVM physical volume (LVM2_member)", "held: nvme1n1 is part of dm-0 (lvm)", "mounted: dm-0 is mounted on /scratch"},
		"sdb":     {"held: sdb is part of md127 (raid)", "mounted: md127 is mounted on /srv/with space"},
		"sdd":     {"held: sdd is part of dm-1 (mpath)"},
		"sdf":     {"swap: sdf is swap space"},
		"sdg":     {"member: sdg is an LVM physical volume (LVM2_member)"},
		"sdh":     {"mounted: sdh is mounted on /pool"},
	} {
		uses, err := s.Uses(device(t, s, name))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, u := range uses {
			got = append(got, u.Kind+": "+u.Detail)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, want)
		}
	}
}

func TestDevicesAreNamedByWhatTheyAre(t *testing.T) {
	s := blocktest.Open(t, "testdata/server.tree")
	all, err := s.Devices()
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, d := range all {
		kinds = append(kinds, d.Name+" "+d.Kind)
	}
	want := "dm-0 lvm, dm-1 mpath, md127 raid, nvme0n1 disk, nvme1n1 disk, sda disk, sdb disk, sdc disk, sdd disk, sde disk, sdf disk, sdg disk, sdh disk, sdi disk"
	if got := strings.Join(kinds, ", "); got != want {
		t.Errorf("got %s", got)
	}
	nvme, sda := device(t, s, "nvme0n1"), device(t, s, "sda")
	if nvme.Model != "INTEL SSDPE2KE016T8" || nvme.Serial != "PHLN001" || nvme.Firmware != "VDV10131" ||
		nvme.WWN != "eui.01000000010000005cd2e4e45ff35051" || nvme.Scheduler != "none" || nvme.Size != 3125627568*512 {
		t.Errorf("%+v", nvme)
	}
	if sda.Serial != "PHYF001" || sda.WWN != "0x55cd2e414d000001" || sda.Firmware != "0132" || sda.Scheduler != "mq-deadline" {
		t.Errorf("%+v", sda)
	}
}

func TestPathsLeadToDevicesThroughLinks(t *testing.T) {
	s := blocktest.Open(t, "testdata/server.tree")
	for path, want := range map[string]string{
		"/dev/nvme0n1": "nvme0n1",
		"/dev/disk/by-id/nvme-INTEL_SSDPE2KE016T8_PHLN001": "nvme0n1",
		"/dev/mapper/vg0-scratch":                          "dm-0",
		"/dev/disk/by-id/../../sda1":                       "sda1",
	} {
		if d, err := s.Resolve(path); err != nil || d.Name != want {
			t.Errorf("%s leads to %q, %v", path, d.Name, err)
		}
	}
	for _, path := range []string{"/dev/null", "/dev/nothing", "/etc/passwd", "/dev", "/dev/../etc/passwd", ""} {
		if d, err := s.Resolve(path); !errors.Is(err, block.ErrNotBlock) {
			t.Errorf("%q leads to %q, %v", path, d.Name, err)
		}
	}
}

func TestDisksAreWhatTwoRunsMustNotShare(t *testing.T) {
	s := blocktest.Open(t, "testdata/server.tree")
	for name, want := range map[string]string{"sda1": "sda", "md127": "sdb sdc", "dm-0": "nvme1n1", "nvme0n1": "nvme0n1"} {
		if got := strings.Join(s.Disks(device(t, s, name)), " "); got != want {
			t.Errorf("%s stands on %s", name, got)
		}
	}
}

func TestADirectoryLeadsToItsDevice(t *testing.T) {
	s := blocktest.Open(t, "testdata/server.tree")
	for dir, want := range map[string]string{
		"/scratch/a": "dm-0", "/scratchy": "sda1", "/srv/with space/x": "md127", "/pool": "sdh", "/tmp/x": "", "/home": "sda1",
	} {
		if _, d, err := s.Under(dir); err != nil || d.Name != want {
			t.Errorf("%s is on %q, %v", dir, d.Name, err)
		}
	}
}

func TestThisHostCanBeRead(t *testing.T) {
	s := block.System{}
	all, err := s.Devices()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if _, err := s.Uses(d); err != nil {
			t.Errorf("%s: %v", d.Name, err)
		}
	}
	if _, _, err := s.Under("/tmp"); err != nil {
		t.Error(err)
	}
}
