package source

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// tool is a command whose JSON lists machines as objects.
type tool struct {
	// keys that every machine of its has, by which it is known.
	keys []string
	// machine makes the one form of an object. One without an id is passed
	// over: it is no machine.
	machine func(object) instance.Instance
}

// tools by the kind of their documents. Which keys an object has tells them
// apart: no two have all of another's.
func tools() map[Kind]tool {
	return map[Kind]tool{
		OpenStack:     {[]string{"ID", "Name", "Status", "Networks"}, openStackMachine},
		DigitalOcean:  {[]string{"id", "name", "networks", "region", "status"}, digitalOceanMachine},
		Hetzner:       {[]string{"id", "name", "public_net", "server_type"}, hetznerMachine},
		Proxmox:       {[]string{"vmid", "node", "type"}, proxmoxMachine},
		DockerMachine: {[]string{"Driver", "DriverName", "HostOptions"}, dockerMachine},
	}
}

// toolOf finds out which tool printed a machine.
func toolOf(first map[string]json.RawMessage) (Kind, bool) {
	for kind, t := range tools() {
		if !slices.ContainsFunc(t.keys, func(key string) bool { return first[key] == nil }) {
			return kind, true
		}
	}
	return "", false
}

// firstObject is the document, or the first item of the list that it is.
func firstObject(raw []byte) map[string]json.RawMessage {
	var list []map[string]json.RawMessage
	if json.Unmarshal(raw, &list) == nil && len(list) > 0 {
		return list[0]
	}
	var one map[string]json.RawMessage
	if json.Unmarshal(raw, &one) == nil {
		return one
	}
	return nil
}

func (t tool) parse(raw []byte) ([]instance.Instance, error) {
	if raw = bytes.TrimSpace(raw); len(raw) > 0 && raw[0] == '{' {
		raw = slices.Concat([]byte{'['}, raw, []byte{']'})
	}
	items, err := list(raw)
	if err != nil {
		return nil, err
	}
	var out []instance.Instance
	for _, item := range items {
		i := t.machine(item)
		if i.Vars, err = instance.Encode(map[string]any(item)); err != nil {
			return nil, err
		}
		if i.ID != "" {
			out = append(out, i)
		}
	}
	return out, nil
}

var openStackStates = map[string]string{
	"ACTIVE": instance.StateRunning, "BUILD": instance.StatePending, "REBOOT": instance.StateRunning, "SHUTOFF": instance.StateStopped,
	"PAUSED": instance.StateStopped, "SUSPENDED": instance.StateStopped, "SHELVED": instance.StateStopped,
	"SHELVED_OFFLOADED": instance.StateStopped, "DELETED": instance.StateTerminated, "SOFT_DELETED": instance.StateTerminated,
}

// openStackMachine is one of `openstack server list --long -f json`. Networks
// are a dict of lists, or in old versions text: net=10.0.0.1, 192.0.2.1; b=…
func openStackMachine(o object) instance.Instance {
	i := instance.Instance{
		ID: o.text("ID"), Name: o.text("Name"), Provider: instance.OpenStack, State: translate(openStackStates, o.text("Status")),
		Type: first(o.text("Flavor Name"), o.text("Flavor")), Image: first(o.text("Image Name"), o.text("Image")),
		Zone: o.text("Availability Zone"), Tags: o.object("Properties").texts(),
	}
	if networks, ok := o["Networks"].(map[string]any); ok {
		for _, name := range sortedNames(networks) {
			addresses, _ := networks[name].([]any)
			for _, a := range addresses {
				if s, ok := a.(string); ok {
					place(&i.Addresses, s)
				}
			}
		}
		return i
	}
	for network := range strings.SplitSeq(o.text("Networks"), ";") {
		_, addresses, _ := strings.Cut(network, "=")
		for _, a := range commas(addresses) {
			place(&i.Addresses, a)
		}
	}
	return i
}

var digitalOceanStates = map[string]string{
	"new": instance.StatePending, "active": instance.StateRunning, "off": instance.StateStopped, "archive": instance.StateTerminated,
}

// digitalOceanMachine is one of `doctl compute droplet list -o json`. A tag
// reads key or key:value.
func digitalOceanMachine(o object) instance.Instance {
	i := instance.Instance{
		ID: o.text("id"), Name: o.text("name"), Provider: instance.DigitalOcean, Region: o.text("region", "slug"),
		State: translate(digitalOceanStates, o.text("status")), Type: o.text("size_slug"), Image: o.text("image", "slug"),
		Launched: moment(o.text("created_at")),
	}
	for _, version := range []string{"v4", "v6"} {
		for _, n := range o.objects("networks", version) {
			address := n.text("ip_address")
			switch {
			case version == "v6":
				i.Addresses.IPv6 = first(i.Addresses.IPv6, address)
			case n.text("type") == "public":
				i.Addresses.PublicIPv4 = first(i.Addresses.PublicIPv4, address)
			default:
				i.Addresses.PrivateIPv4 = first(i.Addresses.PrivateIPv4, address)
			}
		}
	}
	tags, _ := o["tags"].([]any)
	for _, t := range tags {
		if s, ok := t.(string); ok {
			if i.Tags == nil {
				i.Tags = map[string]string{}
			}
			key, value, _ := strings.Cut(s, ":")
			i.Tags[key] = value
		}
	}
	return i
}

