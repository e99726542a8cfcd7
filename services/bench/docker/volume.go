package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/volume"

	"github.com/fiord-bench/fiord/host/runner"
)

// fresh are the names of the volumes made for one start of fio.
func fresh(volumes []runner.Volume) (names []string) {
	for _, v := range volumes {
		if v.Fresh {
			names = append(names, v.Name)
		}
	}
	return names
}

// removeVolumes removes volumes made for one start of fio, like remove. One
// that this host did not make stays: its name is no proof.
func (e *Engine) removeVolumes(names []string) {
	ctx, cancel := context.WithTimeout(context.Background(), removeTimeout)
	defer cancel()
	for _, name := range names {
		found, err := e.api.VolumeInspect(ctx, name)
		if err == nil && !e.made(found) {
			err = errNotOurs
		}
		if err == nil {
			err = e.api.VolumeRemove(ctx, name, true)
		}
		if err != nil && !errdefs.IsNotFound(err) {
			e.cfg.Log.Warn("volume is left behind", "volume", name, "error", err)
		}
	}
}

// errNotOurs is why a volume is not removed.
var errNotOurs = errors.New("fiord of this host did not make it")

// made reports whether this host's fiord made a volume, an earlier version of it
// included.
func (e *Engine) made(v volume.Volume) bool {
	by := v.Labels[LabelHost]
	return by != "" && (by == e.cfg.Host || slices.Contains(e.cfg.Former, by))
}

// ensureVolumes creates the volumes that do not exist, and judges all of them
// as the engine has them. A fresh one that an earlier start left is made again.
func (e *Engine) ensureVolumes(ctx context.Context, volumes []runner.Volume) error {
	e.removeVolumes(fresh(volumes))
	for _, v := range volumes {
		if _, err := e.ensureVolume(ctx, v); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) ensureVolume(ctx context.Context, v runner.Volume) (volume.Volume, error) {
	found, err := e.api.VolumeInspect(ctx, v.Name)
	if errdefs.IsNotFound(err) {
		// The engine answers with one that was made meanwhile, so what it has
		// now is judged in any case.
		_, err = e.api.VolumeCreate(ctx, volume.CreateOptions{
			Name: v.Name, Driver: v.Driver, DriverOpts: v.Options,
			Labels: map[string]string{LabelHost: e.cfg.Host},
		})
		if err != nil {
			return found, e.failure("create volume "+v.Name, err)
		}
		found, err = e.api.VolumeInspect(ctx, v.Name)
	}
	if err != nil {
		return found, e.failure("inspect volume "+v.Name, err)
	}
	return found, e.mayUse(v, found)
}

func (e *Engine) mayUse(asked runner.Volume, found volume.Volume) error {
	is := runner.Volume{Name: found.Name, Driver: found.Driver, Options: found.Options}
	if e.cfg.Volumes != nil {
		return e.cfg.Volumes.MayUse(asked, is, e.made(found))
	}
	if !e.made(found) || is.Driver != driverOf(asked) || !maps.Equal(is.Options, asked.Options) {
		return fmt.Errorf("%w: volume %s exists and was made otherwise", runner.ErrUnsupported, asked.Name)
	}
	return nil
}

func driverOf(v runner.Volume) string {
	if v.Driver == "" {
		return "local"
	}
	return v.Driver
}

// SharedVolumes names those volumes that other hosts see as well, as their
// drivers have it. What does not exist is made first: only then its driver says.
// A volume made for one start of fio is no other host's.
func (e *Engine) SharedVolumes(ctx context.Context, volumes []runner.Volume) ([]string, error) {
	volumes = slices.DeleteFunc(slices.Clone(volumes), func(v runner.Volume) bool { return v.Fresh })
	var shared []string
	for _, v := range volumes {
		info, err := e.ensureVolume(ctx, v)
		if err != nil {
			return nil, err
		}
		if info.Scope == "global" {
			shared = append(shared, v.Name)
		}
	}
	return shared, nil
}
