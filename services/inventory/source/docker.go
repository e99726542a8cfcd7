package source

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// maxInfo bounds an engine's answer, in bytes.
const maxInfo = 1 << 20

// Docker asks an engine for the host that it runs on. endpoint is as in
// DOCKER_HOST, unix:///var/run/docker.sock or tcp://host:2375.
func Docker(ctx context.Context, name, endpoint string) (instance.Instance, error) {
	client, base, address, err := dockerClient(endpoint)
	if err != nil {
		return instance.Instance{}, err
	}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/info", nil)
	if err != nil {
		return instance.Instance{}, fmt.Errorf("ask Docker engine %s: %w", endpoint, err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return instance.Instance{}, fmt.Errorf("ask Docker engine %s: %w", endpoint, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxInfo))
	if err != nil || resp.StatusCode != http.StatusOK {
		return instance.Instance{}, fmt.Errorf("ask Docker engine %s: %s, %v", endpoint, resp.Status, err)
	}
	return dockerHost(name, address, raw)
}

// dockerClient connects as the endpoint says, and tells the host's address.
func dockerClient(endpoint string) (client *http.Client, base, address string, err error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, "", "", fmt.Errorf("docker endpoint: %w", err)
	}
	switch u.Scheme {
	case "unix":
		dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", u.Path)
		}
		return &http.Client{Transport: &http.Transport{DialContext: dial}}, "http://docker", "127.0.0.1", nil
	case "tcp", "http":
		return &http.Client{Transport: &http.Transport{}}, "http://" + u.Host, u.Hostname(), nil
	}
	return nil, "", "", fmt.Errorf("docker endpoint %q: expected unix:// or tcp://", endpoint)
}

// dockerHost reads an engine's /info. What changes all the time, such as the
// number of containers, is left out: it would make a new inventory each time.
func dockerHost(source, address string, raw []byte) (instance.Instance, error) {
	var info struct {
		ID, Name, Architecture, OperatingSystem, KernelVersion, ServerVersion, Driver, OSType string

		NCPU     int
		MemTotal int64
		Labels   []string
		Plugins  struct{ Volume []string }
	}
	if err := json.Unmarshal(raw, &info); err != nil {
		return instance.Instance{}, fmt.Errorf("read Docker engine's info: %w", err)
	}
	vars, err := instance.Encode(map[string]any{
		"docker_architecture": info.Architecture, "docker_operating_system": info.OperatingSystem, "docker_kernel": info.KernelVersion,
		"docker_version": info.ServerVersion, "docker_storage_driver": info.Driver, "docker_os_type": info.OSType,
		"docker_cpus": info.NCPU, "docker_memory": info.MemTotal, "docker_volume_drivers": info.Plugins.Volume,
	})
	if err != nil {
		return instance.Instance{}, fmt.Errorf("read Docker engine's info: %w", err)
	}
	i := instance.Instance{
		ID: first(info.ID, info.Name), Name: info.Name, Provider: instance.Docker, Source: source, State: instance.StateRunning, Vars: vars,
		Tags: map[string]string{}, Addresses: instance.Addresses{PrivateDNS: info.Name},
	}
	for _, label := range info.Labels {
		k, v, _ := strings.Cut(label, "=")
		i.Tags[k] = v
	}
	if ip := net.ParseIP(address); ip == nil {
		i.Addresses.PrivateDNS = address
	} else if ip.To4() != nil {
		i.Addresses.PrivateIPv4 = address
	} else {
		i.Addresses.IPv6 = address
	}
	return i, i.Validate()
}
