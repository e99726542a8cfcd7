package supervise

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// WriteDeadline puts a deadline into its file, replacing it whole. It is in
// nanoseconds of CLOCK_BOOTTIME.
func WriteDeadline(path string, at time.Duration) error {
	next := filepath.Join(filepath.Dir(path), "."+filepath.Base(path))
	text := strconv.FormatInt(int64(at), 10) + "\n"
	// Read as fio's user, whatever this process's mask is; its folder is closed to others.
	err := errors.Join(os.WriteFile(next, []byte(text), 0o600), os.Chmod(next, 0o644)) //nolint:gosec // as said
	if err != nil {
		return fmt.Errorf("write deadline: %w", err)
	}
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("write deadline: %w", err)
	}
	return nil
}

// left is how far ahead the deadline is.
func left(path string) (time.Duration, error) {
	text, err := os.ReadFile(path) //nolint:gosec // a path that the worker passed
	if err != nil {
		return 0, fmt.Errorf("read deadline: %w", err)
	}
	at, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read deadline: %w", err)
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return 0, fmt.Errorf("read clock: %w", err)
	}
	return time.Duration(at - now.Nano()), nil
}
