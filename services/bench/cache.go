package bench

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/fiord-bench/fiord/events"
)

// dropFile is where Linux is told to forget its clean pages, and what to write.
const (
	dropFile = "/proc/sys/vm/drop_caches"
	dropAll  = "3\n" // pages, dentries and inodes
)

// insteadOfDrop is what does nearly the same without any right.
const insteadOfDrop = "invalidate=1, which is fio's default, drops a file's own pages before it is measured, and direct=1 goes past the cache"

// mayDrop says why this worker cannot empty the page cache for a bench that
// wants it to; nil if it can, or need not.
func (s *Service) mayDrop(m *events.Measure) error {
	switch {
	case m == nil || !m.DropCaches:
		return nil
	case !s.cfg.DropCaches:
		return &unoffered{"measure.drop_caches", "it slows down everything on the host, and its owner does not allow that (bench.drop_caches); " + insteadOfDrop}
	case s.remote:
		return &unoffered{"measure.drop_caches", "the engine runs on another host; " + insteadOfDrop}
	}
	if err := unix.Access(dropFile, unix.W_OK); err != nil {
		return &unoffered{"measure.drop_caches", fmt.Sprintf("it may not write %s (%v): run the worker as root, outside of containers; %s", dropFile, err, insteadOfDrop)}
	}
	return nil
}

// dropCaches empties the page cache before a sample. Dirty pages are written
// first, or they would stay.
func (r *run) dropCaches() error {
	if r.list.Measure == nil || !r.list.Measure.DropCaches {
		return nil
	}
	unix.Sync()
	if err := os.WriteFile(dropFile, []byte(dropAll), 0o200); err != nil { //nolint:gosec // the kernel's own
		return fmt.Errorf("drop caches: %w", err)
	}
	r.prepared = append(r.prepared, "page cache dropped")
	return nil
}
