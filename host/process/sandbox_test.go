package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/host/runner/runnertest"
	"github.com/fiord-bench/fiord/host/sandbox"
)

// Engines and options that reach into the kernel in ways of their own.
func TestFiosEnginesWorkInTheSandbox(t *testing.T) {
	r := newRunner(t, "engines")
	for name, job := range map[string]string{
		"sync": "ioengine=sync", "psync": "ioengine=psync", "vsync": "ioengine=vsync", "pvsync": "ioengine=pvsync", "pvsync2": "ioengine=pvsync2",
		"libaio": "ioengine=libaio\niodepth=8\ndirect=1", "posixaio": "ioengine=posixaio\niodepth=4", "mmap": "ioengine=mmap",
		"io_uring": "ioengine=io_uring\niodepth=8", "io_uring, fixed": "ioengine=io_uring\niodepth=8\nfixedbufs\nregisterfiles\nhipri=0",
		"io_uring, polled": "ioengine=io_uring\niodepth=4\nsqthread_poll", "splice": "ioengine=splice", "null": "ioengine=null",
		"cpuio": "ioengine=cpuio\ncpuload=10\ntime_based\nruntime=1", "ftruncate": "ioengine=ftruncate", "falloc": "ioengine=falloc",
		"filecreate": "ioengine=filecreate\nfilesize=4k\nnrfiles=4\ncreate_on_open=1\nopenfiles=1",
		"threads":    "thread\nnumjobs=2", "copies": "numjobs=3\ngroup_reporting", "shared memory": "mem=shm", "mapped memory": "mem=mmapshared",
		"verify": "verify=crc32c\nverify_backlog=16", "fsync": "fsync=4\nfdatasync=8\nsync_file_range=write:8", "unlinked": "unlink=1\noverwrite=1",
		"rate": "rate_iops=2000\nrate_process=poisson", "cpus": "cpus_allowed=0", "memory policy": "numa_mem_policy=local", "nice": "nice=5\nprioclass=2\nprio=4",
		"invalidated": "invalidate=1\nfadvise_hint=1\npre_read=1", "laid out": "fallocate=posix\nrefill_buffers",
	} {
		t.Run(name, func(t *testing.T) {
			rw := "randrw"
			if name == "filecreate" || name == "verify" || name == "splice" || name == "ftruncate" || name == "falloc" {
				rw = "write"
			}
			inv := runnertest.Job(t, "engine", fmt.Sprintf("[a]\nrw=%s\nsize=256k\nbs=4k\n%s\nwrite_lat_log=%s/x\n", rw, job, "${LOGS}"))
			inv.Env = []string{"LOGS=" + filepath.Join(inv.Dir, runner.LogDir)}
			exit := runnertest.Wait(t.Context(), t, runnertest.Start(t, r, inv))
			if !exit.OK() {
				t.Errorf("exit %+v: %s", exit, runnertest.Read(t, inv, runner.StderrFile)+runnertest.Read(t, inv, runner.OutputFile))
			}
		})
	}
}

