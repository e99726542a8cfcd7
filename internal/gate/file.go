package gate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrForeign: the gate's file is somebody's who could hold up all measuring.
var ErrForeign = errors.New("is not this user's")

// Modes of a lock file.
const (
	private = 0o600
	shared  = 0o660 // made so beforehand, for programs of several users
)

// open opens or makes a lock file. It follows no link, takes no file of another
// user's that was not shared with a group, and takes from all others what an
// earlier version let them have.
func open(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, private) //nolint:gosec // the operator's choice
	switch {
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("%w (for programs of several users make it beforehand, with mode 0660 and a group that all of them are in)", err)
	case errors.Is(err, unix.ELOOP):
		return nil, fmt.Errorf("%w: %s is a link, which could lead to a file that others hold", ErrForeign, name)
	case err != nil:
		return nil, err
	}
	if err := own(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// own refuses a file that others may lock, or closes it to them.
func own(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %s is no plain file", ErrForeign, f.Name())
	}
	want := fs.FileMode(private)
	if info.Mode().Perm()&0o020 != 0 {
		want = shared
	}
	me := uint32(os.Geteuid()) //nolint:gosec // ids are not negative
	switch {
	case st.Uid != me && st.Uid != 0 && info.Mode().Perm() != shared:
		return fmt.Errorf("%w: %s belongs to user %d, who could hold up all measuring: remove it, or share it with a group (mode 0660)", ErrForeign, f.Name(), st.Uid)
	case info.Mode().Perm() == want, st.Uid != me:
		return nil
	}
	return f.Chmod(want)
}
