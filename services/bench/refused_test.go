package bench

import (
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

// What cannot be done however often it is tried is rejected at once: an engine
// that says no is not one that is away.
func TestWhatCannotBeDoneIsRejectedAtOnce(t *testing.T) {
	w, _ := hostileHost(t, func(c *Config) {
		c.Volumes.Drivers = map[string]VolumeDriver{"local": {Options: map[string][]string{"fiord-test": {"*"}, "type": {"tmpfs"}}}, "fiord-test-no-driver": {}}
		c.Volumes.Profiles = map[string]Profile{"silver": {}, "gold": {}}
	})
	rate := func(at string) events.Limits { return events.Limits{DeviceReadIOPS: map[string]uint64{at: 1}} }
	for name, tt := range map[string]struct {
		change       func(*events.RunList)
		option, says string
	}{
		"a profile that the host has not": {func(l *events.RunList) { l.Volume = "fiord-test-refused@nope" }, "volume", `profile "nope", which is not known (this host has gold, silver)`},
		"a name of one letter":            {func(l *events.RunList) { l.Volume = "x" }, "volume", "2 to 255 letters"},
		"an option without a name": {func(l *events.RunList) { l.Volume, l.Options = "fiord-test-refused", map[string]string{"": ""} },
			"volume_options", "no name of an option"},
		"an option that the driver does not know": {func(l *events.RunList) {
			l.Volume, l.Options = "fiord-test-refused", map[string]string{"fiord-test": "1"}
		}, "", "invalid option"},
		"an option that is missing": {func(l *events.RunList) {
			l.Volume, l.Options = "fiord-test-refused", map[string]string{"type": "tmpfs"}
		},
			"", "missing required option"},
		"a driver that is not there": {func(l *events.RunList) { l.Volume, l.Driver = "fiord-test-refused", "fiord-test-no-driver" },
			"", "fiord-test-no-driver"},
		"more CPUs than there are":  {func(l *events.RunList) { l.Limits.CPUs = 1 << 20 }, "limits.cpus", "limits.cpus is 1.048576e+06, and this host has"},
		"a sliver of a CPU":         {func(l *events.RunList) { l.Limits.CPUs = 0.001 }, "limits.cpus", "at least 0.01"},
		"little memory":             {func(l *events.RunList) { l.Limits.Memory = 1 << 20 }, "limits.memory", "at least 6MiB"},
		"processes without end":     {func(l *events.RunList) { l.Limits.Pids = 1 << 40 }, "limits.pids", "at most 4194304"},
		"a device that is not here": {func(l *events.RunList) { l.Limits = rate("/dev/fiord-test-none") }, "limits.device_read_iops", "does not exist on this host"},
		"a device that is no disk":  {func(l *events.RunList) { l.Limits = rate("/dev/null") }, "limits.device_read_iops", "no block device"},
		"a path that is no device":  {func(l *events.RunList) { l.Limits = rate("/etc/passwd") }, "limits.device_read_iops", "which is no device"},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			list := w.request(bench{host: "hostile-host", jobs: []string{"[a]\nrw=write\nsize=64k\n"}, change: tt.change})
			rejected := ended[events.RunRejected](t, w.end(list.Runs[0]))
			if len(rejected.Problems) != 1 || rejected.Problems[0].Option != tt.option || !strings.Contains(rejected.Problems[0].Message, tt.says) {
				t.Errorf("%+v, want one about %q that says %q", rejected.Problems, tt.option, tt.says)
			}
			if rejected.Attempt != 0 {
				t.Errorf("fio was started %d times", rejected.Attempt)
			}
		})
	}
	if out := engineDo(t, "volume", "ls", "--quiet", "--filter", "name=fiord-test-refused"); out != "" {
		t.Errorf("volumes were made: %s", out)
	}
}
