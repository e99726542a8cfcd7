package process

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/host/sandbox"
)

// hand gives the account what fio writes: the invocation's own folder, and
// folders of root's that were allowed to jobs, with root's files in them. What
// is handed over once is not looked at again: whoever may write in a folder
// could put links there.
func hand(inv runner.Invocation, a sandbox.Account) error {
	var st syscall.Stat_t
	if err := syscall.Stat(inv.Dir, &st); err == nil && st.Uid == 0 {
		if err := runner.Give(inv.Dir, &runner.User{UID: a.UID, GID: a.GID}); err != nil {
			return err
		}
	}
	for _, m := range inv.Mounts {
		if m.ReadOnly {
			continue
		}
		if err := handTree(m.Path, a); err != nil {
			return fmt.Errorf("give %s to user %d: %w", m.Path, a.UID, err)
		}
	}
	return nil
}

// handTree gives a folder of root's, and root's files and folders in it, to an
// account. It follows no links, and leaves alone what has a second name: that
// may be anywhere. The folder itself comes last, so that a walk that was cut off
// begins anew.
func handTree(dir string, a sandbox.Account) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	if uid, _ := ownerOf(root, "."); uid != 0 {
		return nil
	}
	err = fs.WalkDir(root.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		uid, single := ownerOf(root, path)
		if path == "." || uid != 0 || !single {
			return nil
		}
		return root.Lchown(path, a.UID, a.GID)
	})
	if err != nil {
		return err
	}
	return root.Chown(".", a.UID, a.GID)
}

// ownerOf a file or folder, -1 if that cannot be known, and whether it has one
// name alone.
func ownerOf(root *os.Root, path string) (uid int, single bool) {
	info, err := root.Lstat(path)
	if err != nil {
		return -1, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1, false
	}
	return int(st.Uid), info.IsDir() || st.Nlink == 1
}
