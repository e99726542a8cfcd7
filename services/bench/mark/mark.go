// Package mark is how a worker recognises what it started itself: containers,
// processes and volumes bear its mark. It belongs to the state folder, because the
// spool there is what an earlier worker knew of its runs: neither the host's name
// nor the folder's path tells two fiords on one machine apart, of two users, or of
// two containers that share an engine.
package mark

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/fiord-bench/fiord/events"
)

// File is what holds a state folder's identity.
const File = "identity.json"

// Mark is what a worker puts on what it starts.
type Mark struct {
	// Own is borne by nothing that another state folder's worker started.
	Own string
	// Former marks may be borne by others' as well: that of versions before there
	// was an identity, and those of a folder that this one is a copy of.
	Former []string
}

// identity is the content of File. A copy of it has another inode, and so is no
// identity of the folder it lies in.
type identity struct {
	ID     string   `json:"id"`
	Inode  uint64   `json:"inode"`
	Former []string `json:"former,omitempty"`
}

// Open reads a state folder's mark for a host, and makes one where there is none.
func Open(folder, token string) (Mark, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return Mark{}, fmt.Errorf("open identity: %w", err)
	}
	path := filepath.Join(folder, File)
	is, whole, err := read(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		is, err = establish(path, identity{}, os.Link) // whoever is first has made it
	case err == nil && !whole:
		is, err = establish(path, identity{Former: append(slices.Clone(is.Former), is.ID)}, os.Rename)
	}
	if err != nil {
		return Mark{}, fmt.Errorf("open identity of %s: %w", folder, err)
	}
	m := Mark{Own: token + "-" + is.ID}
	for _, id := range append(is.Former, events.HashID(folder)[:8]) {
		m.Former = append(m.Former, token+"-"+id)
	}
	return m, nil
}

// read returns an identity, and whether it is that of the folder it lies in.
func read(path string) (is identity, whole bool, err error) {
	f, err := os.Open(path) //nolint:gosec // below the worker's own state folder
	if err != nil {
		return is, false, err
	}
	defer func() { _ = f.Close() }()
	if err := json.NewDecoder(f).Decode(&is); err != nil || is.ID == "" {
		return is, false, fmt.Errorf("%s is damaged (%w): remove it once nothing that this worker started runs any more", path, errors.Join(err, errNoID))
	}
	inode, err := inodeOf(f)
	return is, is.Inode == inode, err
}

var errNoID = errors.New("it names no id")

func inodeOf(f *os.File) (uint64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	return st.Ino, nil
}

// establish writes a new identity and puts it in its place. What is there then counts.
func establish(path string, is identity, place func(from, to string) error) (identity, error) {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	is.ID = hex.EncodeToString(id)
	f, err := os.CreateTemp(filepath.Dir(path), File+".*") // mode 0600
	if err != nil {
		return is, err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	if is.Inode, err = inodeOf(f); err == nil {
		err = json.NewEncoder(f).Encode(is)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return is, err
	}
	if err := place(f.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return is, err
	}
	is, _, err = read(path)
	return is, err
}
