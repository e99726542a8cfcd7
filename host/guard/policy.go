package guard

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/host/block"
)

// Policy is what the host's owner allows. The zero value allows nothing.
type Policy struct {
	// Directories whose content jobs may lay out, overwrite and delete.
	Directories []string
	// Devices that jobs may read, and of those the ones they may write.
	Devices []Device
	// MinFree is how many bytes a job must leave free on every file system.
	MinFree uint64
	// MinFreeInodes is how many files must be left to make on every file system
	// that counts them.
	MinFreeInodes uint64
	// Ceilings bound what else a job may take of the machine.
	Ceilings Ceilings
}

// Device allows one block device.
type Device struct {
	// ID is a path below /dev/disk/by-id (or by-path), "serial:…" or "wwn:…".
	// "path:/dev/…" is for devices that have no identity, such as loop devices.
	ID string
	// Destructive allows writes and trims: all data on the device may be lost.
	Destructive bool
}

// Validate reports what in the policy cannot be meant.
func (p Policy) Validate() error {
	var errs []error
	for _, d := range p.Directories {
		switch {
		case !filepath.IsAbs(d) || filepath.Clean(d) != d:
			errs = append(errs, fmt.Errorf("directory %q: want an absolute, clean path", d))
		case slices.Contains(systemDirs, d):
			errs = append(errs, fmt.Errorf("directory %q belongs to the system: allow a directory made for fiord", d))
		}
	}
	for _, d := range p.Devices {
		if err := d.Validate(); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

var systemDirs = []string{"/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/opt", "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/usr", "/var", "/var/lib"}

// Validate reports a name that cannot be meant.
func (d Device) Validate() error {
	kind, value, prefixed := strings.Cut(d.ID, ":")
	switch {
	case strings.HasPrefix(d.ID, "/dev/disk/by-id/"), strings.HasPrefix(d.ID, "/dev/disk/by-path/"):
		return nil
	case prefixed && (kind == "serial" || kind == "wwn") && value != "":
		return nil
	case prefixed && kind == "path" && strings.HasPrefix(value, "/dev/"):
		return nil
	case strings.HasPrefix(d.ID, "/dev/"):
		return fmt.Errorf("device %q: kernel names change between boots; name it by /dev/disk/by-id/…, serial:… or wwn:…", d.ID)
	default:
		return fmt.Errorf("device %q: want /dev/disk/by-id/…, serial:… or wwn:…", d.ID)
	}
}

// Matches tells whether the entry means the device. A serial number or WWN
// means the whole disk; a partition must be named by its own link.
func (d Device) Matches(sys block.System, dev block.Device) (bool, error) {
	kind, value, prefixed := strings.Cut(d.ID, ":")
	if prefixed && !strings.HasPrefix(d.ID, "/") {
		switch kind {
		case "serial":
			return dev.Parent == "" && dev.Serial == value, nil
		case "wwn":
			return dev.Parent == "" && dev.WWN != "" && block.BareWWN(dev.WWN) == block.BareWWN(value), nil
		}
	}
	path := strings.TrimPrefix(d.ID, "path:")
	found, err := sys.Resolve(path)
	if errors.Is(err, block.ErrNotBlock) {
		return false, nil // the device is not plugged in
	}
	if err != nil {
		return false, err
	}
	if strings.HasPrefix(d.ID, "path:") && (found.Serial != "" || found.WWN != "") {
		return false, nil // it has an identity: the name alone will not do
	}
	return found.Name == dev.Name, nil
}
