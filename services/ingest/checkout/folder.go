package checkout

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Folder reads files of a work tree by the rules that a fetched commit is read
// by, and with the same words where it refuses: for saying before a push what
// the push would be told.
type Folder struct {
	// Root of the work tree.
	Root string
	// MaxFile bounds one file, in bytes.
	MaxFile int64
}

// ReadFile reads a file by its path from the root.
func (f Folder) ReadFile(name string) ([]byte, error) {
	at, err := f.find(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	info, err := os.Lstat(at)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is a %s, want a file", name, kindOf(info.Mode())) // reading a pipe or device might never end
	}
	if info.Size() > f.MaxFile {
		return nil, fmt.Errorf("%s: %w", name, tooLong(info.Size(), f.MaxFile))
	}
	// A link that was put there since leads out of no root.
	root, err := os.OpenRoot(f.Root)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer root.Close() //nolint:errcheck // only read
	content, err := root.ReadFile(filepath.FromSlash(name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return content, checkPointer(name, content)
}

// kindOf is what stands in the place of a file.
func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "folder"
	case mode&fs.ModeNamedPipe != 0:
		return "named pipe"
	case mode&fs.ModeDevice != 0:
		return "device"
	case mode&fs.ModeSocket != 0:
		return "socket"
	}
	return "thing of another kind"
}

func (f Folder) find(name string) (string, error) {
	if err := checkPath(name); err != nil {
		return "", err
	}
	at := f.Root
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parent := at
		at = filepath.Join(at, part)
		info, err := os.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("%w%s", ErrNotFound, near(list(parent), part))
		}
		if err != nil {
			return "", err
		}
		e := entry{mode: modeOf(at, info), name: part}
		if err := e.check(strings.Join(parts[:i+1], "/"), i == len(parts)-1); err != nil {
			return "", err
		}
	}
	return at, nil
}

// modeOf is the mode that git would store. A folder with a .git of its own is a
// submodule, or will be taken for one.
func modeOf(at string, info fs.FileInfo) mode {
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return modeSymlink
	case !info.IsDir():
		return "100644"
	}
	if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
		return modeSubmodule
	}
	return modeTree
}

func list(dir string) []entry {
	found, err := os.ReadDir(dir)
	if err != nil {
		return nil // it is only looked through for a hint
	}
	entries := make([]entry, len(found))
	for i, d := range found {
		entries[i].name = d.Name()
	}
	return entries
}
