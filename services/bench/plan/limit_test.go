package plan

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/block"
	"github.com/fiord-bench/fiord/host/facts"
)

func TestLimitsThatThisHostCannotSetAreRefused(t *testing.T) {
	root := t.TempDir()
	online := filepath.Join(root, "sys/devices/system/cpu/online")
	if err := os.MkdirAll(filepath.Dir(online), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(online, []byte("0-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	two := facts.Host{Root: root}
	rate := func(at string) events.Limits { return events.Limits{DeviceWriteIOPS: map[string]uint64{at: 100}} }
	for name, tt := range map[string]struct {
		limits events.Limits
		remote bool
		says   string // empty: taken
	}{
		"as many CPUs as there are":     {events.Limits{CPUs: 2}, false, ""},
		"more":                          {events.Limits{CPUs: 2.01}, false, "limits.cpus is 2.01, and this host has 2: ask for at most that"},
		"without end":                   {events.Limits{CPUs: 1e308}, false, "limits.cpus is 1e+308"},
		"more, of another machine":      {events.Limits{CPUs: 100}, true, ""},
		"too little, of another":        {events.Limits{CPUs: 0.001}, true, "at least 0.01"},
		"a device that is not there":    {rate("/dev/fiord-test-none"), false, "limits.device_write_iops names /dev/fiord-test-none, which does not exist"},
		"one that is no disk":           {rate("/dev/null"), false, "limits.device_write_iops names /dev/null, which is no block device"},
		"a folder":                      {rate("/dev/pts"), false, "which is no block device"},
		"a device of another machine":   {rate("/dev/fiord-test-none"), true, ""},
		"too little memory":             {events.Limits{Memory: 1 << 20}, false, "at least 6MiB"},
		"more memory than the host has": {events.Limits{Memory: 1 << 60}, false, "bench.max_memory"},
		"too many processes":            {events.Limits{Pids: 1 << 40}, false, "limits.pids is 1099511627776"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &Planner{Settings: Settings{MaxMemory: 1 << 40}, Machine: two, Remote: tt.remote}
			text := ""
			for _, problem := range p.limitProblems(tt.limits) {
				if problem.Option == "" || problem.Rule == "" {
					t.Errorf("%+v names no rule or option", problem)
				}
				text += problem.Message
			}
			if tt.says == "" && text != "" || !strings.Contains(text, tt.says) {
				t.Errorf("problems %q, want %q", text, tt.says)
			}
		})
	}
	unknown := &Planner{Machine: facts.Host{Root: t.TempDir()}}
	if problems := unknown.limitProblems(events.Limits{CPUs: float64(runtime.NumCPU())}); len(problems) > 0 {
		t.Errorf("where the kernel's list is not to be read: %+v", problems)
	}
}

func TestARateIsOfAWholeDisk(t *testing.T) {
	disks, err := block.System{}.Devices()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range disks {
		if _, err := os.Stat(d.Path()); err != nil {
			continue // a container may have the kernel's list without the nodes
		}
		if why := noDisk(block.System{}, d.Path()); why != "" {
			t.Errorf("%s: %s", d.Path(), why)
		}
		for _, part := range d.Partitions {
			at := "/dev/" + part
			if _, err := os.Stat(at); err != nil {
				continue
			}
			if why := noDisk(block.System{}, at); !strings.Contains(why, "a partition of "+d.Path()) {
				t.Errorf("%s: %q", at, why)
			}
		}
	}
}
