package job

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// What fio's scheduler makes of the options that decide when a job starts.
func TestScheduleStartAsFioStartsThem(t *testing.T) {
	const head = "[global]\nioengine=null\nsize=1g\nruntime=4\ntime_based\n"
	for name, c := range map[string]struct {
		text string
		want string // name:group:after:delay:copies of each
		plan time.Duration
	}{
		"side by side":          {"[a]\n[b]\n", "a:0:[]:0s:1 b:0:[]:0s:1", 4 * time.Second},
		"stonewall":             {"[a]\n[b]\nstonewall\n[c]\n", "a:0:[]:0s:1 b:1:[0]:0s:1 c:1:[0]:0s:1", 8 * time.Second},
		"wait_for":              {"[a]\n[b]\nwait_for=a\n", "a:0:[]:0s:1 b:0:[0]:0s:1", 8 * time.Second},
		"wait_for in a group":   {"[a]\n[b]\nnew_group\nwait_for=a\n", "a:0:[]:0s:1 b:1:[0]:0s:1", 8 * time.Second},
		"new_group, bare":       {"[a]\n[b]\nnew_group\n", "a:0:[]:0s:1 b:1:[]:0s:1", 4 * time.Second},
		"new_group=0":           {"[a]\n[b]\nnew_group=0\n", "a:0:[]:0s:1 b:0:[]:0s:1", 4 * time.Second},
		"startdelay":            {"[a]\n[b]\nstartdelay=4\n", "a:0:[]:0s:1 b:0:[]:4s:1", 8 * time.Second},
		"a range of delays":     {"[a]\n[b]\nstartdelay=2-3\n", "a:0:[]:0s:1 b:0:[]:2s:1", 6 * time.Second},
		"a delay while waiting": {"[a]\n[b]\nstonewall\nstartdelay=1\n", "a:0:[]:0s:1 b:1:[0]:1s:1", 8 * time.Second},
		"copies":                {"[a]\nnumjobs=3\n[b]\nstonewall\nnumjobs=2\n", "a:0:[]:0s:3 b:1:[0]:0s:2", 8 * time.Second},
		"one name twice":        {"[a]\n[a]\nstonewall\n", "a:0:[]:0s:1 a#2:1:[0]:0s:1", 8 * time.Second},
		"global stonewall":      {"[global]\nstonewall\n[a]\n[b]\n[c]\n", "a:0:[]:0s:1 b:1:[0]:0s:1 c:2:[0 1]:0s:1", 12 * time.Second},
	} {
		f, err := Parse("j", []byte(head+c.text), Config{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, l := range f.Schedule() {
			got = append(got, fmt.Sprintf("%s:%d:%v:%v:%d", l.Name, l.Group, l.After, l.Delay, l.Copies))
		}
		if text := fmt.Sprint(got); text != "["+c.want+"]" {
			t.Errorf("%s: %s, want %s", name, text, c.want)
		}
		if p := f.Plan(); p.Duration != c.plan && name != "a range of delays" {
			t.Errorf("%s: planned for %v, want %v", name, p.Duration, c.plan)
		}
	}
}

func TestScheduleKnowTheirLogsAndEntries(t *testing.T) {
	f, err := Parse("j", []byte("[a]\nnumjobs=3\ngroup_reporting\nramp_time=2\n[b]\nstats=0\n[c]\nunified_rw_reporting=both\n[d]\nunified_rw_reporting=mixed\n[e]\nunified_rw_reporting\n"), Config{})
	if err != nil {
		t.Fatal(err)
	}
	loads := f.Schedule()
	if a := loads[0]; a.First != 1 || !a.Grouped || a.Ramp != 2*time.Second || a.Silent {
		t.Errorf("%+v", a)
	}
	if b := loads[1]; b.First != 4 || !b.Silent {
		t.Errorf("%+v", b)
	}
	var mixed []bool
	for _, l := range loads {
		mixed = append(mixed, l.Mixed)
	}
	if !slices.Equal(mixed, []bool{false, false, false, true, true}) {
		t.Errorf("mixed: %v", mixed)
	}
}
