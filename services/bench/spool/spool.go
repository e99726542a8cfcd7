package spool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Errors callers act on.
var (
	// ErrFull: the spool holds more than its limit. Ship some of it first.
	ErrFull = errors.New("spool is full")
	// ErrBegun: this attempt's folder exists already.
	ErrBegun = errors.New("attempt has begun before")
)

const (
	begunFile = "begun.json"
	entryFile = "entry.json"
	goneMark  = ".gone"
)

// Spool is a folder of attempts. One worker owns it: see Open.
type Spool struct {
	dir   string
	limit int64
	lock  *os.File

	shipping sync.Mutex // one shipper at a time
}

// Open takes a folder over, creating it if need be, and clears what a crash
// left half removed. It fails when another worker holds the folder. limit is
// in bytes; 0 means none.
func Open(dir string, limit int64) (*Spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make spool: %w", err)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find spool: %w", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	s := &Spool{dir: dir, limit: limit, lock: lock}
	gone, err := filepath.Glob(filepath.Join(dir, "*"+goneMark))
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	for _, g := range gone {
		if err := os.RemoveAll(g); err != nil {
			return nil, errors.Join(fmt.Errorf("clear spool: %w", err), s.Close())
		}
	}
	return s, nil
}

// Close lets another worker take the folder over.
func (s *Spool) Close() error { return s.lock.Close() }

// Dir is the spool's absolute path.
func (s *Spool) Dir() string { return s.dir }

// Used is how many bytes the spool holds.
func (s *Spool) Used() (int64, error) { return Size(s.dir) }

// Check returns ErrFull when nothing may begin.
func (s *Spool) Check() error {
	if s.limit <= 0 {
		return nil
	}
	used, err := s.Used()
	if err != nil {
		return err
	}
	if used > s.limit {
		return fmt.Errorf("%w: %d of %d bytes wait for the store or the bus", ErrFull, used, s.limit)
	}
	return nil
}

// Attempt is one start of fio and its folder.
type Attempt struct {
	Run     string
	Attempt int
	Dir     string

	spool *Spool
}

// Begin makes the folder of an attempt and notes what it is about. about is
// any JSON value; Unfinished gives it back after a crash.
func (s *Spool) Begin(run string, attempt int, about any) (*Attempt, error) {
	if run == "" || strings.ContainsAny(run, "./\x00") {
		return nil, fmt.Errorf("begin attempt: %q is no run id", run)
	}
	if err := s.Check(); err != nil {
		return nil, err
	}
	a := &Attempt{Run: run, Attempt: attempt, spool: s, Dir: filepath.Join(s.dir, run+"."+strconv.Itoa(attempt))}
	switch err := os.Mkdir(a.Dir, 0o700); {
	case errors.Is(err, fs.ErrExist):
		return nil, fmt.Errorf("%w: attempt %d of run %s", ErrBegun, attempt, run)
	case err != nil:
		return nil, fmt.Errorf("begin attempt: %w", err)
	}
	if err := writeSynced(a.Dir, begunFile, about); err != nil {
		return nil, errors.Join(err, os.RemoveAll(a.Dir))
	}
	return a, syncPath(s.dir)
}

// About reads what Begin noted.
func (a *Attempt) About(into any) error { return readJSON(a.Dir, begunFile, into) }

// Size is how many bytes the attempt's files hold.
func (a *Attempt) Size() (int64, error) { return Size(a.Dir) }

// Drop forgets an attempt, committed or not.
func (a *Attempt) Drop() error {
	gone := a.Dir + goneMark
	if err := os.Rename(a.Dir, gone); err != nil {
		return fmt.Errorf("drop attempt: %w", err)
	}
	return errors.Join(os.RemoveAll(gone), syncPath(a.spool.dir))
}

