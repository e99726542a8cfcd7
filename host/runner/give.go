package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Give lets a user write an invocation's folder and its logs, and read the job
// file. The rest of the folder stays the worker's. It does nothing for nobody,
// and where this process is not root: fio then runs as its user.
func Give(dir string, to *User) error {
	if to == nil || os.Geteuid() != 0 {
		return nil
	}
	for _, path := range []string{filepath.Join(dir, JobFile), filepath.Join(dir, LogDir), dir} {
		if err := os.Lchown(path, to.UID, to.GID); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("give %s to user %d: %w", path, to.UID, err)
		}
	}
	return nil
}
