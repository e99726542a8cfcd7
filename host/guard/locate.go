package guard

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/fiord-bench/fiord/host/block"
)

type kind int

const (
	kindMissing kind = iota
	kindFile
	kindDir
	kindBlock
	kindSpecial
)

// location is where a path leads.
type location struct {
	kind   kind
	real   string // with links followed as far as the path exists
	device block.Device
	what   string // of a special file
}

// locate follows a path. Names below /dev that the system does not know are
// special too: fio would create a file there, in memory, as root.
func locate(sys block.System, at string) (location, error) {
	real, err := follow(at)
	if err != nil {
		return location{}, err
	}
	if strings.HasPrefix(at, "/dev/") || strings.HasPrefix(real, "/dev/") {
		return locateDevice(sys, real)
	}
	info, err := os.Lstat(real)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return location{kind: kindMissing, real: real}, nil
	case err != nil:
		return location{}, err
	case info.Mode().IsRegular():
		return location{kind: kindFile, real: real}, nil
	case info.IsDir():
		return location{kind: kindDir, real: real}, nil
	case info.Mode()&fs.ModeDevice != 0 && info.Mode()&fs.ModeCharDevice == 0:
		return locateDevice(sys, real) // a node outside /dev
	default:
		return location{kind: kindSpecial, real: real, what: info.Mode().Type().String() + " (special file)"}, nil
	}
}

// leadsNowhere tells a path that no host could open from one that this host
// could not look at just now: the job is wrong, and trying again mends nothing.
func leadsNowhere(err error) bool {
	return errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENAMETOOLONG)
}

func locateDevice(sys block.System, real string) (location, error) {
	resolve := sys.ResolveNode
	if strings.HasPrefix(real, "/dev/") {
		resolve = sys.Resolve // links below /dev are the system's
	}
	d, err := resolve(real)
	if errors.Is(err, block.ErrNotBlock) {
		return location{kind: kindSpecial, real: real, what: "name below /dev without a block device"}, nil
	}
	return location{kind: kindBlock, real: real, device: d}, err
}

// follow is filepath.EvalSymlinks for paths whose end does not exist yet. A
// link that leads to nothing is followed too: opening it creates its target.
func follow(at string) (string, error) {
	for range 64 {
		real, err := filepath.EvalSymlinks(at)
		if err == nil {
			return real, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			// EvalSymlinks has no sentinel for links in a circle; the system has.
			if _, asked := os.Stat(at); asked != nil {
				err = asked
			}
			return "", err
		}
		parent, name := filepath.Split(at)
		parent, err = follow(filepath.Clean(parent))
		if err != nil {
			return "", err
		}
		at = filepath.Join(parent, name)
		target, err := os.Readlink(at)
		if err != nil {
			return at, nil //nolint:nilerr // no link: the name does not exist yet
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(parent, target)
		}
		at = filepath.Clean(target)
	}
	return "", fmt.Errorf("follow %s: %w", at, syscall.ELOOP)
}
