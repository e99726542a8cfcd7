package up

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrInUse says that another process runs on the data folder.
var ErrInUse = errors.New("data folder is in use")

// lockFolder takes the data folder for this process until the file is closed
// or the process dies. The file tells who has it.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data folder: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil { //nolint:gosec // a descriptor fits
		owner, _ := io.ReadAll(io.LimitReader(f, 100)) // only to tell
		err = fmt.Errorf("%w: another fiord up (process %s) runs on %s: stop it, or choose another folder with --data",
			ErrInUse, strings.TrimSpace(string(owner)), dir)
		return nil, errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Truncate(0), writePID(f)); err != nil {
		return nil, errors.Join(fmt.Errorf("lock data folder: %w", err), f.Close())
	}
	return f, nil
}

func writePID(f *os.File) error {
	_, err := fmt.Fprintf(f, "%d\n", os.Getpid())
	return err
}
