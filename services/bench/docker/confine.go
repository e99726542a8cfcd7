package docker

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/docker/docker/api/types/container"

	"github.com/fiord-bench/fiord/host/runner"
)

// confined compares the request that the guard has approved with what the
// adapters made of it. Adapters may change the network, names, labels of their
// own, environment and log settings; whatever could reach more of the host's
// disks, or loosen the container, must be as it was.
func confined(approved, final *container.CreateRequest) error {
	if final.Config == nil || final.HostConfig == nil {
		return fmt.Errorf("%w: adapter left out the container's configuration", runner.ErrHook)
	}
	for _, f := range confinedFields(approved, final) {
		if !reflect.DeepEqual(f.was, f.is) {
			return fmt.Errorf("%w: adapter changed %s, which only the host's policy may", runner.ErrHook, f.name)
		}
	}
	for label, value := range approved.Labels {
		if final.Labels[label] != value {
			return fmt.Errorf("%w: adapter changed label %s", runner.ErrHook, label)
		}
	}
	if !slices.Contains(final.HostConfig.SecurityOpt, "no-new-privileges") {
		return fmt.Errorf("%w: adapter took no-new-privileges away", runner.ErrHook)
	}
	return nil
}

type field struct {
	name    string
	was, is any
}

func confinedFields(a, b *container.CreateRequest) []field {
	ah, bh := a.HostConfig, b.HostConfig
	return []field{
		{"Image", a.Image, b.Image},
		{"Cmd", list(a.Cmd), list(b.Cmd)},
		{"Entrypoint", list(a.Entrypoint), list(b.Entrypoint)},
		{"User", a.User, b.User},
		{"WorkingDir", a.WorkingDir, b.WorkingDir},
		{"Volumes", a.Volumes, b.Volumes},
		{"HostConfig.Binds", list(ah.Binds), list(bh.Binds)},
		{"HostConfig.Mounts", ah.Mounts, bh.Mounts},
		{"HostConfig.VolumesFrom", list(ah.VolumesFrom), list(bh.VolumesFrom)},
		{"HostConfig.Tmpfs", ah.Tmpfs, bh.Tmpfs},
		{"HostConfig.Devices", devices(ah.Devices), devices(bh.Devices)},
		{"HostConfig.DeviceCgroupRules", list(ah.DeviceCgroupRules), list(bh.DeviceCgroupRules)},
		{"HostConfig.DeviceRequests", len(ah.DeviceRequests), len(bh.DeviceRequests)},
		{"HostConfig.Privileged", ah.Privileged, bh.Privileged},
		{"HostConfig.CapAdd", list(ah.CapAdd), list(bh.CapAdd)},
		{"HostConfig.CapDrop", list(ah.CapDrop), list(bh.CapDrop)},
		{"HostConfig.SecurityOpt", list(ah.SecurityOpt), list(bh.SecurityOpt)},
		{"HostConfig.ReadonlyRootfs", ah.ReadonlyRootfs, bh.ReadonlyRootfs},
		{"HostConfig.PidMode", ah.PidMode, bh.PidMode},
		{"HostConfig.IpcMode", ah.IpcMode, bh.IpcMode},
		{"HostConfig.UTSMode", ah.UTSMode, bh.UTSMode},
		{"HostConfig.UsernsMode", ah.UsernsMode, bh.UsernsMode},
		{"HostConfig.CgroupParent", ah.CgroupParent, bh.CgroupParent},
		{"HostConfig.CgroupnsMode", ah.CgroupnsMode, bh.CgroupnsMode},
		{"HostConfig.GroupAdd", list(ah.GroupAdd), list(bh.GroupAdd)},
		{"HostConfig.Runtime", ah.Runtime, bh.Runtime},
		{"HostConfig.Sysctls", ah.Sysctls, bh.Sysctls},
		{"HostConfig.MaskedPaths", list(ah.MaskedPaths), list(bh.MaskedPaths)},
		{"HostConfig.ReadonlyPaths", list(ah.ReadonlyPaths), list(bh.ReadonlyPaths)},
		{"HostConfig.AutoRemove", ah.AutoRemove, bh.AutoRemove},
	}
}

// list makes nil and empty the same: JSON does not keep them apart.
func list[T ~[]string](s T) []string { return append([]string{}, s...) }

func devices(s []container.DeviceMapping) []container.DeviceMapping {
	return append([]container.DeviceMapping{}, s...)
}
