package guard

import (
	"strings"
	"testing"
	"time"
)

func TestJobsThatTakeTooMuchOfTheMachineAreRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		job, want string // "" when it may run
		line      int
	}{
		"copies":           {"[a]\nsize=4k\nnumjobs=11\n", "run 11 jobs at once, 11 of that by job a; this host allows 10 (max_jobs)", 3},
		"copies of two":    {"[a]\nsize=4k\nnumjobs=4\nfilename=x\n[b]\nsize=4k\nfilename=x\nnumjobs=7\n", "run 11 jobs at once, 7 of that by job b", 8},
		"copies in turn":   {"[a]\nsize=4k\nnumjobs=8\nfilename=x\n[b]\nstonewall\nsize=4k\nfilename=x\nnumjobs=8\n", "", 0},
		"memory":           {"[a]\nsize=4k\nnumjobs=4\nbs=1m\niodepth=256\n", "take 1 GiB of memory", 5},
		"memory of blocks": {"[a]\nsize=1g\nioengine=null\nbs=1g\n", "this host allows 512 MiB (max_memory)", 4},
		"little memory":    {"[a]\nsize=4k\nnumjobs=4\nbs=64k\niodepth=256\n", "", 0},
		"files":            {"[a]\nsize=4k\nnrfiles=400\nopenfiles=301\n", "files open at once", 3},
		"few files open":   {"[a]\nsize=4m\nnrfiles=400\nopenfiles=50\n", "", 0},
		"time":             {"[a]\nsize=4k\ntime_based\nruntime=2h\n", "take 2h0m0s, 2h0m0s of that by job a; this host allows 1h0m0s (max_duration)", 4},
		"time in turn":     {"[a]\nsize=4k\ntime_based\nruntime=40m\n[b]\nstonewall\nsize=4k\ntime_based\nruntime=40m\n", "take 1h20m0s", 4},
		"what is unclear":  {"[a]\nsize=4k\nbs=,\n", "cannot be held against", 3},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.Guard.policy.Ceilings = Ceilings{Jobs: 10, Memory: 512 << 20, OpenFiles: 300, Duration: time.Hour}
			_, problems := h.check(tc.job)
			if tc.want == "" {
				if len(problems) > 0 {
					t.Errorf("refused: %+v", problems)
				}
				return
			}
			if len(problems) != 1 || problems[0].Rule != RuleCeiling || problems[0].Line != tc.line || !strings.Contains(problems[0].Message, tc.want) {
				t.Errorf("%+v, want %q in line %d", problems, tc.want, tc.line)
			}
		})
	}
}
