package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/guard"
	"github.com/fiord-bench/fiord/services/bench/laidout"
)

// small mounts a file system of so many MiB, which jobs may fill.
func small(t *testing.T, mib int) string {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("only root may mount a small file system")
		}
		t.Skip("only root may mount a small file system")
	}
	dir := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("small", dir, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=755", mib)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// A trace of each I/O grows for as long as a job runs, and nothing that could
// be counted says how far.
func TestFioIsEndedBeforeItsFileSystemIsFull(t *testing.T) {
	for _, runner := range []string{"process", "docker"} {
		t.Run(runner, func(t *testing.T) {
			w := newWorld(t)
			w.data = small(t, 80)
			cfg := w.config("small")
			cfg.MinFree = 40 << 20
			if runner == "docker" {
				cfg.Runner, cfg.Docker.Image = "docker", testImage()
				w.runnerOf(cfg) // skips without an engine
			}
			text := "[x]\nfilename=a.bin\nsize=1m\nrw=randread\nbs=512\ntime_based\nruntime=120\nwrite_iolog=trace.log\nnumjobs=2\n"
			list := w.request(bench{host: "small", jobs: []string{text}})
			w.start(cfg)
			failed := ended[events.RunFailed](t, w.end(list.Runs[0]))
			if !strings.Contains(failed.Reason, "min_free") || !strings.Contains(failed.Reason, w.data) || !strings.Contains(failed.Reason, "40 MiB must stay free") {
				t.Errorf("reason %q", failed.Reason)
			}
			room, err := guard.RoomOf(w.data)
			if err != nil || room.Bytes < 30<<20 {
				t.Errorf("%d MiB left, %v", room.Bytes>>20, err)
			}
		})
	}
}

// What can be counted is refused before anything is written.
func TestJobsThatWouldFillAFileSystemAreRejected(t *testing.T) {
	w := newWorld(t)
	w.data = small(t, 80)
	cfg := w.config("small")
	cfg.MinFree, cfg.Leftovers = 40<<20, string(laidout.Keep)
	many := "[x]\nfilename=f1:f2:f3:f4:f5:f6:f7:f8:f9\nfilesize=10m\nrw=write\nbs=64k\nfallocate=none\n"
	appended := "[x]\nfilename=a.bin\nsize=15m\nfile_append=1\nrw=write\nbs=64k\nfallocate=none\n"
	shared := "[global]\nfilename=t\nsize=20m\nrw=write\nbs=64k\n[a]\n[b]\nstonewall\n[c]\nstonewall\nrw=randwrite\n"
	list := w.request(bench{host: "small", jobs: []string{many, appended, appended, appended, shared}})
	w.start(cfg)
	for i, fits := range []bool{false, true, true, false, false} {
		end := w.end(list.Runs[i])
		rejected, is := end.Data.(events.RunRejected)
		if is == fits || is && (len(rejected.Problems) != 1 || rejected.Problems[0].Rule != guard.RuleSpace) {
			t.Errorf("run %d: %s %+v", i, end.Type, end.Data)
		}
	}
	if err := os.Remove(filepath.Join(w.data, "a.bin")); err != nil {
		t.Fatal(err)
	}
	list = w.request(bench{host: "small", jobs: []string{shared}})
	ended[events.RunCompleted](t, w.end(list.Runs[0]))
}
