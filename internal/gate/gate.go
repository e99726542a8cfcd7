// Package gate is a host's measurement gate: while fio measures, nothing else
// of fiord works on the host.
//
// A measurement passes the gate alone, renderers pass it together. The gate is
// a pair of locked files, so it holds between processes as well as between
// goroutines, and a process that dies lets go at once, however it dies.
//
// A renderer never passes a measurement that waits: it only waits for the
// renderers that were under way when it came. Whoever waits sleeps until a
// holder lets go.
//
// Whoever can open the files can hold up all measuring. So they are for their
// user alone, unless whoever made them lets a group write them (mode 0660), as
// for programs of different users on one host.
package gate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Gate is one host's gate. It holds nothing open while nobody passes. A nil
// Gate lets everybody through, for hosts that have no other work.
type Gate struct {
	hold string // locked alone by a measurement, together by renderers
	turn string // locked by a measurement that waits; renderers queue behind it

	retry time.Duration // after it, a waiter tries again though nothing woke it
}

// Open returns the gate that lives in the file at path and in path.turn, which
// it makes if they are missing. All of a host's programs name the same path;
// the empty one returns the nil Gate.
func Open(path string) (*Gate, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // the nil Gate is documented to work
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open gate: %w", err)
	}
	g := &Gate{hold: path, turn: path + ".turn", retry: retry}
	for _, name := range []string{g.hold, g.turn} {
		f, err := open(name)
		if err != nil {
			return nil, fmt.Errorf("open gate: %w", err)
		}
		if err := f.Close(); err != nil {
			return nil, fmt.Errorf("open gate: %w", err)
		}
	}
	return g, nil
}

// Measure waits until nobody renders or measures and passes the gate alone.
// release lets the next one through; it may be called again. The error is
// ctx's, or that of the file system.
func (g *Gate) Measure(ctx context.Context) (release func(), err error) {
	if g == nil {
		return func() {}, nil
	}
	turn, err := g.lock(ctx, g.turn, unix.LOCK_EX)
	if err != nil {
		return nil, fmt.Errorf("wait to measure: %w", err)
	}
	defer unlock(turn)
	hold, err := g.lock(ctx, g.hold, unix.LOCK_EX)
	if err != nil {
		return nil, fmt.Errorf("wait to measure: %w", err)
	}
	return releaser(hold), nil
}

// Render waits until nobody measures or waits to, and passes the gate together
// with other renderers. Hold it for one rendering at a time, since a
// measurement waits for its release.
func (g *Gate) Render(ctx context.Context) (release func(), err error) {
	if g == nil {
		return func() {}, nil
	}
	turn, err := g.lock(ctx, g.turn, unix.LOCK_SH)
	if err != nil {
		return nil, fmt.Errorf("wait to render: %w", err)
	}
	// Passing the turn on before the hold is had would let a measurement slip
	// in between, which is welcome: renderers yield.
	unlock(turn)
	hold, err := g.lock(ctx, g.hold, unix.LOCK_SH)
	if err != nil {
		return nil, fmt.Errorf("wait to render: %w", err)
	}
	return releaser(hold), nil
}

func releaser(f *os.File) func() {
	var once sync.Once
	return func() { once.Do(func() { unlock(f) }) }
}

// lock waits for the lock on the file called name.
func (g *Gate) lock(ctx context.Context, name string, how int) (*os.File, error) {
	f, err := open(name)
	if err != nil {
		return nil, err
	}
	if err := g.acquire(ctx, f, name, how); err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}
	return f, nil
}

func (g *Gate) acquire(ctx context.Context, f *os.File, name string, how int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if got, err := try(f, how); got || err != nil {
		return err
	}
	// The watch begins before the next try, so that no release is missed.
	w, err := watch(name)
	if err != nil {
		return err
	}
	defer w.close()
	for {
		if got, err := try(f, how); got || err != nil {
			return err
		}
		if err := w.wait(ctx, g.retry); err != nil {
			return err
		}
	}
}

// try locks f if that is possible now.
func try(f *os.File, how int) (bool, error) {
	for {
		err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB) //nolint:gosec // a descriptor fits
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, unix.EINTR):
			return false, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
	}
}

// unlock closes the file, which frees the lock and wakes who waits for it.
func unlock(f *os.File) { _ = f.Close() }
