package guard

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ErrBusy: the kernel says that a device is in use, whatever /sys said.
var ErrBusy = errors.New("device is in use")

// Hold opens the devices that will be written exclusively, which the kernel
// refuses while one is mounted or part of something, and which keeps anybody
// from mounting it until release is called. fio, which opens them plainly, is
// not hindered.
func (g Grant) Hold() (release func(), err error) {
	var held []*os.File
	release = func() {
		for _, f := range held {
			_ = f.Close() // read only: nothing is lost
		}
	}
	for _, path := range g.Holds {
		f, err := os.OpenFile(path, os.O_RDONLY|unix.O_EXCL, 0) //nolint:gosec // checked by the guard
		if errors.Is(err, unix.EBUSY) {
			release()
			return nil, fmt.Errorf("%w: %s", ErrBusy, path)
		}
		if err != nil {
			release()
			return nil, fmt.Errorf("hold device: %w", err)
		}
		held = append(held, f)
	}
	return release, nil
}
