package hoststat

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestControlGroupsOfBothVersions(t *testing.T) {
	for name, c := range map[string]struct{ text, group, at string }{
		"version 1":           {"9:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/system.slice\n", "/docker/abc", "fs/cpu,cpuacct"},
		"version 1, apart":    {"2:cpu:/docker/abc\n3:cpuacct:/docker/def\n", "/docker/abc", "fs/cpu"},
		"version 2":           {"0::/system.slice/docker-abc.scope\n", "/system.slice/docker-abc.scope", "fs"},
		"a path with a colon": {"0::/odd:name\n", "/odd:name", "fs"},
		"cpuset is not cpu":   {"5:cpuset:/docker/abc\n", "", ""},
		"nonsense":            {"what\n::\n", "", ""},
	} {
		if group, at := parseGroups(c.text, "fs"); group != c.group || at != c.at {
			t.Errorf("%s: %q at %q, want %q at %q", name, group, at, c.group, c.at)
		}
	}
}

func TestThrottlingOfBothVersions(t *testing.T) {
	for text, want := range map[string]Held{
		"nr_periods 20\nnr_throttled 19\nthrottled_time 1500000000\n":                         {20, 19, 1500 * time.Millisecond},
		"usage_usec 7\nnr_periods 20\nnr_throttled 19\nthrottled_usec 1500000\nnr_bursts 0\n": {20, 19, 1500 * time.Millisecond},
	} {
		if got, ok := parseStat(text); !ok || got != want {
			t.Errorf("%q: %+v", text, got)
		}
	}
	if _, ok := parseStat("usage_usec 7\nuser_usec 7\n"); ok {
		t.Error("a group without a limit has counters of one")
	}
}

// limited makes a control group that may use a twentieth of a CPU.
func limited(t *testing.T) (procs string) {
	t.Helper()
	name := fmt.Sprintf("fiord-test-%d", os.Getpid())
	type setting struct{ file, value string }
	for _, at := range []struct {
		dir string
		set setting
	}{
		{filepath.Join("/sys/fs/cgroup/cpu", name), setting{"cpu.cfs_quota_us", "5000"}},
		{filepath.Join("/sys/fs/cgroup/cpu,cpuacct", name), setting{"cpu.cfs_quota_us", "5000"}},
		{filepath.Join("/sys/fs/cgroup", name), setting{"cpu.max", "5000 100000"}},
	} {
		if os.Mkdir(at.dir, 0o750) != nil {
			continue
		}
		t.Cleanup(func() { _ = os.Remove(at.dir) })
		if os.WriteFile(filepath.Join(at.dir, at.set.file), []byte(at.set.value), 0o600) == nil {
			return filepath.Join(at.dir, "cgroup.procs")
		}
	}
	t.Skip("no control group can be made here: it takes root and a writable /sys/fs/cgroup")
	return ""
}

func TestALimitThatHoldsAProcessUpIsSeen(t *testing.T) {
	procs := limited(t)
	job := filepath.Join(t.TempDir(), "job.fio")
	if err := os.WriteFile(job, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	busy := exec.Command("sh", "-c", "while :; do :; done", job)
	if err := busy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = busy.Process.Kill(); _ = busy.Wait() })
	if err := os.WriteFile(procs, []byte(fmt.Sprint(busy.Process.Pid)), 0o600); err != nil {
		t.Skipf("no process can be limited here: %v", err)
	}
	began := time.Now()
	rec, err := record("", nil, job, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Second)
	if _, err := rec.Stop(began, time.Now()); err != nil {
		t.Fatal(err)
	}
	if h := rec.Held(); h.Throttled < 5 || h.Time < 400*time.Millisecond {
		t.Errorf("held up %+v within three seconds, at a twentieth of a CPU", h)
	}
}

func TestAProcessThatIsNotSeenIsHeldUpByNothing(t *testing.T) {
	if q := openQuota("/", filepath.Join(t.TempDir(), "no.fio")); q != nil {
		t.Errorf("%+v", q)
	}
	if h := (&Recorder{}).Held(); h != (Held{}) {
		t.Errorf("%+v", h)
	}
}

func FuzzGroups(f *testing.F) {
	f.Add("4:cpu,cpuacct:/docker/abc\n0::/x\n", "nr_periods 20\nthrottled_usec 3\n")
	f.Add("0::/../..\n", "throttled_time 99999999999999999999\n")
	f.Fuzz(func(t *testing.T, groups, stat string) {
		group, _ := parseGroups(groups, "fs")
		if strings.Contains(group, "..") && strings.Contains("/"+group+"/", "/../") {
			t.Errorf("%q leads out of the hierarchy", group)
		}
		if h, _ := parseStat(stat); h.Time < 0 {
			t.Errorf("held for %s", h.Time)
		}
	})
}
