package ingest

import (
	"log/slog"
	"os"
	"sync"
	"time"
)

// reloaded is a value read from a file, and read again when the file changes.
// A version that cannot be read is logged and the last good one stays: a
// mistake while rotating a secret must not lock every forge out.
type reloaded[T any] struct {
	path string
	read func() (T, error)
	log  *slog.Logger

	mu      sync.Mutex
	value   T
	looked  time.Time
	changed time.Time
}

// lookEvery bounds how often the file's time is asked for.
const lookEvery = time.Second

// newReloaded reads the file for the first time; then its error counts.
func newReloaded[T any](path string, log *slog.Logger, read func() (T, error)) (*reloaded[T], error) {
	r := &reloaded[T]{path: path, read: read, log: log, looked: time.Now()}
	r.changed = r.modified()
	var err error
	r.value, err = read()
	return r, err
}

func (r *reloaded[T]) modified() time.Time {
	if r.path == "" {
		return time.Time{}
	}
	info, err := os.Stat(r.path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// Get returns the value that is valid now.
func (r *reloaded[T]) Get() T {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.path == "" || time.Since(r.looked) < lookEvery {
		return r.value
	}
	r.looked = time.Now()
	modified := r.modified()
	if modified.Equal(r.changed) {
		return r.value
	}
	r.changed = modified
	value, err := r.read()
	if err != nil {
		r.log.Error("file changed and cannot be used, the last good version stays", "file", r.path, "error", err)
		return r.value
	}
	r.value = value
	r.log.Info("file read again", "file", r.path)
	return r.value
}
