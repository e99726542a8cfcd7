package measure

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/fiord-bench/fiord/events"
)

// dropFile makes Linux drop its clean pages when dropAll is written to it.
const (
	dropFile = "/proc/sys/vm/drop_caches"
	dropAll  = "3\n" // pages, dentries and inodes
)

// insteadOfDrop is what does nearly the same without any right.
const insteadOfDrop = "invalidate=1, which is fio's default, drops a file's own pages before it is measured, and direct=1 goes past the cache"

// MayDrop returns why a worker cannot empty the page cache for a bench that
// wants it to; nil if it can, or need not. allowed is the setting of the host's
// owner; remote says that fio runs on another host.
func MayDrop(m *events.Measure, allowed, remote bool) error {
	switch {
	case m == nil || !m.DropCaches:
		return nil
	case !allowed:
		return &Unoffered{"measure.drop_caches", "it slows down everything on the host, and its owner does not allow that (bench.drop_caches); " + insteadOfDrop}
	case remote:
		return &Unoffered{"measure.drop_caches", "the engine runs on another host; " + insteadOfDrop}
	}
	if err := unix.Access(dropFile, unix.W_OK); err != nil {
		return &Unoffered{"measure.drop_caches", fmt.Sprintf("it may not write %s (%v): run the worker as root, outside of containers; %s", dropFile, err, insteadOfDrop)}
	}
	return nil
}

// DropCaches empties the page cache. Dirty pages are written first, or they would
// stay.
func DropCaches() error {
	unix.Sync()
	if err := os.WriteFile(dropFile, []byte(dropAll), 0o200); err != nil { //nolint:gosec // the kernel's own
		return fmt.Errorf("drop caches: %w", err)
	}
	return nil
}
