package up

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrInUse says that another process runs on the data folder.
var ErrInUse = errors.New("data folder is in use")

// ErrForeign: the data folder is somebody's who could replace what is in it.
var ErrForeign = errors.New("data folder is not this user's")

// own refuses a data folder that another user prepared, or may write in.
func own(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at data folder: %w", err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return nil // not a file system with owners
	case int(st.Uid) != os.Geteuid() && st.Uid != 0:
		return fmt.Errorf("%w: %s belongs to user %d, who could put keys and programs of his own there: choose another with --data", ErrForeign, dir, st.Uid)
	case info.Mode().Perm()&0o002 != 0:
		return fmt.Errorf("%w: every user of this machine may write in %s: chmod o-w it, or choose another with --data", ErrForeign, dir)
	}
	return nil
}

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