var hetznerStates = map[string]string{
	"initializing": instance.StatePending, "starting": instance.StatePending, "running": instance.StateRunning, "migrating": instance.StateRunning,
	"stopping": instance.StateStopping, "off": instance.StateStopped, "deleting": instance.StateTerminated,
}

// hetznerMachine is one of `hcloud server list -o json`. The IPv6 address that
// it is reached at is the first of its network.
func hetznerMachine(o object) instance.Instance {
	i := instance.Instance{
		ID: o.text("id"), Name: o.text("name"), Provider: instance.Hetzner, Region: o.text("datacenter", "location", "name"),
		Zone: o.text("datacenter", "name"), State: translate(hetznerStates, o.text("status")), Type: o.text("server_type", "name"),
		Image: o.text("image", "name"), Tags: o.object("labels").texts(), Launched: moment(o.text("created")),
	}
	i.Addresses.PublicIPv4 = o.text("public_net", "ipv4", "ip")
	i.Addresses.PublicDNS = o.text("public_net", "ipv4", "dns_ptr")
	if network, _, ok := strings.Cut(o.text("public_net", "ipv6", "ip"), "/"); ok && strings.HasSuffix(network, "::") {
		i.Addresses.IPv6 = network + "1"
	}
	for _, n := range o.objects("private_net") {
		i.Addresses.PrivateIPv4 = first(i.Addresses.PrivateIPv4, n.text("ip"))
	}
	return i
}

// proxmoxMachine is one of `pvesh get /cluster/resources --type vm
// --output-format json`, which knows no addresses: a machine is reached by its
// name. Templates are no machines.
func proxmoxMachine(o object) instance.Instance {
	if o.text("template") == "1" || o["template"] == true {
		return instance.Instance{}
	}
	i := instance.Instance{
		ID: o.text("vmid"), Name: o.text("name"), Provider: instance.Proxmox, Zone: o.text("node"),
		State: translate(map[string]string{}, o.text("status")), Type: o.text("type"),
	}
	i.Addresses.PrivateDNS = i.Name
	for tag := range strings.FieldsFuncSeq(o.text("tags"), func(r rune) bool { return r == ';' || r == ',' }) {
		if i.Tags == nil {
			i.Tags = map[string]string{}
		}
		i.Tags[tag] = ""
	}
	return i
}

// dockerMachine is one of `docker-machine inspect NAME`.
func dockerMachine(o object) instance.Instance {
	name := first(o.text("Name"), o.text("Driver", "MachineName"))
	i := instance.Instance{
		ID: name, Name: name, Provider: instance.DockerMachine, Type: o.text("DriverName"), Region: o.text("Driver", "Region"),
		State: instance.StateRunning,
	}
	place(&i.Addresses, o.text("Driver", "IPAddress"))
	i.Addresses.PrivateIPv4 = first(i.Addresses.PrivateIPv4, o.text("Driver", "PrivateIPAddress"))
	return i
}

// prometheusMachines are those of a file_sd file: a target each, with the
// labels of its group.
func prometheusMachines(raw []byte) ([]instance.Instance, error) {
	groups, err := list(raw)
	if err != nil {
		return nil, err
	}
	var out []instance.Instance
	for _, g := range groups {
		targets, _ := g["targets"].([]any)
		for _, t := range targets {
			target, ok := t.(string)
			if !ok || target == "" {
				continue
			}
			host := hostOf(target)
			labels := g.object("labels").texts()
			vars, err := instance.Encode(map[string]any{"target": target, "labels": labels})
			if err != nil {
				return nil, err
			}
			i := instance.Instance{ID: host, Name: host, Provider: instance.Static, State: instance.StateRunning, Tags: labels, Vars: vars}
			place(&i.Addresses, host)
			out = append(out, i)
		}
	}
	return unified(out), nil
}

// unified keeps one of machines that are targets by several ports.
func unified(list []instance.Instance) []instance.Instance {
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(i instance.Instance) bool {
		again := seen[i.ID]
		seen[i.ID] = true
		return again
	})
}

// hostOf is a target's host, without its port.
func hostOf(target string) string {
	if strings.HasPrefix(target, "[") {
		host, _, _ := strings.Cut(target[1:], "]")
		return host
	}
	host, port, found := strings.Cut(target, ":")
	if _, err := strconv.Atoi(port); found && err != nil {
		return target // an IPv6 address by itself
	}
	return host
}
