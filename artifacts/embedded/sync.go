package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// syncPath flushes a file or folder and every folder above it, up to and
// including top: a name is on the disk only when its folder is, and that
// folder's name only when the next one is. Clean folders cost next to nothing.
// What has been removed meanwhile is skipped.
func syncPath(path, top string) error {
	for {
		if err := syncOne(path); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return fmt.Errorf("sync %s: %w", path, err)
		}
		if path == top || len(path) <= len(top) {
			return nil
		}
		path = filepath.Dir(path)
	}
}

func syncOne(path string) error {
	f, err := os.Open(path) // #nosec G304 -- below the server's own folder
	if err != nil {
		return err
	}
	err = f.Sync()
	return errors.Join(err, f.Close())
}
