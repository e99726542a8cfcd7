package dropin

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/fiord-bench/fiord/host/block"
	"github.com/fiord-bench/fiord/host/guard"
)

// minFree is what jobs must leave free: a full volume breaks whoever shares it.
const minFree = 16 << 20

// policy says what jobs may touch: the data folder, what was mounted into the
// container, and the devices it was given, which may be read unless the
// environment says that they may be overwritten.
func policy(data string, s settings, sys block.System, mounts []block.Mount) (guard.Policy, error) {
	p := guard.Policy{Directories: []string{data}, MinFree: minFree}
	if s.Mounts {
		for _, m := range mounts {
			if mountedFor(m) && !slices.Contains(p.Directories, m.Point) {
				p.Directories = append(p.Directories, m.Point)
			}
		}
	}
	present, err := given(sys)
	if err != nil {
		return p, err
	}
	var errs []error
	allowed := map[string]bool{}
	for _, at := range s.Destructive {
		d, err := sys.Resolve(at)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", varDestructive, at, err))
			continue
		}
		if other, found := twin(d, present); found {
			errs = append(errs, fmt.Errorf("%s: %s and %s say that they are the same device (%s): give the container one of them",
				varDestructive, at, other.Path(), identity(d)))
			continue
		}
		allowed[d.Name] = true
	}
	for _, d := range present {
		p.Devices = append(p.Devices, guard.Device{ID: identity(d), Destructive: allowed[d.Name]})
	}
	return p, errors.Join(errs...)
}

// twin finds another device that has the same identity, so that a policy would
// mean both.
func twin(d block.Device, all []block.Device) (block.Device, bool) {
	for _, o := range all {
		if o.Name != d.Name && identity(o) == identity(d) {
			return o, true
		}
	}
	return block.Device{}, false
}

// kernelFiles are file systems that hold no data of anybody's.
var kernelFiles = []string{
	"proc", "sysfs", "devtmpfs", "devpts", "mqueue", "cgroup", "cgroup2", "securityfs", "debugfs", "tracefs",
	"bpf", "pstore", "configfs", "fusectl", "hugetlbfs", "binfmt_misc", "nsfs", "autofs", "rpc_pipefs", "efivarfs",
}

// mountedFor tells a folder that was mounted for the container from what every
// container has, and from folders of the system, which guard refuses.
func mountedFor(m block.Mount) bool {
	info, err := os.Stat(m.Point)
	if err != nil || !info.IsDir() || slices.Contains(kernelFiles, m.Type) {
		return false
	}
	for _, dir := range []string{"/proc", "/sys", "/dev", "/run", "/etc", "/usr", "/boot"} {
		if below(m.Point, dir) {
			return false
		}
	}
	return guard.Policy{Directories: []string{m.Point}}.Validate() == nil
}

// given lists the block devices that have a node at the top of /dev.
func given(sys block.System) ([]block.Device, error) {
	dev := filepath.Join("/", sys.Root, "dev")
	entries, err := os.ReadDir(dev)
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	var out []block.Device
	for _, e := range entries {
		if e.Type()&os.ModeDevice == 0 || e.Type()&os.ModeCharDevice != 0 {
			continue
		}
		d, err := sys.Resolve("/dev/" + e.Name())
		if errors.Is(err, block.ErrNotBlock) {
			continue // a node without a device behind it
		}
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// identity names a device as the guard's policy does.
func identity(d block.Device) string {
	switch {
	case d.Parent == "" && d.Serial != "":
		return "serial:" + d.Serial
	case d.Parent == "" && d.WWN != "":
		return "wwn:" + d.WWN
	default:
		return "path:" + d.Path()
	}
}
