package bench

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestTheWorkerIsLightWhileFioRuns: what the worker takes from the host, the
// measurement does not get.
func TestTheWorkerIsLightWhileFioRuns(t *testing.T) {
	w, m := newMortalWorld(t, "process")
	worker := w.spawn(m)
	list := w.request(bench{host: m.Config.Host, jobs: []string{"[a]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=10\nrate_iops=5000\n"}})
	w.live(list, reads)
	began, before := time.Now(), cpuTime(t, worker.Process.Pid)
	time.Sleep(6 * time.Second)
	used := cpuTime(t, worker.Process.Pid) - before
	share := used.Seconds() / time.Since(began).Seconds()
	w.end(list.Runs[0])
	peak := peakMemory(t, worker.Process.Pid)
	t.Logf("%.2f%% of a core, %d MB at most", share*100, peak>>20)
	if share > 0.01 {
		t.Errorf("takes %.1f%% of a core", share*100)
	}
	if peak > 64<<20 {
		t.Errorf("takes %d MB", peak>>20)
	}
}

// cpuTime is user and system time of a process, from proc(5).
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	var ticks int
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux
	return time.Duration(ticks) * tick
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

func peakMemory(t *testing.T, pid int) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	found := highWater.FindSubmatch(b)
	if found == nil {
		t.Fatal("no VmHWM")
	}
	n, err := strconv.ParseInt(string(found[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}
