// Package limit is what can be said of a bench's limits before a container
// engine is asked: the engine would answer in the words of the kernel's files, at
// the start of fio.
package limit

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/events"
)

// Rule is the rule of the problems reported here.
const Rule = "limit"

// What engines and the kernel take at least and at most.
const (
	MinCPUs   = 0.01    // one hundredth of the kernel's period
	MinMemory = 6 << 20 // bytes
	MaxPIDs   = 4 << 20 // the kernel's own bound of processes
)

// Device is a rate that a bench asks for, of a device.
type Device struct {
	Option string // limits.device_read_iops
	Path   string
	Rate   uint64
}

// Devices lists the rates of a bench, in a fixed order.
func Devices(l events.Limits) []Device {
	var all []Device
	for _, option := range []struct {
		name  string
		rates map[string]uint64
	}{
		{"device_read_iops", l.DeviceReadIOPS}, {"device_write_iops", l.DeviceWriteIOPS},
		{"device_read_bps", plain(l.DeviceReadBPS)}, {"device_write_bps", plain(l.DeviceWriteBPS)},
	} {
		for _, at := range slices.Sorted(maps.Keys(option.rates)) {
			all = append(all, Device{"limits." + option.name, at, option.rates[at]})
		}
	}
	return all
}

func plain(rates map[string]events.Bytes) map[string]uint64 {
	out := make(map[string]uint64, len(rates))
	for at, rate := range rates {
		out[at] = uint64(rate)
	}
	return out
}

// Problem is one about an option.
func Problem(option, format string, args ...any) events.Problem {
	return events.Problem{Rule: Rule, Option: option, Message: events.Clip(fmt.Sprintf(format, args...), events.MaxMessage)}
}

// Static reports what no host would do: what anyone who reads a request can know.
func Static(l events.Limits) (problems []events.Problem) {
	refuse := func(option, format string, args ...any) {
		problems = append(problems, Problem(option, format, args...))
	}
	if l.CPUs != 0 && l.CPUs < MinCPUs {
		refuse("limits.cpus", "limits.cpus is %v, and a container gets at least %v: ask for more, or leave it out", l.CPUs, MinCPUs)
	}
	if l.Memory != 0 && l.Memory < MinMemory {
		refuse("limits.memory", "limits.memory is %s, and a container needs at least %s: ask for more, or leave it out", l.Memory.Text(), events.Bytes(MinMemory).Text())
	}
	if l.Pids > MaxPIDs {
		refuse("limits.pids", "limits.pids is %d, and a kernel has at most %d: ask for fewer, or leave it out", l.Pids, MaxPIDs)
	}
	for _, d := range Devices(l) {
		switch {
		case !strings.HasPrefix(d.Path, "/dev/") || path.Clean(d.Path) != d.Path || strings.ContainsFunc(d.Path, func(r rune) bool { return r < ' ' || r == 0x7f }):
			refuse(d.Option, "%s names %q, which is no device: write its path, such as /dev/nvme0n1", d.Option, d.Path)
		case d.Rate == 0:
			refuse(d.Option, "%s of %s is 0, which is no limit for an engine: ask for 1 or more, or leave it out", d.Option, d.Path)
		}
	}
	return problems
}
