package plan

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/block"
	"github.com/fiord-bench/fiord/host/guard"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/bus"
)

// volumePrefix marks a volume among the names in Settings.Shared.
const volumePrefix = "volume:"

// ValidShared reports what is wrong with a name in Settings.Shared.
func ValidShared(name string) error {
	switch {
	case strings.HasPrefix(name, volumePrefix) && name != volumePrefix:
		return nil
	case filepath.IsAbs(name) && filepath.Clean(name) == name && !strings.HasPrefix(name, "/dev/"):
		return nil
	}
	if err := (guard.Device{ID: name}).Validate(); err != nil {
		return fmt.Errorf("shared: %w, a clean absolute folder, or %sNAME", err, volumePrefix)
	}
	return nil
}

// networkFileSystems are types of mounts that other hosts have as well.
var networkFileSystems = []string{
	"nfs", "nfs4", "cifs", "smb3", "ceph", "fuse.glusterfs", "glusterfs", "lustre", "gpfs", "beegfs",
	"ocfs2", "gfs2", "orangefs", "afs", "9p", "virtiofs", "fuse.sshfs", "fuse.ceph-fuse",
}

// volumeSharer is a runner that knows volumes which other hosts see.
type volumeSharer interface {
	SharedVolumes(ctx context.Context, volumes []runner.Volume) ([]string, error)
}

// Shared names what a plan uses and other hosts see as well, as keys of the
// leases' bucket: the same on every host.
func (p *Planner) Shared(ctx context.Context, made *Plan) ([]string, error) {
	names, err := sharedDisks(block.System{}, p.Settings.Shared, made.Grant.Touched)
	if err != nil {
		return nil, err
	}
	folders, err := sharedFolders(block.System{}, p.Settings.Shared, made.Grant.Mounts)
	if err != nil {
		return nil, err
	}
	volumes, err := p.sharedVolumes(ctx, made.Volumes)
	if err != nil {
		return nil, err
	}
	names = slices.Concat(names, folders, volumes)
	for i, name := range names {
		kind, id, _ := strings.Cut(name, ":")
		names[i] = kind + "." + events.Token(id)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// sharedDisks are disks of a network, and those that the owner says are shared.
func sharedDisks(sys block.System, owners []string, disks []string) (names []string, err error) {
	for _, disk := range disks {
		d, err := sys.Device(disk)
		if errors.Is(err, block.ErrNotBlock) {
			continue
		}
		if err != nil {
			return nil, err
		}
		said, err := saidShared(sys, owners, d)
		if err != nil {
			return nil, err
		}
		switch id := d.Identity(); {
		case id != "" && (said != "" || d.Fabric != ""):
			names = append(names, id)
		case said != "":
			names = append(names, "device:"+said) // the owner's name for it must do on every host
		case d.Fabric != "":
			return nil, fmt.Errorf("%w: disk %s is reached by %s and has no WWN or serial number by which other hosts know it: name it in shared",
				runner.ErrUnsupported, disk, d.Fabric)
		}
	}
	return names, nil
}

func saidShared(sys block.System, owners []string, d block.Device) (string, error) {
	for _, name := range owners {
		if (guard.Device{ID: name}).Validate() != nil {
			continue // a folder or volume
		}
		match, err := guard.Device{ID: name}.Matches(sys, d)
		if match || err != nil {
			return name, err
		}
	}
	return "", nil
}

// sharedFolders are folders on file systems of a network, and those that the
// owner says are shared.
func sharedFolders(sys block.System, owners []string, mounts []runner.Mount) (names []string, err error) {
	for _, m := range mounts {
		real, err := filepath.EvalSymlinks(m.Path)
		if err != nil {
			return nil, fmt.Errorf("look at folder: %w", err)
		}
		on, _, err := sys.Under(real)
		if err != nil {
			return nil, err
		}
		if slices.Contains(networkFileSystems, on.Type) {
			names = append(names, "mount:"+on.Source)
			continue
		}
		for _, name := range owners {
			if filepath.IsAbs(name) && (m.Path == name || strings.HasPrefix(m.Path, name+"/")) {
				names = append(names, "folder:"+name)
			}
		}
	}
	return names, nil
}

// sharedVolumes are volumes whose driver serves several hosts, local ones that
// mount a file system of a network, and those that the owner says are shared.
func (p *Planner) sharedVolumes(ctx context.Context, volumes []runner.Volume) (names []string, err error) {
	var global []string
	if r, ok := p.Runner.(volumeSharer); ok && len(volumes) > 0 {
		if global, err = r.SharedVolumes(ctx, volumes); err != nil {
			if errors.Is(err, runner.ErrUnavailable) {
				return nil, bus.Unavailable(err)
			}
			return nil, err
		}
	}
	for _, v := range volumes {
		switch {
		case slices.Contains(networkFileSystems, v.Options["type"]):
			names = append(names, "mount:"+v.Options["device"]+","+v.Options["o"])
		case slices.Contains(global, v.Name), slices.Contains(p.Settings.Shared, volumePrefix+v.Name):
			names = append(names, volumePrefix+v.Driver+"/"+v.Name)
		}
	}
	return names, nil
}
