package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// reach makes sure that an account can walk to all paths. Where a folder above
// one is closed to it, as the folder of root's data is, the calling thread gets
// a view of its own, in which an empty folder stands there that holds nothing
// but the paths.
func reach(paths []string, a Account) error {
	closed := map[string][]string{} // by the topmost folder that is closed
	for _, p := range paths {
		if at := barrier(p, a); at != "" {
			closed[at] = append(closed[at], p)
		}
	}
	if len(closed) == 0 {
		return nil
	}
	if err := view(closed); err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return nil
}

// barrier is the topmost folder above path that the account may not enter, empty
// for none. Folders that cannot be looked at bar nothing: the start will fail.
func barrier(path string, a Account) string {
	at := "/"
	for _, name := range strings.Split(strings.Trim(filepath.Dir(filepath.Clean(path)), "/"), "/") {
		at = filepath.Join(at, name)
		var st syscall.Stat_t
		if err := syscall.Stat(at, &st); err != nil {
			return ""
		}
		if !enters(st, a) {
			return at
		}
	}
	return ""
}

// enters tells whether the folder's mode lets the account pass.
func enters(st syscall.Stat_t, a Account) bool {
	switch {
	case int(st.Uid) == a.UID:
		return st.Mode&0o100 != 0
	case int(st.Gid) == a.GID:
		return st.Mode&0o010 != 0
	default:
		return st.Mode&0o001 != 0
	}
}

// view replaces each closed folder by an empty one, with the given paths in
// their places, for the calling thread and what it starts.
func view(closed map[string][]string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare mounts: %w", err)
	}
	// Unsharing has given the thread a mask of its own as well.
	defer unix.Umask(unix.Umask(0o022))
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts private: %w", err)
	}
	for at, paths := range closed {
		slices.Sort(paths) // a folder before what is in it
		if err := cover(at, slices.Compact(paths)); err != nil {
			return err
		}
	}
	return nil
}

func cover(at string, paths []string) error {
	trees := make([]int, 0, len(paths))
	defer func() {
		for _, fd := range trees {
			_ = unix.Close(fd)
		}
	}()
	for _, p := range paths {
		fd, err := unix.OpenTree(unix.AT_FDCWD, p, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
		if err != nil {
			return fmt.Errorf("open %s: %w", p, err)
		}
		trees = append(trees, fd)
	}
	if err := unix.Mount("fiord", at, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=0755,size=64k"); err != nil {
		return fmt.Errorf("cover %s: %w", at, err)
	}
	for i, p := range paths {
		if err := place(trees[i], p); err != nil {
			return err
		}
	}
	if err := unix.Mount("", at, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("close %s: %w", at, err)
	}
	return nil
}

// place mounts a tree at a path, which it makes.
func place(tree int, path string) error {
	var st unix.Stat_t
	if err := unix.Fstat(tree, &st); err != nil {
		return fmt.Errorf("look at %s: %w", path, err)
	}
	dir := path
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		dir = filepath.Dir(path)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // empty, and of this view alone
		return err
	}
	if dir != path {
		if err := touch(path); err != nil {
			return err
		}
	}
	if err := unix.MoveMount(tree, "", unix.AT_FDCWD, path, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("mount %s: %w", path, err)
	}
	return nil
}

func touch(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600) //nolint:gosec // of this view alone
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}