// What the guard refuses before fio starts is refused to fio itself as well, by
// name: each of these got past a guard that is not there.
func TestFioWritesNothingThatItWasNotGiven(t *testing.T) {
	r := newRunner(t, "walls")
	for name, job := range map[string]string{
		"a file elsewhere":        "filename=%s/kept\nrw=write\nsize=4k\noverwrite=1",
		"a new file elsewhere":    "filename=%s/new\nrw=write\nsize=4k",
		"a folder elsewhere":      "directory=%s\nrw=write\nsize=4k",
		"reading a file":          "filename=%s/kept\nrw=read\nsize=4",
		"a log elsewhere":         "ioengine=null\nrw=read\nsize=4k\nwrite_bw_log=%s/log",
		"a trace elsewhere":       "filename=t\nrw=write\nsize=4k\nwrite_iolog=%s/trace",
		"a command":               "ioengine=null\nrw=read\nsize=4k\nexec_prerun=touch %s/ran",
		"removing a file":         "filename=%s/kept\nrw=read\nsize=4\nunlink=1",
		"truncating by an engine": "filename=%s/kept\nioengine=ftruncate\nrw=write\nsize=1",
		"a device":                "filename=/dev/vda:/dev/sda\nrw=read\nsize=4k",
	} {
		t.Run(name, func(t *testing.T) {
			out := t.TempDir()
			kept := filepath.Join(out, "kept")
			if err := errors.Join(os.Chmod(out, 0o777), os.WriteFile(kept, []byte("kept"), 0o666), os.Chmod(kept, 0o666)); err != nil { //nolint:gosec // anybody may: the sandbox alone keeps fio out
				t.Fatal(err)
			}
			if strings.Contains(job, "%s") {
				job = fmt.Sprintf(job, out)
			}
			inv := runnertest.Job(t, "walls", "[a]\n"+job+"\n")
			inv.WorkDir = inv.Mounts[0].Path
			// fio takes some of this for a warning: what counts is what there is.
			_ = runnertest.Wait(t.Context(), t, runnertest.Start(t, r, inv))
			if text, err := os.ReadFile(kept); err != nil || string(text) != "kept" {
				t.Errorf("the file elsewhere: %q, %v", text, err)
			}
			if entries, err := os.ReadDir(out); err != nil || len(entries) != 1 {
				t.Errorf("the folder elsewhere: %v, %v", entries, err)
			}
		})
	}
}

func TestFioIsNotRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root has another account to give")
	}
	r := newRunner(t, "account")
	inv := runnertest.Job(t, "account", longJob)
	old := filepath.Join(inv.WorkDir, "laid-out")
	if err := errors.Join(os.WriteFile(old, nil, 0o600), os.Symlink("/etc/passwd", filepath.Join(inv.WorkDir, "link"))); err != nil {
		t.Fatal(err)
	}
	p := runnertest.Start(t, r, inv)
	untilProgress(t, inv)
	pids, err := p.(*fio).rest().pids()
	if err != nil || len(pids) < 2 {
		t.Fatalf("%v, %v", pids, err)
	}
	for _, pid := range pids {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"Uid:\t65530\t65530\t65530\t65530", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} {
			if !strings.Contains(string(status), line) {
				t.Errorf("process %d: no %q in %s", pid, line, status)
			}
		}
	}
	for path, want := range map[string]uint32{inv.WorkDir: 65530, old: 65530, "/etc/passwd": 0} {
		var st syscall.Stat_t
		if err := syscall.Stat(path, &st); err != nil || st.Uid != want {
			t.Errorf("%s belongs to %d, %v", path, st.Uid, err)
		}
	}
}

func TestWhatTheKernelLacksIsReported(t *testing.T) {
	d, err := newRunner(t, "described").Describe(t.Context())
	if err != nil || d.Sandbox == nil || len(d.Sandbox.Layers) == 0 {
		t.Fatalf("%+v, %v", d, err)
	}
	f := sandbox.Features{Landlock: 2}
	if got := strings.Join(append(f.Missing(), f.Gaps()...), ", "); !strings.Contains(got, "seccomp") || !strings.Contains(got, "truncating files (Landlock 3)") {
		t.Error(got)
	}
	if got := (sandbox.Features{Seccomp: true}).Missing(); len(got) != 1 || got[0] != sandbox.LayerLandlock {
		t.Error(got)
	}
	off, err := New("fio", "off", Options{Sandbox: Off})
	if err != nil {
		t.Fatal(err)
	}
	if d, err := off.Describe(t.Context()); err != nil || d.Sandbox == nil || len(d.Sandbox.Layers) > 0 || len(d.Sandbox.Missing) == 0 {
		t.Errorf("%+v, %v", d.Sandbox, err)
	}
}

func TestAccountsAreFoundByNameAndNumber(t *testing.T) {
	for setting, want := range map[string]*sandbox.Account{
		"root": nil, "0": nil, "nobody": {UID: 65534, GID: 65534}, "65534": {UID: 65534, GID: 65534}, "61999": {UID: 61999, GID: 61999},
	} {
		got, err := Account(setting)
		if err != nil || (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%s: %+v, %v", setting, got, err)
		}
	}
	if got, err := Account(""); err != nil || got == nil || got.UID == 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := Account("no such user"); err == nil {
		t.Error("a user that is not there")
	}
}
