package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/guard"
)

// filesIn lists a folder.
func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// Jobs of four names fill a small folder, and nobody removes what the first
// three laid out.
func TestWhatJobsLaidOutHasAnOwner(t *testing.T) {
	fours := func() []string {
		var jobs []string
		for _, name := range []string{"one", "two", "three", "four"} {
			jobs = append(jobs, fmt.Sprintf("[%s]\nrw=read\nsize=7m\nbs=64k\n", name))
		}
		return jobs
	}
	for setting, want := range map[string]struct {
		fourth bool // may run
		left   []string
	}{
		"reclaim": {true, []string{"four.0.0", "theirs", "three.0.0", "two.0.0"}},
		"remove":  {true, []string{"theirs"}},
		"keep":    {false, []string{"one.0.0", "theirs", "three.0.0", "two.0.0"}},
	} {
		t.Run(setting, func(t *testing.T) {
			w := newWorld(t)
			w.data = small(t, 24)
			if err := os.WriteFile(filepath.Join(w.data, "theirs"), []byte("a"), 0o600); err != nil {
				t.Fatal(err)
			}
			cfg := w.config("small")
			cfg.MinFree, cfg.MinInodes, cfg.Leftovers = 1<<20, 10, setting
			w.start(cfg)
			list := w.request(bench{host: "small", jobs: fours()})
			for i := range 3 {
				ended[events.RunCompleted](t, w.end(list.Runs[i]))
			}
			end := w.end(list.Runs[3])
			if want.fourth {
				ended[events.RunCompleted](t, end)
			} else {
				p := ended[events.RunRejected](t, end).Problems[0]
				if p.Rule != guard.RuleSpace || !strings.Contains(p.Message, "rm -- '"+w.data+"/one.0.0' ") || !strings.Contains(p.Message, "leftovers: reclaim") {
					t.Errorf("%+v", p)
				}
			}
			list = w.request(bench{host: "small", jobs: []string{"[n]\nioengine=null\nsize=4k\n"}})
			ended[events.RunCompleted](t, w.end(list.Runs[0])) // the list before it is done with
			if got := filesIn(t, w.data); !slices.Equal(got, want.left) {
				t.Errorf("left are %v, want %v", got, want.left)
			}
		})
	}
}

// A file that a job found is reused, and is not its to remove.
func TestAFileThatAJobFoundIsKept(t *testing.T) {
	w := newWorld(t)
	w.data = small(t, 24)
	if err := os.WriteFile(filepath.Join(w.data, "found"), make([]byte, 8<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := w.config("small")
	cfg.MinFree, cfg.Leftovers = 1<<20, "remove"
	w.start(cfg)
	list := w.request(bench{host: "small", jobs: []string{
		"[a]\nfilename=found:made\nrw=write\nsize=8m\n", "[b]\nrw=read\nsize=20m\n",
	}})
	ended[events.RunCompleted](t, w.end(list.Runs[0]))
	rejected := ended[events.RunRejected](t, w.end(list.Runs[1])) // found takes 8 MiB
	if !strings.Contains(rejected.Problems[0].Message, "must stay free") {
		t.Errorf("%+v", rejected)
	}
	if got := filesIn(t, w.data); !slices.Contains(got, "found") {
		t.Errorf("left are %v", got)
	}
}
