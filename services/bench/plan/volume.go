package plan

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/guard"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/volume"
)

// volume makes name@profile what the engine is asked for, if the host's owner
// allows it. A profile that he has described names driver and options; any other
// goes to the driver as part of the name, as Flocker and its like want it. A
// fresh volume is called after the run, so that nothing else means it.
func (p *Planner) volume(list events.RunList, run, target string) (runner.Volume, []events.Problem) {
	v, problems := p.Settings.Volumes.Resolve(
		volume.Request{Volume: list.Volume, Driver: list.Driver, Options: list.Options}, run, p.Places)
	return runner.Volume{Name: v.Name, Driver: v.Driver, Options: v.Options, Fresh: v.Fresh, Target: target}, problems
}

// Volumes judges what the engine has already. It is a docker.Volumes.
type Volumes struct {
	Policy volume.Policy
	Places volume.Places
}

// MayUse implements docker.Volumes.
func (v Volumes) MayUse(asked, found runner.Volume, ours bool) error {
	one := func(r runner.Volume) volume.Volume {
		return volume.Volume{Name: r.Name, Driver: r.Driver, Options: r.Options, Fresh: r.Fresh}
	}
	if problems := v.Policy.Judge(one(asked), one(found), ours, v.Places); len(problems) > 0 {
		return volume.Refused(problems)
	}
	return nil
}

// Places judges the paths in options of volumes, where the engine will see them:
// on this host, or on its own.
func Places(g *guard.Guard, remote bool) volume.Places {
	if remote {
		return otherHost{}
	}
	return hostPlaces{g}
}

// hostPlaces are this host's.
type hostPlaces struct{ guard *guard.Guard }

// MayMount implements volume.Places.
func (h hostPlaces) MayMount(path, below string) error { return h.guard.MayMount(path, below) }

// errOtherHost is why a path of a remote engine is refused.
var errOtherHost = errors.New("the engine is on another host, whose folders cannot be looked at from here: the owner must write the path out")

// otherHost is an engine's own: its links cannot be followed from here, so only
// what stays below a folder that the owner has named passes.
type otherHost struct{}

// MayMount implements volume.Places.
func (otherHost) MayMount(path, below string) error {
	if below != "" && strings.HasPrefix(filepath.Clean(path), below+"/") {
		return nil
	}
	return errOtherHost
}
