package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/bench/outcome"
)

// doubt is a way to spoil a run, and what its end must say of that.
type doubt struct {
	check    string
	state    events.IntegrityState
	evidence string
	job      string
	fio      func(t *testing.T) string // program instead of fio, which starts fio
	others   float64
	during   func(t *testing.T)
}

const paced = "ioengine=null\nrw=read\nbs=4k\nsize=1g\ntime_based\nrate_iops=2000\n"

var doubts = map[string]doubt{
	"a job is killed": {
		check: "fio_errors", state: events.IntegrityInvalid, evidence: "got signal=9",
		job:    "[a]\n" + paced + "runtime=4\n[b]\n" + paced + "runtime=4\n",
		during: func(t *testing.T) { kill(t, jobsOf(t, 2)[0], syscall.SIGKILL) },
	},
	"fio complains": {
		check: "noise", state: events.IntegritySuspect, evidence: "fio also said: fio: terminating on signal 15",
		job:    "[a]\n" + paced + "runtime=4\n[b]\n" + paced + "runtime=4\n",
		during: func(t *testing.T) { kill(t, jobsOf(t, 2)[0], syscall.SIGTERM) },
	},
	"the device does not answer for a while": {
		check: "stall", state: events.IntegritySuspect, evidence: "nothing completed for",
		job: "[a]\nthread\n" + paced + "runtime=6\n",
		during: func(t *testing.T) {
			main := fioOf(t)
			time.Sleep(1500 * time.Millisecond)
			kill(t, main, syscall.SIGSTOP)
			time.Sleep(2500 * time.Millisecond)
			kill(t, main, syscall.SIGCONT)
		},
	},
	"a job ends early": {
		check: "short_run", state: events.IntegritySuspect, evidence: "of its 20s",
		job:    "[a]\n" + paced + "runtime=20\n",
		during: func(t *testing.T) { kill(t, jobsOf(t, 1)[0], syscall.SIGTERM) },
	},
	"the rate never settles": {
		check: "not_steady", state: events.IntegritySuspect, evidence: "did not reach its steady state",
		job: "[a]\n" + strings.Replace(paced, "rate_iops=2000\n", "", 1) + "runtime=4\nsteadystate=iops_slope:0.0000001%\nss_dur=2\n",
	},
	"half of a log is lost": {
		check: "log_mismatch", state: events.IntegritySuspect, evidence: "the summary says",
		job: "[a]\n" + paced + "runtime=4\n",
		fio: spoiled(`for f in $(find . -name '*_iops.1.log'); do head -n 4 "$f" >"$f.cut" && mv "$f.cut" "$f"; done`),
	},
	"the report ends in its middle": {
		check: "cut", state: events.IntegrityInvalid, evidence: "middle of a document",
		job: "[a]\n" + paced + "runtime=3\n",
		fio: func(t *testing.T) string {
			return script(t, `case $1 in --version) exec fio --version; esac; fio --status-interval=1 "$@"; code=$?; truncate -s -300 fio.json; exit $code`)
		},
	},
	"the CPUs are busy with something else": {
		check: "busy_neighbour", state: events.IntegritySuspect, evidence: "other processes took",
		job: "[a]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=4\n", others: 20,
		during: func(t *testing.T) {
			for range runtime.NumCPU() {
				busy := exec.Command("sh", "-c", "while :; do :; done")
				if err := busy.Start(); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = busy.Process.Kill(); _ = busy.Wait() })
			}
		},
	},
	"a limit holds fio up": {
		check: "throttled", state: events.IntegritySuspect, evidence: "a limit of CPU time held fio up",
		job: "[a]\nthread\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=3\n", fio: limited,
	},
}

// Every kind of doubt, brought about for real, is told with its evidence where
// people and services look: in the event and in result.json.
func TestEveryDoubtIsToldWithItsEvidence(t *testing.T) {
	for name, d := range doubts {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			cfg := w.config("host-1")
			cfg.Others = d.others
			if d.fio != nil {
				cfg.Fio = d.fio(t)
			}
			w.start(cfg)
			list := w.request(bench{host: "host-1", jobs: []string{d.job}})
			w.started(list.Runs[0])
			if d.during != nil {
				d.during(t)
			}
			w.tells(ended[events.RunCompleted](t, w.end(list.Runs[0])), d)
		})
	}
}

