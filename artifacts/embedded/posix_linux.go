package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"golang.org/x/sys/unix"
)

// newPosix opens the POSIX backend. Its constructor changes the working
// directory, which belongs to the whole process; therefore it runs on a thread
// of its own that stops sharing it, and that ends with the goroutine. Where a
// container forbids that, the directory is changed back at once.
func newPosix(dir string, opts posix.PosixOpts) (be *posix.Posix, err error) {
	cwd, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("open object folder: %w", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread is not fit for reuse
		_ = unix.Unshare(unix.CLONE_FS)
		be, err = posix.New(dir, meta.XattrMeta{}, opts)
		err = errors.Join(err, os.Chdir(cwd))
	}()
	<-done
	return be, err
}

// checkXattrs tells early, and with the remedy, what would fail on every write.
func checkXattrs(dir string) error {
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return fmt.Errorf("write to object folder: %w", err)
	}
	defer func() { _ = os.Remove(probe.Name()) }()
	defer probe.Close()
	err = unix.Fsetxattr(int(probe.Fd()), "user.fiord.probe", []byte("1"), 0)
	if err != nil {
		return fmt.Errorf("object folder %s: its file system has no user extended attributes (%w): "+
			"use a folder on ext4, xfs, btrfs or zfs, not tmpfs or overlay", filepath.Clean(dir), err)
	}
	return nil
}
