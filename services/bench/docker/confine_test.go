package docker

import (
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/host/runner/runnertest"
)

// bent changes a request as an adapter would; at is "" for the request itself
// or a field that is an object.
func bent(t *testing.T, body []byte, at, field string, to any) []byte {
	t.Helper()
	request := map[string]any{}
	if err := json.Unmarshal(body, &request); err != nil {
		t.Fatal(err)
	}
	in := request
	if at != "" {
		in = request[at].(map[string]any)
	}
	in[field] = to
	out, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

type object = map[string]any

// Every way in which an adapter could give a container more of the host.
var bends = []struct {
	at, field string
	to        any
}{
	{"HostConfig", "Privileged", true},
	{"HostConfig", "Binds", []string{"/:/host"}},
	{"HostConfig", "Binds", []string{"/var/run/docker.sock:/var/run/docker.sock"}},
	{"HostConfig", "Mounts", []object{{"Type": "bind", "Source": "/etc", "Target": "/etc"}}},
	{"HostConfig", "Mounts", []object{{"Type": "bind", "Source": "/", "Target": "/host", "BindOptions": object{"Propagation": "rshared"}}}},
	{"HostConfig", "Mounts", []object{{"Type": "volume", "Target": "/x", "VolumeOptions": object{"DriverConfig": object{"Name": "local", "Options": object{"type": "none", "o": "bind", "device": "/"}}}}}},
	{"HostConfig", "VolumesFrom", []string{"another"}},
	{"HostConfig", "VolumeDriver", "local-persist"},
	{"HostConfig", "Tmpfs", object{"/tmp": "exec,suid,dev"}},
	{"HostConfig", "Devices", []object{{"PathOnHost": "/dev/mem", "PathInContainer": "/dev/mem", "CgroupPermissions": "rwm"}}},
	{"HostConfig", "DeviceCgroupRules", []string{"a *:* rwm"}},
	{"HostConfig", "DeviceRequests", []object{{"Driver": "cdi", "DeviceIDs": []string{"vendor/class=all"}}}},
	{"HostConfig", "CapAdd", []string{"SYS_ADMIN"}},
	{"HostConfig", "CapDrop", []string{}},
	{"HostConfig", "SecurityOpt", []string{"no-new-privileges", "seccomp=unconfined"}},
	{"HostConfig", "SecurityOpt", []string{"apparmor=unconfined"}},
	{"HostConfig", "ReadonlyRootfs", false},
	{"HostConfig", "PidMode", "host"},
	{"HostConfig", "IpcMode", "host"},
	{"HostConfig", "UTSMode", "host"},
	{"HostConfig", "UsernsMode", "host"},
	{"HostConfig", "CgroupnsMode", "host"},
	{"HostConfig", "CgroupParent", "/"},
	{"HostConfig", "Runtime", "runc-unconfined"},
	{"HostConfig", "Sysctls", object{"kernel.core_pattern": "|/tmp/x"}},
	{"HostConfig", "MaskedPaths", []string{"/nothing"}},
	{"HostConfig", "GroupAdd", []string{"0"}},
	{"HostConfig", "Memory", 1 << 50},
	{"HostConfig", "PidsLimit", -1},
	{"HostConfig", "OomKillDisable", true},
	{"HostConfig", "OomScoreAdj", -1000},
	{"HostConfig", "Ulimits", []object{{"Name": "nofile", "Soft": 1 << 20, "Hard": 1 << 20}}},
	{"HostConfig", "ShmSize", 1 << 40},
	{"HostConfig", "Init", true},
	{"HostConfig", "AutoRemove", true},
	{"HostConfig", "RestartPolicy", object{"Name": "always"}},
	{"HostConfig", "NetworkMode", "host"},
	{"", "Volumes", object{"/x": object{}}},
	{"", "Image", "another"},
	{"", "Cmd", []string{"sh"}},
	{"", "Entrypoint", []string{"sh"}},
	{"", "User", "0:0"},
	{"", "WorkingDir", "/"},
	{"", "Healthcheck", object{"Test": []string{"CMD", "sh"}}},
	{"", "StopSignal", "SIGKILL"},
}

func TestAdaptersCannotUndoTheConfinement(t *testing.T) {
	e := newEngine(t, Config{})
	for _, b := range bends {
		name := strings.TrimPrefix(b.at+"."+b.field, ".")
		t.Run(name, func(t *testing.T) {
			e.cfg.Hooks = hooks{before: func(_ string, body []byte) ([]byte, error) { return bent(t, body, b.at, b.field, b.to), nil }}
			inv := runnertest.Job(t, "bent", "[a]\n")
			inv.User = &runner.User{UID: 12345, GID: 12345}
			_, err := e.create(t.Context(), inv)
			if !errors.Is(err, runner.ErrHook) || !strings.Contains(err.Error(), name) {
				t.Fatal(err)
			}
		})
	}
	nobody(t, e)
}

func TestAdaptersCannotForgeLabels(t *testing.T) {
	e := newEngine(t, Config{})
	for name, labels := range map[string]object{
		"label dev.fiord.run":   {LabelHost: e.cfg.Host, LabelRun: "other"},
		"label dev.fiord.fresh": {LabelFresh: "volume-of-another-application"},
	} {
		t.Run(name, func(t *testing.T) {
			e.cfg.Hooks = hooks{before: func(_ string, body []byte) ([]byte, error) {
				var request object
				if err := json.Unmarshal(body, &request); err != nil {
					return nil, err
				}
				all := request["Labels"].(object)
				for k, v := range labels {
					all[k] = v
				}
				return bent(t, body, "", "Labels", all), nil
			}}
			if _, err := e.create(t.Context(), runnertest.Job(t, "labels", "[a]\n")); !errors.Is(err, runner.ErrHook) || !strings.Contains(err.Error(), name) {
				t.Fatal(err)
			}
		})
	}
	nobody(t, e)
}

func TestAContainerInTheHostsNetworkByAnotherIsRefused(t *testing.T) {
	e := newEngine(t, Config{})
	out, err := exec.CommandContext(t.Context(), "docker", "create", "--network=host", testImage(), "fio").Output()
	if err != nil {
		t.Skipf("needs the engine's command: %v", err)
	}
	other := strings.TrimSpace(string(out))
	t.Cleanup(func() { _ = exec.CommandContext(context.Background(), "docker", "rm", "--force", other).Run() })
	e.cfg.Hooks = hooks{before: func(_ string, body []byte) ([]byte, error) {
		return bent(t, body, "HostConfig", "NetworkMode", "container:"+other), nil
	}}
	if _, err := e.create(t.Context(), runnertest.Job(t, "network", "[a]\n")); !errors.Is(err, runner.ErrHook) || !strings.Contains(err.Error(), "abstract sockets") {
		t.Fatal(err)
	}
	nobody(t, e)
}
