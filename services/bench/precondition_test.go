package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/result"
	"github.com/fiord-bench/fiord/services/bench/outcome"
)

func TestWhatIsMeasuredIsFilledBeforeTheFirstSample(t *testing.T) {
	w := newWorld(t)
	w.start(w.config("host-1"))
	read := "[r]\nrw=randread\nbs=4k\nsize=4m\ntime_based\nruntime=1\nrate_iops=200\n"
	list := w.request(bench{host: "host-1", jobs: []string{read, read}, change: func(l *events.RunList) {
		l.Measure = &events.Measure{Precondition: true, Passes: 2}
	}})
	first := ended[events.RunCompleted](t, w.end(list.Runs[0]))
	out, err := result.Parse([]byte(w.read(first.Artifacts, outcome.PreconditionFile)))
	if err != nil {
		t.Fatal(err)
	}
	if wrote := out.Summary().Write; wrote == nil || wrote.Bytes != 2*4<<20 {
		t.Errorf("preconditioning wrote %+v, want 4 MiB twice", wrote)
	}
	if first.Summary.Write != nil || first.Summary.Read == nil {
		t.Errorf("preconditioning is in the sample: %+v", first.Summary)
	}
	if !strings.Contains(w.read(first.Artifacts, outcome.ResultFile), "preconditioned in") || !strings.Contains(w.read(first.Artifacts, outcome.PreconditionJob), "rw=write") {
		t.Error("it is not told what was done before")
	}
	for _, a := range ended[events.RunCompleted](t, w.end(list.Runs[1])).Artifacts {
		if a.Name == outcome.PreconditionFile {
			t.Error("the second repeat was preconditioned again")
		}
	}
}

func TestAFillThatFailsFailsTheRun(t *testing.T) {
	w := newWorld(t)
	cfg := w.config("host-1")
	w.start(cfg)
	if err := os.MkdirAll(filepath.Join(w.data, "taken"), 0o750); err != nil {
		t.Fatal(err)
	}
	list := w.request(bench{host: "host-1", jobs: []string{"[r]\nrw=read\nsize=1m\nfilename=taken\n"}, change: func(l *events.RunList) {
		l.Measure = &events.Measure{Precondition: true}
	}})
	switch d := w.end(list.Runs[0]).Data.(type) {
	case events.RunFailed:
		if !strings.Contains(d.Reason, "precondition: ") {
			t.Errorf("%+v", d)
		}
	case events.RunRejected: // a directory is no file to write
	default:
		t.Errorf("ended with %T", d)
	}
}

// resident tells how many of a file's pages are in the cache.
func resident(t *testing.T, path string) int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	m, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(m) }()
	pages := make([]byte, (len(m)+os.Getpagesize()-1)/os.Getpagesize())
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&m[0])), uintptr(len(m)), uintptr(unsafe.Pointer(&pages[0]))); errno != 0 {
		t.Fatal(errno)
	}
	n := 0
	for _, p := range pages {
		n += int(p & 1)
	}
	return n
}

func TestTheCacheIsEmptiedBeforeASample(t *testing.T) {
	if err := unix.Access("/proc/sys/vm/drop_caches", unix.W_OK); err != nil {
		t.Skipf("drop_caches: %v: it takes root", err)
	}
	w := newWorld(t)
	cfg := w.config("host-1")
	cfg.DropCaches = true
	w.start(cfg)
	path := filepath.Join(t.TempDir(), "cached")
	if err := os.WriteFile(path, make([]byte, 8<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	before := resident(t, path)
	list := w.request(bench{host: "host-1", jobs: []string{timedJob}, change: func(l *events.RunList) {
		l.Measure = &events.Measure{DropCaches: true}
	}})
	done := ended[events.RunCompleted](t, w.end(list.Runs[0]))
	if after := resident(t, path); before < 1000 || after > before/10 {
		t.Errorf("%d pages of another file were cached before, %d after", before, after)
	}
	if !strings.Contains(w.read(done.Artifacts, outcome.ResultFile), "page cache dropped") {
		t.Error("it is not told that the cache was emptied")
	}
}

func TestTheCacheOfAnOwnerWhoDoesNotAllowItStays(t *testing.T) {
	w := newWorld(t)
	w.start(w.config("host-1"))
	list := w.request(bench{host: "host-1", jobs: []string{timedJob}, change: func(l *events.RunList) {
		l.Measure = &events.Measure{DropCaches: true}
	}})
	d := ended[events.RunRejected](t, w.end(list.Runs[0]))
	if d.Problems[0].Option != "measure.drop_caches" || !strings.Contains(d.Problems[0].Message, "invalidate=1") {
		t.Errorf("%+v", d.Problems)
	}
}
