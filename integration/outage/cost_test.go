package outage

import (
	"bufio"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// cost is what a worker takes, fio apart.
type cost struct {
	cpu      time.Duration // since it began
	resident int64         // bytes, the most so far
	spool    int64         // bytes on disk
	reported float64       // the same, as its metrics say
}

// costs looks at a worker.
func (w *worker) costs(t *testing.T) cost {
	t.Helper()
	pid := strconv.Itoa(w.cmd.Process.Pid)
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	var c cost
	_, rest, _ := strings.Cut(string(stat), ") ")
	for _, ticks := range strings.Fields(rest)[11:13] { // utime and stime: proc(5), 14 and 15
		n, _ := strconv.Atoi(ticks)
		c.cpu += time.Duration(n) * 10 * time.Millisecond
	}
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ = strings.Cut(string(status), "VmHWM:")
	kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	c.resident = kib << 10
	c.spool = size(t, filepath.Join(w.dir, "state", "spool"))
	c.reported = w.metric(t, "fiord_bench_spool_bytes")
	return c
}

func size(t *testing.T, dir string) (total int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			var info fs.FileInfo
			if info, err = d.Info(); err == nil {
				total += info.Size()
			}
		}
		if errors.Is(err, fs.ErrNotExist) { // shipped meanwhile
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return total
}

// metric is a value of the worker's own metrics.
func (w *worker) metric(t *testing.T, name string) float64 {
	t.Helper()
	resp, err := http.Get("http://" + w.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), name) {
			fields := strings.Fields(lines.Text())
			f, err := strconv.ParseFloat(fields[len(fields)-1], 64)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}
