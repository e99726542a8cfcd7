package gate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// retry is after how long a waiter tries again though nothing woke it: some
// network file systems report no release on another host.
const retry = time.Second

// A watcher wakes when somebody closes the file it watches. The kernel closes
// the files of a process that dies, so that wakes it too.
type watcher struct{ events *os.File }

func watch(name string) (*watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", name, err)
	}
	events := os.NewFile(uintptr(fd), "inotify") //nolint:gosec // a descriptor fits
	if _, err := unix.InotifyAddWatch(fd, name, unix.IN_CLOSE); err != nil {
		return nil, errors.Join(fmt.Errorf("watch %s: %w", name, err), events.Close())
	}
	return &watcher{events}, nil
}

// wait sleeps until a close, ctx's end or the retry time.
func (w *watcher) wait(ctx context.Context, retry time.Duration) error {
	if err := w.events.SetReadDeadline(time.Now().Add(retry)); err != nil {
		return fmt.Errorf("watch gate: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = w.events.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var buffer [4096]byte
	_, err := w.events.Read(buffer[:])
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("watch gate: %w", err)
	}
	return nil
}

func (w *watcher) close() { _ = w.events.Close() }
