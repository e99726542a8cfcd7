package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// engine is the little of a container engine's API that is needed here.
type engine struct{ client *http.Client }

// api is old enough for any engine of the last years.
const api = "http://engine/v1.41"

// label marks what this adapter made.
const label = "dev.fiord.adapter"

func newEngine(socket string) *engine {
	return &engine{client: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}}
}

func (e *engine) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, api+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := e.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, bytes.TrimSpace(text))
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

// network finds the network with the subnet, or makes one.
func (e *engine) network(ctx context.Context, subnet netip.Prefix) (string, error) {
	var all []struct {
		Name string `json:"Name"`
		IPAM struct {
			Config []struct {
				Subnet string `json:"Subnet"`
			} `json:"Config"`
		} `json:"IPAM"`
	}
	if err := e.call(ctx, http.MethodGet, "/networks", nil, &all); err != nil {
		return "", fmt.Errorf("list networks: %w", err)
	}
	for _, n := range all {
		for _, c := range n.IPAM.Config {
			if p, err := netip.ParsePrefix(c.Subnet); err == nil && p.Masked() == subnet.Masked() {
				return n.Name, nil
			}
		}
	}
	name := "fiord-" + strings.NewReplacer(".", "-", "/", "-", ":", "-").Replace(subnet.Masked().String())
	err := e.call(ctx, http.MethodPost, "/networks/create", map[string]any{
		"Name": name, "CheckDuplicate": true, "Internal": true, "Labels": map[string]string{label: "nethost"},
		"IPAM": map[string]any{"Config": []any{map[string]string{"Subnet": subnet.Masked().String()}}},
	}, nil)
	if err != nil {
		return "", fmt.Errorf("make network %s: %w", subnet, err)
	}
	return name, nil
}

// hold starts a container that does nothing but be in the network. It is made
// of the measured container's image, which is sure to hold fio and need hold
// nothing else: fio waiting for a client is as idle as can be. It carries the
// host's label, by which the worker clears it if this program dies.
func (e *engine) hold(ctx context.Context, image, network string, labels map[string]any) (string, error) {
	own := map[string]any{label: "nethost"}
	maps.Copy(own, labels)
	for _, run := range []string{"dev.fiord.run", "dev.fiord.attempt", "dev.fiord.dir"} {
		delete(own, run) // it is no run
	}
	var made struct {
		ID string `json:"Id"`
	}
	err := e.call(ctx, http.MethodPost, "/containers/create", map[string]any{
		"Image": image, "User": "0:0", "Entrypoint": []string{}, "Cmd": []string{"fio", "--server=sock:/tmp/hold"}, "Labels": own,
		"HostConfig": map[string]any{
			"NetworkMode": network, "ReadonlyRootfs": true, "CapDrop": []string{"ALL"},
			"Tmpfs":       map[string]string{"/tmp": "rw,noexec,nosuid,nodev,size=1m"},
			"SecurityOpt": []string{"no-new-privileges"},
		},
	}, &made)
	if err != nil {
		return "", fmt.Errorf("make network holder: %w", err)
	}
	if err := e.call(ctx, http.MethodPost, "/containers/"+made.ID+"/start", nil, nil); err != nil {
		_ = e.remove(ctx, made.ID)
		return "", fmt.Errorf("start network holder: %w", err)
	}
	return made.ID, nil
}

// awaitRemoval returns when a container is gone.
func (e *engine) awaitRemoval(ctx context.Context, id string) error {
	var status struct{}
	return e.call(ctx, http.MethodPost, "/containers/"+url.PathEscape(id)+"/wait?condition=removed", nil, &status)
}

func (e *engine) remove(ctx context.Context, id string) error {
	return e.call(ctx, http.MethodDelete, "/containers/"+url.PathEscape(id)+"?force=true&v=true", nil, nil)
}
