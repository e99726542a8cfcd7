package dropin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/host/block"
	"github.com/fiord-bench/fiord/internal/fetch"
)

// download fetches the remote files into memory: nothing is deleted before all
// of them are there. Plain http is taken, as it always was.
func download(ctx context.Context, list []remote, private bool) (map[string][]byte, error) {
	client := fetch.New(fetch.Config{AllowHTTP: true, AllowPrivate: private})
	out := map[string][]byte{}
	for _, r := range list {
		content, err := client.Get(ctx, r.URL)
		if err != nil {
			if errors.Is(err, fetch.ErrRefused) && !private {
				err = fmt.Errorf("%w (%s=yes allows private addresses)", err, varPrivate)
			}
			return nil, fmt.Errorf("download %s: %w", r.URL, err)
		}
		out[r.Name] = content.Bytes
	}
	return out, nil
}

// clear empties the data folder but for the files to keep, job files at its top
// unless all is to go, what is hidden, and anything that something else is
// mounted on or below: that is not ours to delete. It returns what it left for
// that reason.
func clear(data string, keep []string, all bool, mounts []block.Mount) (left []string, err error) {
	entries, err := os.ReadDir(data)
	if err != nil {
		return nil, fmt.Errorf("clear %s: %w", data, err)
	}
	for _, e := range entries {
		at := filepath.Join(data, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."), e.Name() == "lost+found":
			continue
		case !all && !e.IsDir() && filepath.Ext(e.Name()) == ".fio":
			continue
		case slices.ContainsFunc(mounts, func(m block.Mount) bool { return below(m.Point, at) }):
			left = append(left, at)
			continue
		}
		if err := remove(at, keep); err != nil {
			return left, fmt.Errorf("clear %s: %w", data, err)
		}
	}
	return left, nil
}

// remove deletes a file, or a folder but for what is kept in it.
func remove(at string, keep []string) error {
	if slices.Contains(keep, at) {
		return nil
	}
	if !slices.ContainsFunc(keep, func(k string) bool { return below(k, at) }) {
		return os.RemoveAll(at) // which follows no links
	}
	entries, err := os.ReadDir(at)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := remove(filepath.Join(at, e.Name()), keep); err != nil {
			return err
		}
	}
	return nil
}

// below tells whether a path is another or lies under it.
func below(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}

// fill writes the downloaded files into the data folder.
func fill(data string, files map[string][]byte) error {
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(data, name), content, 0o644); err != nil { //nolint:gosec // others read the volume
			return fmt.Errorf("keep downloaded file: %w", err)
		}
	}
	return nil
}
