// Package locks keeps what is measured on one host apart: by the measurement
// gate, and by a lock for each disk.
package locks

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fiord-bench/fiord/internal/gate"
)

// Turnstile lets the worker's own runs share the host's measurement gate. The
// first takes it, the last gives it back; runs on disjoint disks may overlap
// only when the owner has raised the capacity.
type Turnstile struct {
	gate *gate.Gate

	mu      sync.Mutex
	inside  int
	release func()
	entry   chan struct{} // held by who is passing the gate
}

// NewTurnstile returns one that nothing has passed.
func NewTurnstile(g *gate.Gate) *Turnstile {
	return &Turnstile{gate: g, entry: make(chan struct{}, 1)}
}

// Enter passes the gate. leave may be called once.
func (t *Turnstile) Enter(ctx context.Context) (leave func(), err error) {
	select {
	case t.entry <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-t.entry }()
	t.mu.Lock()
	first := t.inside == 0
	t.mu.Unlock()
	if first {
		release, err := t.gate.Measure(ctx)
		if err != nil {
			return nil, err
		}
		t.mu.Lock()
		t.release = release
		t.mu.Unlock()
	}
	t.mu.Lock()
	t.inside++
	t.mu.Unlock()
	return t.leave, nil
}

func (t *Turnstile) leave() {
	// While another run passes, the count may be about to rise: wait, so that the
	// gate is given back by the last one only.
	t.entry <- struct{}{}
	defer func() { <-t.entry }()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.inside--; t.inside == 0 {
		t.release()
	}
}

// lockPoll is how often a disk that another run measures is tried again.
const lockPoll = 100 * time.Millisecond

// Disks locks disks by kernel name, with files in dir, in order, so that two who want the
// same ones never wait for each other. The locks are on open files: fio, if it
// is a child, inherits them, and they last as long as any process of it does.
func Disks(ctx context.Context, dir string, disks []string) (held []*os.File, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("lock disks: %w", err)
	}
	for _, disk := range slices.Sorted(slices.Values(disks)) {
		f, err := lockFile(ctx, filepath.Join(dir, filepath.Base(disk)))
		if err != nil {
			Unlock(held)
			return nil, fmt.Errorf("lock disk %s: %w", disk, err)
		}
		held = append(held, f)
	}
	return held, nil
}

func lockFile(ctx context.Context, path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o640) //nolint:gosec // below the worker's own folder
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) //nolint:gosec // a descriptor fits
		if err == nil {
			return f, nil
		}
		if err != unix.EWOULDBLOCK && err != unix.EINTR { //nolint:errorlint // an errno
			_ = f.Close()
			return nil, err
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, ctx.Err()
		case <-time.After(lockPoll):
		}
	}
}

// Unlock closes the worker's copies; a lock ends when fio has closed its own.
func Unlock(held []*os.File) {
	for _, f := range held {
		_ = f.Close() // nothing was written
	}
}
