package bench

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

// turnstile lets the worker's own runs share the host's measurement gate. The
// first takes it, the last gives it back; runs on disjoint disks may overlap
// only when the owner has raised the capacity.
type turnstile struct {
	gate *gate.Gate

	mu      sync.Mutex
	inside  int
	release func()
	entry   chan struct{} // held by who is passing the gate
}

func newTurnstile(g *gate.Gate) *turnstile {
	return &turnstile{gate: g, entry: make(chan struct{}, 1)}
}

// enter passes the gate. leave may be called once.
func (t *turnstile) enter(ctx context.Context) (leave func(), err error) {
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

func (t *turnstile) leave() {
	// While somebody passes, the count may be about to rise: wait, so that the
	// gate is given back by the last one only.
	t.entry <- struct{}{}
	defer func() { <-t.entry }()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.inside--; t.inside == 0 {
		t.release()
	}
}

// lockPoll is how often a disk that somebody else measures is tried again.
const lockPoll = 100 * time.Millisecond

// lockDisks locks disks by kernel name, in order, so that two who want the
// same ones never wait for each other. The locks are on open files: fio, if it
// is a child, inherits them, and they last as long as any process of it does.
func (s *Service) lockDisks(ctx context.Context, disks []string) (held []*os.File, err error) {
	dir := filepath.Join(s.cfg.StateDir, "locks")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("lock disks: %w", err)
	}
	for _, disk := range slices.Sorted(slices.Values(disks)) {
		f, err := lockFile(ctx, filepath.Join(dir, filepath.Base(disk)))
		if err != nil {
			unlock(held)
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

// unlock closes the worker's copies; a lock ends when fio has closed its own.
func unlock(held []*os.File) {
	for _, f := range held {
		_ = f.Close() // nothing was written
	}
}
