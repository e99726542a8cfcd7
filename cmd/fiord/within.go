package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fiord-bench/fiord/services/ingest/lint"
)

// includes opens the files that a job file includes; they are stored in its
// place, so that the worker needs nothing else. A job file of
// somebody else must not bring in what lies outside its repository, by no path and no
// link.
func includes(jobFile string) lint.Open {
	return func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(jobFile), name)
		}
		root := repositoryOf(jobFile)
		if root == "" {
			root = filepath.Dir(jobFile)
		}
		return readWithin(root, name)
	}
}

// repositoryOf is the nearest folder around a file that holds a .git; "" for a
// file in no repository.
func repositoryOf(file string) string {
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return ""
	}
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// readWithin reads a file that lies below root and follows no link out of it. An
// empty root, for a file that the person names, is no limit.
func readWithin(root, file string) ([]byte, error) {
	if root == "" {
		return os.ReadFile(file) //nolint:gosec // the person names the file
	}
	root, errRoot := filepath.Abs(root)
	file, errFile := filepath.Abs(file)
	if err := errors.Join(errRoot, errFile); err != nil {
		return nil, err
	}
	name, err := filepath.Rel(root, file)
	if err != nil || !filepath.IsLocal(name) {
		return nil, fmt.Errorf("%s is outside of %s: copy it there", file, root)
	}
	within, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer within.Close() //nolint:errcheck // only read
	text, err := within.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w (links that lead out of %s are not followed)", err, root)
	}
	return text, err
}
