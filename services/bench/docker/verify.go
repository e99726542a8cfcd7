package docker

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"github.com/fiord-bench/fiord/host/runner"
)

// verify looks at a container as the engine has made it, before anything runs
// in it: what it mounts, and whether it is confined. Between the request and
// this there are adapters, the engine's own defaults and whatever sits before
// its socket, and none of them may add to what the owner allows.
func (e *Engine) verify(ctx context.Context, id string, inv runner.Invocation, req *container.CreateRequest) error {
	made, err := e.api.ContainerInspect(ctx, id)
	if err != nil {
		return e.failure("inspect container", err)
	}
	for _, m := range made.Mounts {
		if why := unasked(m, inv, req, made.Config.Volumes); why != "" {
			return fmt.Errorf("%w: the container that the engine made mounts %s at %s, %s", runner.ErrHook, source(m), m.Destination, why)
		}
	}
	h := made.HostConfig
	switch {
	case h.Privileged, len(h.CapAdd) > 0, !slices.Contains(h.CapDrop, "ALL"), !slices.Contains(h.SecurityOpt, "no-new-privileges"):
		return fmt.Errorf("%w: the container that the engine made has more privileges than it was given", runner.ErrHook)
	case len(h.Devices) != len(inv.Devices), len(h.DeviceRequests) > 0, len(h.DeviceCgroupRules) > 0:
		return fmt.Errorf("%w: the container that the engine made has other devices than it was given", runner.ErrHook)
	case len(h.VolumesFrom) > 0:
		return fmt.Errorf("%w: the container that the engine made has the volumes of %v", runner.ErrHook, h.VolumesFrom)
	}
	return e.verifyNetwork(ctx, h.NetworkMode)
}

// verifyNetwork refuses the host's network, also by way of another container.
func (e *Engine) verifyNetwork(ctx context.Context, mode container.NetworkMode) error {
	for range 8 { // a chain of containers, each in the next one's
		if mode.IsHost() {
			return fmt.Errorf("%w: the container's network is the host's: %w", runner.ErrHook, errHostNetwork)
		}
		if !mode.IsContainer() {
			return nil
		}
		other, err := e.api.ContainerInspect(ctx, mode.ConnectedContainer())
		if err != nil {
			return e.failure("inspect container that shares its network", err)
		}
		mode = other.HostConfig.NetworkMode
	}
	return fmt.Errorf("%w: the container's network leads from one container to the next", runner.ErrHook)
}

// anonymous are the names that the engine makes up.
var anonymous = regexp.MustCompile(`^[0-9a-f]{64}$`)

func source(m container.MountPoint) string {
	if m.Name != "" {
		return "volume " + m.Name
	}
	return m.Source
}

// unasked says why a mount is not one that was asked for, empty if it is. The
// image may declare anonymous volumes of its own.
func unasked(m container.MountPoint, inv runner.Invocation, req *container.CreateRequest, declared map[string]struct{}) string {
	switch m.Type {
	case mount.TypeBind:
		ok := slices.ContainsFunc(req.HostConfig.Mounts, func(r mount.Mount) bool {
			return r.Type == mount.TypeBind && r.Source == m.Source && r.Target == m.Destination && r.ReadOnly == !m.RW
		})
		if ok && (m.Propagation == mount.PropagationRPrivate || m.Propagation == mount.PropagationPrivate) {
			return ""
		}
	case mount.TypeTmpfs:
		if _, ok := req.HostConfig.Tmpfs[m.Destination]; ok {
			return ""
		}
	case mount.TypeVolume:
		if slices.ContainsFunc(inv.Volumes, func(v runner.Volume) bool {
			return v.Name == m.Name && v.Target == m.Destination && driverOf(v) == m.Driver
		}) {
			return ""
		}
		if _, own := declared[m.Destination]; own && m.Driver == "local" && anonymous.MatchString(m.Name) {
			return "" // removed with the container
		}
	}
	return "which was not asked for"
}
