package hostile_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// mountSmall mounts a file system of so many MiB.
func mountSmall(t *testing.T, mib int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("fiord-test", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", mib)); err != nil {
		missing(t, fmt.Sprintf("no file system can be mounted here: %v", err))
	}
	t.Cleanup(func() { _ = exec.Command("umount", "--lazy", dir).Run() })
	return dir
}

// jobOfSpace is a job file that would take more of a file system than there is,
// or that looks as if.
type jobOfSpace struct {
	name, job string
	times     int    // it runs, $N being another name each time
	says      string // in the refusal, of the last run at the latest; empty for a job that fits
}

// hungry are four of each kind that once filled its file system. There is room
// for 50 MiB.
func hungry() []jobOfSpace {
	many := func(option string) string { return "[x]\n" + option + "\nrw=write\nbs=64k\nfallocate=none\n" }
	names, sections := "f1", "[global]\nrw=write\nsize=10m\n"
	for i := range 30 {
		names += fmt.Sprintf(":f%d", i+2)
		sections += fmt.Sprintf("[s%d]\n", i)
	}
	grows := "rw=randread\nbs=512\nsize=1m\ntime_based\nruntime=120\nwrite_iolog=trace.log\n"
	const floor = "min_free"
	return []jobOfSpace{
		{"thirty names", many("filename=" + names + "\nfilesize=10m"), 1, floor},
		{"thirty files", many("nrfiles=30\nfilesize=10m\nsize=300m"), 1, floor},
		{"thirty copies", many("numjobs=30\nsize=10m"), 1, floor},
		{"thirty sections", sections, 1, floor},
		{"appended", many("filename=a.bin\nsize=20m\nfile_append=1"), 5, floor},
		{"appended by copies", many("filename=b.bin\nsize=20m\nfile_append=1\nnumjobs=5"), 1, floor},
		{"of other names", many("filename=$N\nsize=20m"), 5, floor},
		{"appended beside", many("directory=.\nfilename=c.bin\nsize=100m\nfile_append=1"), 1, floor},
		{"a trace", "[x]\nfilename=d.bin\n" + grows + "numjobs=2\n", 1, floor},
		{"a trace by threads", "[x]\nfilename=d.bin\n" + grows + "thread\nnumjobs=3\n", 1, floor},
		{"a trace of writes", "[x]\nfilename=d.bin\n" + strings.Replace(grows, "randread", "randwrite", 1), 1, floor},
		{"a trace without I/O", "[x]\nioengine=null\n" + grows, 1, floor},
	}
}

// modest are four of each kind that were once refused for many times what they
// write.
func modest() []jobOfSpace {
	const shared = "size=20m\nbs=4k\nrate_iops=10\ntime_based\nruntime=1\n"
	four := func(global, each string) string {
		s := "[global]\n" + shared + global
		for _, name := range []string{"a", "b", "c", "d"} {
			s += "[" + name + "]\nrw=randwrite\n" + each
		}
		return s
	}
	const two = "[global]\nsize=30m\nrw=write\nioengine=sync\nbs=4k\nrate_iops=10\ntime_based\nruntime=1\n"
	return []jobOfSpace{
		{"one file, four sections after each other", four("filename=t\n", "stonewall\n"), 1, ""},
		{"one file, four sections by a format", four("filename_format=t.$filenum\n", "stonewall\n"), 1, ""},
		{"one file, four names for its folder", four("filename=t\n", "stonewall\ndirectory=./.\n"), 1, ""},
		{"two files, four sections", four("filename=t1:t2\n", "stonewall\n"), 1, ""},
		{"one file, two sections at once", two + "filename=u\n[a]\n[b]\n", 1, ""},
		{"one file, two copies", two + "filename=u\nnumjobs=2\n[a]\n", 1, ""},
		{"one file, two threads", two + "filename=u\nthread\n[a]\n[b]\n", 1, ""},
		{"one file, written and read", two + "filename=u\n[a]\n[b]\nrw=read\n", 1, ""},
	}
}

// The floor holds, whatever comes of the jobs. It takes most of a minute: some thirty
// benches, each through all services.
func TestJobsThatWouldFillAFileSystemDoNot(t *testing.T) {
	const floor = 100 << 20
	small := mountSmall(t, 150)
	f := startFiord(t, t.TempDir(), "--bench.directories="+small, "--bench.min_free=100MiB", "--bench.leftovers=keep")
	for _, tt := range append(hungry(), modest()...) {
		t.Run(tt.name, func(t *testing.T) {
			empty(t, small)
			out, err := tt.run(t, f)
			if tt.says == "" && err != nil || tt.says != "" && (err == nil || !strings.Contains(out, tt.says)) {
				t.Errorf("%v, want %q:\n%s", err, tt.says, out)
			}
			var st syscall.Statfs_t
			if err := syscall.Statfs(small, &st); err != nil || st.Bfree*uint64(st.Bsize) < floor*9/10 { //nolint:gosec // a size
				t.Errorf("%d bytes are left, %v", st.Bfree*uint64(st.Bsize), err) //nolint:gosec // a size
			}
		})
	}
}

// run runs the job as often as it says, or until it is refused as it must be.
func (j jobOfSpace) run(t *testing.T, f *fiord) (out string, err error) {
	t.Helper()
	for i := range j.times {
		file := filepath.Join(t.TempDir(), "x.fio")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(j.job, "$N", fmt.Sprintf("name%d", i))), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err = f.run("run", file); err != nil && strings.Contains(out, j.says) {
			return out, err
		}
	}
	return out, err
}

func empty(t *testing.T, dir string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	for _, e := range all {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	if err != nil {
		t.Fatal(err)
	}
}
