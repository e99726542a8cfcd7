package laidout

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// identity is what makes a file the very same one.
type identity struct {
	Device uint64 `json:"device"`
	Inode  uint64 `json:"inode"`
	Born   int64  `json:"born"` // nanoseconds since 1970
}

// stat reads the identity of a file or folder below an open directory, without
// following a link. known is false where the file system cannot say when it
// was born.
func stat(dir int, name string) (id identity, st unix.Statx_t, known bool, err error) {
	const want = unix.STATX_BTIME | unix.STATX_INO | unix.STATX_MODE | unix.STATX_BLOCKS | unix.STATX_TYPE
	if err := unix.Statx(dir, name, unix.AT_SYMLINK_NOFOLLOW, want, &st); err != nil {
		return id, st, false, err
	}
	id = identity{Device: unix.Mkdev(st.Dev_major, st.Dev_minor), Inode: st.Ino, Born: st.Btime.Sec*1e9 + int64(st.Btime.Nsec)}
	return id, st, st.Mask&unix.STATX_BTIME != 0 && st.Btime.Sec > 0, nil
}

// look reads the identity of what a path names.
func look(path string) (id identity, st unix.Statx_t, known bool, err error) {
	return stat(unix.AT_FDCWD, path)
}

// errNotOurs: something else has the name by now.
var errNotOurs = errors.New("it is another file by now")

// remove takes a file away, or a folder that is empty, if it is still the same
// one. Its folder is reached without following a link, so that nothing outside
// can be put in its place.
func remove(path string, want identity) error {
	dir, err := unix.Openat2(unix.AT_FDCWD, filepath.Dir(path), &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return fmt.Errorf("open folder of %s: %w", path, err)
	}
	defer func() { _ = unix.Close(dir) }()
	id, st, known, err := stat(dir, filepath.Base(path))
	switch {
	case err != nil:
		return fmt.Errorf("look at %s: %w", path, err)
	case !known || id != want:
		return fmt.Errorf("remove %s: %w", path, errNotOurs)
	}
	flags := 0
	if uint32(st.Mode)&unix.S_IFMT == unix.S_IFDIR {
		flags = unix.AT_REMOVEDIR
	}
	if err := unix.Unlinkat(dir, filepath.Base(path), flags); err != nil {
		return fmt.Errorf("remove %s: %w", path, err)
	}
	return nil
}

// gone reports that there is nothing by that name.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) }

// writeFile replaces a file durably.
func writeFile(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
