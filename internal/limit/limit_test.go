package limit_test

import (
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/limit"
)

func TestWhatNoEngineDoesIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		limits events.Limits
		says   string // empty: taken
	}{
		"none":                  {events.Limits{}, ""},
		"all that are possible": {events.Limits{CPUs: 0.01, Memory: 6 << 20, Pids: 1, DeviceReadIOPS: map[string]uint64{"/dev/disk/by-id/x": 1}}, ""},
		"the most":              {events.Limits{CPUs: 4096, Memory: 1 << 60, Pids: 4 << 20, DeviceWriteBPS: map[string]events.Bytes{"/dev/sda": 1 << 60}}, ""},
		"a sliver of a CPU":     {events.Limits{CPUs: 0.001}, "limits.cpus is 0.001, and a container gets at least 0.01"},
		"no CPU to speak of":    {events.Limits{CPUs: 1e-300}, "limits.cpus is 1e-300"},
		"too little memory":     {events.Limits{Memory: 5 << 20}, "limits.memory is 5MiB, and a container needs at least 6MiB"},
		"a byte":                {events.Limits{Memory: 1}, "at least 6MiB"},
		"a process too many":    {events.Limits{Pids: 4<<20 + 1}, "limits.pids is 4194305, and a kernel has at most 4194304"},
		"processes without end": {events.Limits{Pids: 1 << 60}, "limits.pids is 1152921504606846976"},
		"no device":             {events.Limits{DeviceReadIOPS: map[string]uint64{"": 1}}, `names "", which is no device`},
		"a name":                {events.Limits{DeviceWriteIOPS: map[string]uint64{"sda": 1}}, `limits.device_write_iops names "sda"`},
		"a file":                {events.Limits{DeviceReadBPS: map[string]events.Bytes{"/etc/passwd": 1}}, `limits.device_read_bps names "/etc/passwd"`},
		"climbing":              {events.Limits{DeviceWriteBPS: map[string]events.Bytes{"/dev/../etc/passwd": 1}}, "limits.device_write_bps names"},
		"two lines":             {events.Limits{DeviceReadIOPS: map[string]uint64{"/dev/x\ny": 1}}, `"/dev/x\ny"`},
		"a rate of nothing":     {events.Limits{DeviceReadIOPS: map[string]uint64{"/dev/sda": 0}}, "limits.device_read_iops of /dev/sda is 0"},
	} {
		t.Run(name, func(t *testing.T) {
			text := ""
			for _, p := range limit.Static(tt.limits) {
				if p.Rule != limit.Rule || !strings.HasPrefix(p.Option, "limits.") {
					t.Errorf("problem %+v names no rule or option", p)
				}
				text += p.Message
			}
			if tt.says == "" && text != "" || !strings.Contains(text, tt.says) {
				t.Errorf("problems %q, want %q", text, tt.says)
			}
		})
	}
}
