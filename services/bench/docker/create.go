package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/docker/docker/api/types/blkiodev"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/go-units"

	"github.com/fiord-bench/fiord/host/runner"
)

// Labels of a container of ours.
const (
	LabelRun     = "dev.fiord.run"
	LabelAttempt = "dev.fiord.attempt"
	LabelHost    = "dev.fiord.host"
	LabelDir     = "dev.fiord.dir"
	LabelFresh   = "dev.fiord.fresh" // volumes that go with the container, by comma
)

// Logs of the container: fio's progress and complaints until they are copied
// into the invocation's directory. Bounded, because a job can print for ever.
var logOptions = map[string]string{"max-size": "8m", "max-file": "1"}

// defaultPIDs bounds a job that forks without end; fio starts one process per
// numjobs, so it is generous.
const defaultPIDs = 16 << 10

// hardened is what every container of ours starts from.
func (e *Engine) hardened() (*container.Config, *container.HostConfig) {
	pids := int64(defaultPIDs)
	return &container.Config{
			Image:           e.cfg.Image,
			Entrypoint:      []string{},
			NetworkDisabled: true,
			Labels:          map[string]string{LabelHost: e.cfg.Host},
			Env:             []string{"LC_ALL=C"},
		}, &container.HostConfig{
			NetworkMode:    "none",
			ReadonlyRootfs: true,
			CapDrop:        []string{"ALL"},
			SecurityOpt:    []string{"no-new-privileges", "seccomp=" + e.seccomp},
			Tmpfs:          map[string]string{"/tmp": "rw,noexec,nosuid,nodev,size=64m,mode=1777"},
			LogConfig:      container.LogConfig{Type: "json-file", Config: logOptions},
			Resources:      container.Resources{PidsLimit: &pids},
			RestartPolicy:  container.RestartPolicy{Name: container.RestartPolicyDisabled},
		}
}

// request is the body of POST /containers/create for an invocation.
func (e *Engine) request(inv runner.Invocation) *container.CreateRequest {
	cfg, host := e.hardened()
	cfg.Cmd = inv.Leash.Command(runner.Argv(inv.Dir, inv))
	cfg.WorkingDir = inv.WorkDir
	if cfg.WorkingDir == "" {
		cfg.WorkingDir = inv.Dir
	}
	cfg.Env = append(cfg.Env, inv.Env...)
	cfg.Labels[LabelRun] = inv.Key.Run
	cfg.Labels[LabelAttempt] = strconv.Itoa(inv.Key.Attempt)
	cfg.Labels[LabelDir] = inv.Dir
	if names := fresh(inv.Volumes); len(names) > 0 {
		cfg.Labels[LabelFresh] = strings.Join(names, ",")
	}
	cfg.User = e.user(inv)
	if e.remote {
		cfg.Volumes = map[string]struct{}{inv.Dir: {}} // anonymous, removed with the container
	} else {
		host.Mounts = append(host.Mounts, bind(inv.Dir, false))
	}
	for _, m := range inv.Mounts {
		host.Mounts = append(host.Mounts, bind(m.Path, m.ReadOnly))
	}
	if l := inv.Leash; l != nil {
		host.Mounts = append(host.Mounts, bind(l.Program, true), bind(filepath.Dir(l.Deadline), true))
	}
	for _, v := range inv.Volumes {
		host.Mounts = append(host.Mounts, mount.Mount{Type: mount.TypeVolume, Source: v.Name, Target: v.Target})
	}
	for _, d := range inv.Devices {
		perms := "r"
		if d.Write {
			perms = "rw"
		}
		host.Devices = append(host.Devices, container.DeviceMapping{PathOnHost: d.Path, PathInContainer: d.Path, CgroupPermissions: perms})
	}
	limit(&host.Resources, e.within(inv.Limits))
	return &container.CreateRequest{Config: cfg, HostConfig: host}
}

// user is who fio runs as: whom the invocation names, or else who owns its
// folder, which fio must write. The image's own user is not known here.
func (e *Engine) user(inv runner.Invocation) string {
	if inv.User != nil {
		return fmt.Sprintf("%d:%d", inv.User.UID, inv.User.GID)
	}
	if info, err := os.Stat(inv.Dir); err == nil && !e.remote {
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			return fmt.Sprintf("%d:%d", st.Uid, st.Gid)
		}
	}
	return "0:0" // who owns a fresh volume; without capabilities it is root in name only
}

// bind never creates its source: a directory that has gone is an error, not a
// fresh one owned by root.
func bind(path string, readOnly bool) mount.Mount {
	return mount.Mount{
		Type: mount.TypeBind, Source: path, Target: path, ReadOnly: readOnly,
		BindOptions: &mount.BindOptions{Propagation: mount.PropagationRPrivate},
	}
}

// within fills in the limit that every container has.
func (e *Engine) within(l runner.Limits) runner.Limits {
	if l.Memory == 0 {
		l.Memory = e.cfg.Memory
	}
	return l
}

