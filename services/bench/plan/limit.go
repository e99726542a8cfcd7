package plan

import (
	"errors"
	"os"
	"runtime"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/block"
	"github.com/fiord-bench/fiord/internal/limit"
)

// limitProblems refuses limits that no engine, or this host's, could set. Of an
// engine on another machine the worker knows neither CPUs nor devices.
func (p *Planner) limitProblems(l events.Limits) []events.Problem {
	problems := append(limit.Static(l), p.aboveCeiling(l)...)
	if p.Remote || len(problems) > 0 {
		return problems
	}
	has := p.Machine.CPUs()
	if has == 1 { // or not known
		has = runtime.NumCPU()
	}
	if l.CPUs > float64(has) {
		problems = append(problems, limit.Problem("limits.cpus", "limits.cpus is %v, and this host has %d: ask for at most that, or leave it out", l.CPUs, has))
	}
	for _, d := range limit.Devices(l) {
		if why := noDisk(block.System{}, d.Path); why != "" {
			problems = append(problems, limit.Problem(d.Option, "%s names %s, %s: name a disk of this host, or leave it out", d.Option, d.Path, why))
		}
	}
	return problems
}

// noDisk says why the kernel would set no rate for a path, empty if it would.
func noDisk(sys block.System, at string) string {
	if _, err := os.Stat(at); errors.Is(err, os.ErrNotExist) {
		return "which does not exist on this host"
	}
	d, err := sys.Resolve(at)
	switch {
	case err != nil:
		return "which is no block device"
	case d.Parent != "":
		return "which is a partition of /dev/" + strings.ReplaceAll(d.Parent, "!", "/") + ", and rates are of whole disks"
	}
	return ""
}
