package hoststat

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Held is how long a limit of CPU time kept fio from running.
type Held struct {
	Periods   uint64        // that the limit was enforced in
	Throttled uint64        // of them, those that ran out
	Time      time.Duration // spent waiting, summed over CPUs
}

// quota reads the counters of the control group that a fio runs in, and of
// those above: a pod or a slice may have the limit.
type quota struct {
	files []*os.File
	first []Held
	last  []Held
	buf   []byte
}

// openQuota finds the fio that was given a job file, by its command line, and
// its control groups below root. It returns nil when there is none to be seen:
// a worker in a container of its own does not see other processes.
func openQuota(root, job string) *quota {
	if job == "" {
		return nil
	}
	q := &quota{buf: make([]byte, 4<<10)}
	group, mount := groupOf(root, job)
	for group != "" {
		name := filepath.Join(mount, group, "cpu.stat")
		if f, err := os.Open(name); err == nil { //nolint:gosec // the kernel's own
			q.files = append(q.files, f)
		}
		if group == "/" {
			break
		}
		group = path.Dir(group)
	}
	if len(q.files) == 0 {
		return nil
	}
	q.first, q.last = make([]Held, len(q.files)), make([]Held, len(q.files))
	for i, f := range q.files {
		q.first[i], _ = q.read(f)
		q.last[i] = q.first[i]
	}
	return q
}

// groupOf returns the control group that decides on CPU time, and where its
// hierarchy is mounted.
func groupOf(root, job string) (group, mount string) {
	names, _ := filepath.Glob(filepath.Join(root, "proc/[0-9]*/cmdline")) // the pattern is well formed
	for _, name := range names {
		line, err := os.ReadFile(name) //nolint:gosec // the kernel's own
		if err != nil || !bytes.HasSuffix(bytes.TrimRight(line, "\x00"), []byte("\x00"+job)) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(filepath.Dir(name), "cgroup")) //nolint:gosec // the kernel's own
		if err == nil {
			return parseGroups(string(text), filepath.Join(root, "sys/fs/cgroup"))
		}
	}
	return "", ""
}

// parseGroups reads /proc/PID/cgroup: the line of the cpu controller (version
// 1), or the only line that names no controllers (version 2).
func parseGroups(text, mount string) (group, at string) {
	for line := range strings.Lines(text) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 || !strings.HasPrefix(fields[2], "/") {
			continue
		}
		controllers := strings.Split(fields[1], ",")
		switch {
		case slices.Contains(controllers, "cpu"):
			return path.Clean(fields[2]), filepath.Join(mount, fields[1])
		case fields[0] == "0" && fields[1] == "":
			group, at = path.Clean(fields[2]), mount
		}
	}
	return group, at
}

// sample reads the counters anew. Those of a group that is gone stay.
func (q *quota) sample() {
	for i, f := range q.files {
		if now, ok := q.read(f); ok {
			q.last[i] = now
		}
	}
}

// held is what the strictest group did since the beginning.
func (q *quota) held() Held {
	var most Held
	for i := range q.files {
		d := Held{
			Periods: q.last[i].Periods - q.first[i].Periods, Throttled: q.last[i].Throttled - q.first[i].Throttled,
			Time: q.last[i].Time - q.first[i].Time,
		}
		if d.Time > most.Time || most.Periods == 0 {
			most = d
		}
	}
	return most
}

func (q *quota) close() {
	for _, f := range q.files {
		_ = f.Close()
	}
}

func (q *quota) read(f *os.File) (Held, bool) {
	n, _ := f.ReadAt(q.buf, 0) // io.EOF: the file is shorter than the buffer
	return parseStat(string(q.buf[:n]))
}

// parseStat reads cpu.stat of either version.
func parseStat(text string) (h Held, ok bool) {
	for line := range strings.Lines(text) {
		var name string
		var value uint64
		if _, err := fmt.Sscan(line, &name, &value); err != nil {
			continue
		}
		switch name {
		case "nr_periods":
			h.Periods, ok = value, true
		case "nr_throttled":
			h.Throttled = value
		case "throttled_time": // version 1
			h.Time = time.Duration(min(value, 1<<62)) //nolint:gosec // bounded
		case "throttled_usec": // version 2
			h.Time = time.Duration(min(value, 1<<52)) * time.Microsecond //nolint:gosec // bounded
		}
	}
	return h, ok
}