func limit(r *container.Resources, l runner.Limits) {
	r.NanoCPUs = int64(l.CPUs * 1e9)
	r.CpusetCpus = l.CPUSet
	r.Memory, r.MemorySwap = l.Memory, l.Memory // the same: no swap on top
	if l.PIDs > 0 {
		r.PidsLimit = &l.PIDs
	}
	if l.Memlock > 0 {
		r.Ulimits = []*units.Ulimit{{Name: "memlock", Soft: l.Memlock, Hard: l.Memlock}}
	}
	r.BlkioDeviceReadBps = throttle(l.ReadBPS)
	r.BlkioDeviceWriteBps = throttle(l.WriteBPS)
	r.BlkioDeviceReadIOps = throttle(l.ReadIOPS)
	r.BlkioDeviceWriteIOps = throttle(l.WriteIOPS)
}

func throttle(rates map[string]uint64) []*blkiodev.ThrottleDevice {
	var out []*blkiodev.ThrottleDevice
	for _, path := range slices.Sorted(maps.Keys(rates)) {
		out = append(out, &blkiodev.ThrottleDevice{Path: path, Rate: rates[path]})
	}
	return out
}

// containerName lets the engine refuse a second start of one attempt.
func containerName(k runner.Key) string {
	return "fiord-" + k.Run + "-" + strconv.Itoa(k.Attempt)
}

// create makes the container, with the operator's adapters around the request
// and the confinement checked on what they made of it.
func (e *Engine) create(ctx context.Context, inv runner.Invocation) (string, error) {
	req := e.request(inv)
	path := "/v" + e.api.ClientVersion() + "/containers/create"
	req, body, err := e.before(ctx, path, req)
	if err != nil {
		return "", err
	}
	made, err := e.api.ContainerCreate(ctx, req.Config, req.HostConfig, req.NetworkingConfig, nil, containerName(inv.Key))
	if err != nil {
		return "", e.failure("create container", err)
	}
	for _, w := range made.Warnings {
		e.cfg.Log.Warn("engine warns", "run_id", inv.Key.Run, "warning", w)
	}
	if err := e.verify(ctx, made.ID, inv, req); err != nil {
		e.remove(made.ID)
		return "", err
	}
	if e.cfg.Hooks == nil {
		return made.ID, nil
	}
	answer, err := json.Marshal(made)
	if err == nil {
		_, err = e.cfg.Hooks.After(ctx, path, body, 201, answer)
	}
	if err != nil {
		e.remove(made.ID)
		return "", err
	}
	return made.ID, nil
}

// before lets the adapters change the request, and refuses what would undo
// the confinement.
func (e *Engine) before(ctx context.Context, path string, req *container.CreateRequest) (*container.CreateRequest, []byte, error) {
	if e.cfg.Hooks == nil {
		return req, nil, nil
	}
	body, err := json.Marshal(req)
	if err != nil {
		return nil, nil, fmt.Errorf("encode create request: %w", err)
	}
	changed, err := e.cfg.Hooks.Before(ctx, path, body)
	if err != nil {
		return nil, nil, err
	}
	final := &container.CreateRequest{}
	if err := json.NewDecoder(bytes.NewReader(changed)).Decode(final); err != nil {
		return nil, nil, fmt.Errorf("%w: create request is not JSON any more: %w", runner.ErrHook, err)
	}
	if err := confined(req, final); err != nil {
		return nil, nil, err
	}
	return final, changed, nil
}

// start starts the container between the adapters' hooks. The start request
// has no body, before or after.
func (e *Engine) start(ctx context.Context, id string) error {
	path := "/v" + e.api.ClientVersion() + "/containers/" + id + "/start"
	if e.cfg.Hooks != nil {
		if _, err := e.cfg.Hooks.Before(ctx, path, nil); err != nil {
			return err
		}
	}
	if err := e.api.ContainerStart(ctx, id, container.StartOptions{}); err != nil {
		return e.failure("start container", err)
	}
	if e.cfg.Hooks != nil {
		if _, err := e.cfg.Hooks.After(ctx, path, nil, 204, nil); err != nil {
			return err
		}
	}
	return nil
}

// checkRemote refuses what only a local engine can measure.
func checkRemote(inv runner.Invocation) error {
	if len(inv.Mounts) > 0 {
		return fmt.Errorf("%w: directory %s: a remote engine measures volumes only", runner.ErrUnsupported, filepath.Clean(inv.Mounts[0].Path))
	}
	if inv.Leash != nil {
		return fmt.Errorf("%w: a volume that other hosts see as well: the lease is kept by the clock of the engine's host, so the worker must run there", runner.ErrUnsupported)
	}
	if len(inv.Devices) > 0 {
		return fmt.Errorf("%w: device %s: a remote engine measures volumes only", runner.ErrUnsupported, inv.Devices[0].Path)
	}
	return nil
}