// Commit syncs the named files and writes the entry that ships them. From
// here on the attempt survives everything but the disk.
func (a *Attempt) Commit(e Entry) error {
	e.Run, e.Attempt, e.Committed = a.Run, a.Attempt, time.Now().UTC()
	dirs := map[string]bool{}
	for _, f := range e.Files {
		path := filepath.Join(a.Dir, filepath.FromSlash(f.Name))
		if err := syncPath(path); err != nil {
			return fmt.Errorf("commit attempt: %w", err)
		}
		dirs[filepath.Dir(path)] = true
	}
	for dir := range dirs {
		if err := syncPath(dir); err != nil {
			return fmt.Errorf("commit attempt: %w", err)
		}
	}
	return writeSynced(a.Dir, entryFile, e)
}

// Entry is the end of an attempt, ready to be shipped.
type Entry struct {
	Run       string    `json:"run"`
	Attempt   int       `json:"attempt"`
	Committed time.Time `json:"committed"`
	// Files belong to the end; Name is relative to the attempt's folder.
	Files []File `json:"files"`
	// End is the shipper's own: which terminal to publish, and because of what.
	End json.RawMessage `json:"end"`
}

// File is one file of an entry.
type File struct {
	Name      string `json:"name"`
	MediaType string `json:"media_type"`
	Compress  bool   `json:"compress,omitempty"`
}

// Pending lists committed attempts, oldest first.
func (s *Spool) Pending() ([]Entry, error) {
	attempts, err := s.attempts()
	if err != nil {
		return nil, err
	}
	var out []Entry
	for _, a := range attempts {
		e, committed, err := a.entry()
		if err != nil {
			return nil, err
		}
		if committed {
			out = append(out, e)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Committed.Before(out[j].Committed) })
	return out, nil
}

// Unfinished lists attempts that were begun and not committed.
func (s *Spool) Unfinished() ([]*Attempt, error) {
	attempts, err := s.attempts()
	if err != nil {
		return nil, err
	}
	var out []*Attempt
	for _, a := range attempts {
		if _, committed, err := a.entry(); err != nil {
			return nil, err
		} else if !committed {
			out = append(out, a)
		}
	}
	return out, nil
}

// Holds reports whether a committed attempt of the run waits to be shipped.
func (s *Spool) Holds(run string) (bool, error) {
	pending, err := s.Pending()
	for _, e := range pending {
		if e.Run == run {
			return true, err
		}
	}
	return false, err
}

// Path is where a file of an entry lies.
func (s *Spool) Path(e Entry, f File) string {
	return filepath.Join(s.attempt(e.Run, e.Attempt).Dir, filepath.FromSlash(f.Name))
}

// Ship hands each committed attempt to ship, oldest first, and forgets those
// for which it returns nil. It goes on after an error, because one broken
// entry must not hold the others, and returns all of them joined; but it stops
// when ctx ends.
func (s *Spool) Ship(ctx context.Context, ship func(ctx context.Context, e Entry) error) error {
	s.shipping.Lock()
	defer s.shipping.Unlock()
	pending, err := s.Pending()
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range pending {
		if ctx.Err() != nil {
			return errors.Join(append(errs, ctx.Err())...)
		}
		if err := ship(ctx, e); err != nil {
			errs = append(errs, fmt.Errorf("ship attempt %d of run %s: %w", e.Attempt, e.Run, err))
			continue
		}
		if err := s.attempt(e.Run, e.Attempt).Drop(); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (s *Spool) attempt(run string, attempt int) *Attempt {
	return &Attempt{Run: run, Attempt: attempt, spool: s, Dir: filepath.Join(s.dir, run+"."+strconv.Itoa(attempt))}
}

func (s *Spool) attempts() ([]*Attempt, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("read spool: %w", err)
	}
	var out []*Attempt
	for _, e := range entries {
		run, number, found := strings.Cut(e.Name(), ".")
		attempt, err := strconv.Atoi(number)
		if found && err == nil && e.IsDir() {
			out = append(out, s.attempt(run, attempt))
		}
	}
	return out, nil
}

func (a *Attempt) entry() (Entry, bool, error) {
	var e Entry
	err := readJSON(a.Dir, entryFile, &e)
	if errors.Is(err, fs.ErrNotExist) {
		return e, false, nil
	}
	return e, err == nil, err
}
