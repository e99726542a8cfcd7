package fidelity

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// row is what `fiord run` reports of a section, or of several that ran together.
type row struct {
	Job       string   `json:"job"`
	Section   string   `json:"section"`
	Together  []string `json:"together"`
	Direction string   `json:"direction"`
	IOPS      float64  `json:"iops"`
	Bandwidth float64  `json:"bandwidth_bytes"`
	LatencyNS *float64 `json:"latency_mean_ns"`
	Integrity string   `json:"integrity"`
}

// key names a row within its job.
func (r row) key() string {
	if len(r.Together) > 0 {
		return "together " + r.Direction
	}
	return r.Section + " " + r.Direction
}

// What a job does is known: the null engine keeps its rate, on a busy machine
// within a quarter of it. What is wrong would be off by a half or more. Each job
// has sections one after the other, by another means, but for newgroup.
func TestSectionsAreMeasuredAsTheyRan(t *testing.T) {
	for _, by := range []string{"process", "docker"} {
		t.Run(by, func(t *testing.T) {
			if by == "docker" {
				needsEngine(t)
			}
			got := start(t, by).rows(t, "testdata/*.fio")
			for job, want := range map[string]map[string]float64{ // IOPS
				"two.fio":           {"first read": 1000, "second read": 1000},
				"waitfor-group.fio": {"first read": 1000, "second read": 1000},
				"startdelay.fio":    {"first read": 1000, "second read": 1000},
				"newgroup.fio":      {"first read": 1000, "second read": 1000, "together read": 2000},
				"fastslow.fio":      {"fast read": 500, "slow read": 500},
				"unified-mixed.fio": {" mixed": math.NaN()}, // as fast as it can
			} {
				if len(got[job]) != len(want) {
					t.Errorf("%s: rows %+v, want %d", job, got[job], len(want))
				}
				for key, iops := range want {
					r, ok := got[job][key]
					if !ok || r.IOPS <= 0 || math.Abs(r.IOPS-iops) > iops/4 || math.Abs(r.Bandwidth/r.IOPS-4096) > 1 || r.LatencyNS == nil {
						t.Errorf("%s, %s: %+v, want %v IOPS of 4 KiB", job, key, r, iops)
					}
					if r.Integrity == "invalid" {
						t.Errorf("%s, %s: %s", job, key, r.Integrity)
					}
				}
			}
			fast, slow := got["fastslow.fio"]["fast read"].LatencyNS, got["fastslow.fio"]["slow read"].LatencyNS
			if fast == nil || slow == nil || *slow < 2**fast {
				t.Errorf("the section on a file is no slower than the one that does nothing: %v and %v", slow, fast)
			}
		})
	}
}

// rows measures job files as one bench, and returns its rows by job and key.
func (f *fiord) rows(t *testing.T, pattern string) map[string]map[string]row {
	t.Helper()
	jobs, err := filepath.Glob(pattern)
	if err != nil || len(jobs) == 0 {
		t.Fatalf("%s: %v", pattern, err)
	}
	cmd := exec.CommandContext(t.Context(), f.binary, append([]string{"run", "--json", "--host=fidelity"}, jobs...)...)
	cmd.Env = append(os.Environ(), "FIORD_DATA="+f.dir)
	out, err := cmd.Output()
	var said struct {
		Rows   []row `json:"rows"`
		Counts struct {
			Completed int `json:"completed"`
		} `json:"counts"`
	}
	// A run is suspect on a busy machine, which the exit code says: its numbers
	// are what counts here.
	if bad := json.Unmarshal(out, &said); bad != nil || said.Counts.Completed != len(jobs) {
		t.Fatalf("fiord run: %v\n%s", errors.Join(err, bad), out)
	}
	all := map[string]map[string]row{}
	for _, r := range said.Rows {
		if all[r.Job] == nil {
			all[r.Job] = map[string]row{}
		}
		all[r.Job][r.key()] = r
	}
	return all
}
