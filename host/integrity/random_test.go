package integrity

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var (
	healthy     = flag.Int("integrity.healthy", 4, "random healthy jobs that are run and judged: 120 take two minutes on a quiet machine")
	healthySeed = flag.Uint64("integrity.seed", 15, "of the first of them")
)

// Nothing is wrong with jobs that keep a rate on an engine that does nothing,
// whatever their sections are. On a busy machine one may be held up for a second;
// that counts when many are run, on a quiet one.
func TestRandomHealthyJobsAreNotMarked(t *testing.T) {
	if _, err := exec.LookPath("fio"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("%v: apt-get install fio", err)
	}
	many := 1100
	if *healthy < 100 {
		many = 200
	}
	jobs := map[string]string{
		// Rates of a few I/Os a second are cut by half in the logs.
		"many copies": fmt.Sprintf("[many]\nioengine=null\nsize=1g\nbs=4k\nrw=randread\nrate_iops=2\ntime_based\nruntime=3\nthread\nnumjobs=%d\n", many),
	}
	for i := range *healthy {
		seed := *healthySeed + uint64(i) //nolint:gosec // a number of a test
		jobs[fmt.Sprint(seed)] = randomJob(rand.New(rand.NewPCG(seed, 1)))
	}
	for name, text := range jobs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "job.fio")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, f := range judgedRun(t, path).Findings {
				if f.Check == "stall" || f.Check == "short_run" {
					t.Logf("%s: %s: %s", f.State, f.Check, f.Evidence)
				}
				if f.Check != "short_run" && (f.Check != "stall" || *healthy >= 100) {
					t.Errorf("%s: %s: %s (section %q)\n%s", f.State, f.Check, f.Evidence, f.Section, text)
				}
			}
		})
	}
}

// randomJob draws a job file of one to three sections of one to three seconds.
func randomJob(rng *rand.Rand) string {
	var b strings.Builder
	b.WriteString("[global]\nioengine=null\nsize=1g\ntime_based\n")
	if rng.IntN(3) == 0 {
		b.WriteString("group_reporting\n")
	}
	n := 1 + rng.IntN(3)
	for i := range n {
		fmt.Fprintf(&b, "[s%d]\nruntime=%d\nbs=%s\nrw=%s\nnumjobs=%d\nrate_iops=%d\n", i, 1+rng.IntN(3),
			[]string{"4k", "64k", "1m", "512"}[rng.IntN(4)], []string{"randread", "write", "randrw", "read", "rw"}[rng.IntN(5)],
			1+rng.IntN(4), []int{20, 100, 999, 5000}[rng.IntN(4)])
		for k, option := range []string{"stonewall", fmt.Sprintf("wait_for=s%d", max(i-1, 0)), "startdelay=1", "ramp_time=1", "new_group"} {
			if rng.IntN(4+k/2) == 0 && (i > 0 || strings.HasPrefix(option, "ramp") || strings.HasPrefix(option, "start")) {
				b.WriteString(option + "\n")
			}
		}
	}
	return b.String()
}
