package docker

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"

	"github.com/fiord-bench/fiord/host/runner"
)

// adaptable are the fields that adapters may change: the container's name on a
// network and the network itself, environment, and what becomes of its output.
// Every other field, one that a later engine adds as well, must be as the guard
// approved it: most of them could reach more of the host or loosen the container.
var adaptable = []string{
	"Hostname", "Domainname", "MacAddress", "NetworkDisabled", "ExposedPorts", "Env", "Labels", "NetworkingConfig",
	"HostConfig.NetworkMode", "HostConfig.PortBindings", "HostConfig.PublishAllPorts", "HostConfig.Dns", "HostConfig.DnsOptions",
	"HostConfig.DnsSearch", "HostConfig.ExtraHosts", "HostConfig.Links", "HostConfig.LogConfig", "HostConfig.Annotations",
}

// confined compares the request that the guard has approved with what the
// adapters made of it.
func confined(approved, final *container.CreateRequest) error {
	if final.Config == nil || final.HostConfig == nil {
		return fmt.Errorf("%w: adapter left out the container's configuration", runner.ErrHook)
	}
	was, err := tree(approved)
	if err != nil {
		return err
	}
	is, err := tree(final)
	if err != nil {
		return err
	}
	if name := differs(was, is, ""); name != "" {
		return fmt.Errorf("%w: adapter changed %s, which only the host's policy may", runner.ErrHook, name)
	}
	for label, value := range approved.Labels {
		if final.Labels[label] != value {
			return fmt.Errorf("%w: adapter changed label %s", runner.ErrHook, label)
		}
	}
	for label := range final.Labels {
		if _, known := approved.Labels[label]; !known && strings.HasPrefix(label, labelPrefix) {
			return fmt.Errorf("%w: adapter added label %s, which is fiord's", runner.ErrHook, label)
		}
	}
	if mode := final.HostConfig.NetworkMode; mode.IsHost() {
		return fmt.Errorf("%w: adapter set HostConfig.NetworkMode to host: %w", runner.ErrHook, errHostNetwork)
	}
	return nil
}

// errHostNetwork is why a container does not share the host's network.
var errHostNetwork = errors.New("it would share the abstract sockets of the host, which engines and desktops listen on; give it a network of its own")

// labelPrefix begins all labels of ours.
const labelPrefix = "dev.fiord."

// tree is a request as the engine will read it.
func tree(r *container.CreateRequest) (map[string]any, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode create request: %w", err)
	}
	out := map[string]any{}
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, fmt.Errorf("decode create request: %w", err)
	}
	return out, nil
}

// differs names the first field that is not as it was and had to be, empty if
// there is none.
func differs(was, is map[string]any, under string) string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(was)), maps.Keys(is))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		full := under + name
		if slices.Contains(adaptable, full) {
			continue
		}
		a, b := was[name], is[name]
		if name == "HostConfig" && under == "" {
			aa, _ := a.(map[string]any)
			bb, _ := b.(map[string]any)
			if found := differs(aa, bb, name+"."); found != "" {
				return found
			}
			continue
		}
		if !empty(a) || !empty(b) {
			if !reflect.DeepEqual(a, b) {
				return full
			}
		}
	}
	return ""
}

// empty makes what is left out, null and empty the same, as the engine does.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}
