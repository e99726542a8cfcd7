package laidout

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// entry is a file or folder that a job made, or may be about to make.
type entry struct {
	identity
	Bench   string    `json:"bench"`
	Used    time.Time `json:"used"`              // last, by a job
	Pending string    `json:"pending,omitempty"` // the run that may make it anew
	Folder  bool      `json:"folder,omitempty"`
}

// Ledger is what a worker remembers; one process at a time has it.
type Ledger struct {
	path   string
	policy Policy

	mu      sync.Mutex
	entries map[string]*entry
	inUse   map[string]map[string]bool // by run
}

// maxEntries bounds what is remembered. Files beyond it stay where they are.
const maxEntries = 200_000

// Open reads a ledger, an empty one if there is no such file. policy is what
// becomes of the files.
func Open(path string, policy Policy) (*Ledger, error) {
	l := &Ledger{path: path, policy: policy, entries: map[string]*entry{}, inUse: map[string]map[string]bool{}}
	text, err := os.ReadFile(path) //nolint:gosec // the worker's own
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read laid-out files: %w", err)
	}
	if err := json.Unmarshal(text, &l.entries); err != nil {
		return nil, fmt.Errorf("read laid-out files in %s: %w (remove it: what jobs laid out before is then kept)", path, err)
	}
	return l, nil
}

// save writes the ledger; the lock is held.
func (l *Ledger) save() error {
	text, err := json.Marshal(l.entries)
	if err == nil {
		err = writeFile(l.path, text)
	}
	if err != nil {
		return fmt.Errorf("write laid-out files: %w", err)
	}
	return nil
}

// Begin notes which of the files that a run may make are not there, with the
// folders above them. Until End they are not removed.
func (l *Ledger) Begin(bench, run string, files []string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	using := map[string]bool{}
	for _, file := range files {
		for path, folder := file, false; path != filepath.Dir(path); path, folder = filepath.Dir(path), true {
			using[path] = true
			id, _, known, err := look(path)
			e := l.entries[path]
			switch {
			case err == nil && e != nil && (e.Pending != "" || known && e.identity == id):
				// A job's, from before or from another run that goes on.
				e.Pending, e.Used, e.Bench = run, time.Now(), bench
			case err == nil:
				delete(l.entries, path)
			case gone(err) && len(l.entries) < maxEntries:
				l.entries[path] = &entry{Bench: bench, Used: time.Now(), Pending: run, Folder: folder}
			}
			if err == nil || !gone(err) {
				break // the folders above are there as well
			}
		}
	}
	l.inUse[run] = using
	return l.save()
}

// End notes what a run has made.
func (l *Ledger) End(run string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.inUse, run)
	l.settle(func(e *entry) bool { return e.Pending == run })
	return l.save()
}

// Settle is End for all runs that a worker began before it was started, but
// for those that still go on.
func (l *Ledger) Settle(except map[string]bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for path, e := range l.entries {
		if except[e.Pending] {
			if l.inUse[e.Pending] == nil {
				l.inUse[e.Pending] = map[string]bool{}
			}
			l.inUse[e.Pending][path] = true
		}
	}
	l.settle(func(e *entry) bool { return !except[e.Pending] })
	return l.save()
}

// settle looks for the files of runs that have ended, and forgets what is gone
// or another owner's.
func (l *Ledger) settle(ended func(*entry) bool) {
	for path, e := range l.entries {
		if !ended(e) {
			continue
		}
		id, _, known, err := look(path)
		switch {
		case err != nil || !known:
			delete(l.entries, path)
		case e.Pending != "":
			e.identity, e.Pending, e.Used = id, "", time.Now()
		case e.identity != id:
			delete(l.entries, path)
		}
	}
}

// File is one that a job laid out and no run uses.
type File struct {
	Path   string
	Bytes  uint64 // that it takes
	Folder bool
	used   time.Time
}

// Idle lists the files on a file system (by its number) that no run uses, but
// for those named, from the one that was used longest ago.
func (l *Ledger) Idle(device uint64, but map[string]bool) []File {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []File
	for path, e := range l.entries {
		if e.Pending != "" || but[path] || l.used(path) || e.Device != device {
			continue
		}
		id, st, known, err := look(path)
		if err != nil || !known || id != e.identity || st.Nlink > 1 && !e.Folder {
			continue // removing it would free nothing
		}
		out = append(out, File{Path: path, Bytes: st.Blocks * 512, Folder: e.Folder, used: e.Used})
	}
	slices.SortFunc(out, func(a, b File) int {
		return cmp.Or(a.used.Compare(b.used), cmp.Compare(len(b.Path), len(a.Path)), strings.Compare(a.Path, b.Path))
	})
	return out
}

// used reports whether a run uses the path; the lock is held.
func (l *Ledger) used(path string) bool {
	for _, using := range l.inUse {
		if using[path] {
			return true
		}
	}
	return false
}

// Remove takes files away that jobs made, if they are still the same and no run
// uses them, and returns which it took away. A folder goes when it is empty.
func (l *Ledger) Remove(paths []string) (removed []string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, path := range paths {
		e := l.entries[path]
		if e == nil || e.Pending != "" || l.used(path) {
			continue
		}
		switch err := remove(path, e.identity); {
		case err == nil:
			removed = append(removed, path)
			delete(l.entries, path)
		case gone(err), errors.Is(err, errNotOurs):
			delete(l.entries, path)
		case e.Folder && errors.Is(err, unix.ENOTEMPTY):
		default:
			errs = append(errs, err)
		}
	}
	return removed, errors.Join(append(errs, l.save())...)
}

// Of lists what the jobs of a bench have made, all benches' if it is "", the
// contents of folders before them.
func (l *Ledger) Of(bench string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	paths := slices.Collect(maps.Keys(l.entries))
	paths = slices.DeleteFunc(paths, func(p string) bool { return bench != "" && l.entries[p].Bench != bench })
	slices.SortFunc(paths, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	return paths
}