// tells looks for a finding in an end and in the stored result.
func (w *world) tells(done events.RunCompleted, d doubt) {
	w.t.Helper()
	found := false
	for _, f := range done.Integrity.Findings {
		found = found || f.Check == d.check && strings.Contains(f.Evidence, d.evidence)
	}
	if !found || done.Integrity.State != d.state {
		w.t.Errorf("no %s with %q in a run that is %s: %+v", d.check, d.evidence, d.state, done.Integrity)
	}
	var stored struct {
		Integrity events.Integrity `json:"integrity"`
	}
	if err := json.Unmarshal([]byte(w.read(done.Artifacts, outcome.ResultFile)), &stored); err != nil {
		w.t.Fatal(err)
	}
	if diff := cmp.Diff(done.Integrity, stored.Integrity); diff != "" {
		w.t.Errorf("event and %s differ: %s", outcome.ResultFile, diff)
	}
}

// A file system that is mounted with another option is another environment.
func TestARealChangeOfTheEnvironmentIsTold(t *testing.T) {
	w := newWorld(t)
	if err := os.MkdirAll(w.data, 0o755); err != nil {
		t.Fatal(err)
	}
	image := filepath.Join(t.TempDir(), "image")
	if err := exec.Command("sh", "-c", "truncate -s 32M "+image+" && mkfs.ext4 -q "+image+" && mount -o loop "+image+" "+w.data).Run(); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "--lazy", w.data).Run() })
	w.start(w.config("host-1"))
	job := "[a]\nrw=read\nsize=4m\nrate_iops=1000\ntime_based\nruntime=2\n"
	first := w.request(bench{host: "host-1", jobs: []string{job}})
	ended[events.RunCompleted](t, w.end(first.Runs[0]))
	if out, err := exec.Command("mount", "-o", "remount,noatime", w.data).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	second := w.request(bench{host: "host-1", jobs: []string{job}})
	done := ended[events.RunCompleted](t, w.end(second.Runs[0]))
	w.tells(done, doubt{check: "environment_changed", state: events.IntegrityOK, evidence: "target.mount_options: "})
}

// spoiled is fio, followed by a command in the folder of its output.
func spoiled(command string) func(*testing.T) string {
	return func(t *testing.T) string { return script(t, `fio "$@"; code=$?; `+command+`; exit $code`) }
}

// limited puts this process, and with it what it starts, into a control group
// with a part of a CPU.
func limited(t *testing.T) string {
	const at = "/sys/fs/cgroup/cpu"
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	was := regexp.MustCompile(`(?m)^\d+:(?:.*,)?cpu(?:,.*)?:(.*)$`).FindStringSubmatch(string(text))
	group := filepath.Join(at, fmt.Sprintf("fiord-evidence-%d", os.Getpid()))
	if err := os.Mkdir(group, 0o750); err != nil || was == nil {
		t.Skipf("no control group (version 1) can be made here: %v", err)
	}
	enter := func(group string) error {
		return os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0o600)
	}
	t.Cleanup(func() {
		if err := enter(filepath.Join(at, was[1])); err != nil {
			t.Error(err)
		}
		_ = os.Remove(group)
	})
	// Before all others, so that nothing but the limit holds fio up.
	for file, value := range map[string]string{"cpu.shares": "262144", "cpu.cfs_quota_us": "60000"} {
		if err := os.WriteFile(filepath.Join(group, file), []byte(value), 0o600); err != nil {
			t.Skip(err)
		}
	}
	if err := enter(group); err != nil {
		t.Skip(err)
	}
	return "fio"
}

func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fio")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// fioOf is the fio that this process has started.
func fioOf(t *testing.T) int {
	t.Helper()
	var main []int
	waitFor(t, "fio that runs", func() bool { main = children(t, os.Getpid(), "fio"); return len(main) > 0 })
	return main[0]
}

// jobsOf are the processes of fio's n jobs, once they have done something.
func jobsOf(t *testing.T, n int) (jobs []int) {
	t.Helper()
	main := fioOf(t)
	waitFor(t, "jobs that run", func() bool { jobs = children(t, main, "fio"); return len(jobs) >= n })
	time.Sleep(time.Second)
	return jobs
}

// children are the processes of a name that another one has started.
func children(t *testing.T, parent int, name string) (pids []int) {
	t.Helper()
	found, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // gone meanwhile
		}
		var pid, of int
		var state string
		// "pid (name) state ppid …"
		line := strings.NewReplacer("("+name+")", "", "\n", " ").Replace(string(b))
		if _, err := fmt.Sscan(line, &pid, &state, &of); err == nil && of == parent {
			pids = append(pids, pid)
		}
	}
	return pids
}

func kill(t *testing.T, pid int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatalf("send %s to %s: %v", signal, strconv.Itoa(pid), err)
	}
}
