package source_test

import (
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/services/inventory/instance"
	"github.com/fiord-bench/fiord/services/inventory/source"
)

// printed is what each tool prints for a machine, and what must be known of it.
var printed = map[source.Kind]struct {
	text string
	want instance.Instance
}{
	source.OpenStack: {
		`[{"ID": "u-1", "Name": "web", "Status": "ACTIVE", "Networks": {"lan": ["10.0.0.5", "203.0.113.5"], "v6": ["2001:db8::5"]}, "Image Name": "debian", "Flavor Name": "m1.small", "Properties": {"role": "web"}}]`,
		instance.Instance{ID: "u-1", Name: "web", Provider: instance.OpenStack, State: instance.StateRunning, Type: "m1.small", Image: "debian", Tags: map[string]string{"role": "web"},
			Addresses: instance.Addresses{PrivateIPv4: "10.0.0.5", PublicIPv4: "203.0.113.5", IPv6: "2001:db8::5"}},
	},
	source.DigitalOcean: {
		`[{"id": 42, "name": "web", "status": "active", "region": {"slug": "fra1"}, "size_slug": "s-1vcpu-1gb", "image": {"slug": "debian-12-x64"}, "tags": ["web", "env:prod"],
		  "networks": {"v4": [{"ip_address": "10.1.0.2", "type": "private"}, {"ip_address": "203.0.113.6", "type": "public"}], "v6": [{"ip_address": "2001:db8::6", "type": "public"}]}}]`,
		instance.Instance{ID: "42", Name: "web", Provider: instance.DigitalOcean, Region: "fra1", State: instance.StateRunning, Type: "s-1vcpu-1gb", Image: "debian-12-x64",
			Tags: map[string]string{"web": "", "env": "prod"}, Addresses: instance.Addresses{PrivateIPv4: "10.1.0.2", PublicIPv4: "203.0.113.6", IPv6: "2001:db8::6"}},
	},
	source.Hetzner: {
		`[{"id": 7, "name": "web", "status": "off", "server_type": {"name": "cx22"}, "datacenter": {"name": "fsn1-dc14", "location": {"name": "fsn1"}}, "labels": {"env": "prod"},
		  "public_net": {"ipv4": {"ip": "203.0.113.7", "dns_ptr": "web.example"}, "ipv6": {"ip": "2001:db8:7::/64"}}, "private_net": [{"ip": "10.0.0.7"}]}]`,
		instance.Instance{ID: "7", Name: "web", Provider: instance.Hetzner, Region: "fsn1", Zone: "fsn1-dc14", State: instance.StateStopped, Type: "cx22", Tags: map[string]string{"env": "prod"},
			Addresses: instance.Addresses{PublicIPv4: "203.0.113.7", PublicDNS: "web.example", IPv6: "2001:db8:7::1", PrivateIPv4: "10.0.0.7"}},
	},
	source.Proxmox: {
		`[{"vmid": 100, "name": "web", "node": "pve1", "type": "qemu", "status": "running", "template": 0, "tags": "prod;web"}, {"vmid": 9000, "name": "tmpl", "node": "pve1", "type": "qemu", "template": 1}]`,
		instance.Instance{ID: "100", Name: "web", Provider: instance.Proxmox, Zone: "pve1", State: instance.StateRunning, Type: "qemu", Tags: map[string]string{"prod": "", "web": ""},
			Addresses: instance.Addresses{PrivateDNS: "web"}},
	},
	source.DockerMachine: {
		`{"ConfigVersion": 3, "Driver": {"IPAddress": "192.168.99.100", "MachineName": "dev"}, "DriverName": "virtualbox", "HostOptions": {}, "Name": "dev"}`,
		instance.Instance{ID: "dev", Name: "dev", Provider: instance.DockerMachine, State: instance.StateRunning, Type: "virtualbox", Addresses: instance.Addresses{PrivateIPv4: "192.168.99.100"}},
	},
	source.Terraform: {
		`{"version": 4, "terraform_version": "1.9.0", "resources": [{"mode": "data", "type": "aws_instance", "instances": [{"attributes": {"id": "i-0"}}]}, {"mode": "managed", "type": "aws_vpc", "name": "v", "instances": [{"attributes": {"id": "vpc-1"}}]},
		  {"mode": "managed", "type": "aws_instance", "name": "web", "instances": [{"index_key": 0, "attributes": {"id": "i-1", "availability_zone": "eu-west-1a", "instance_type": "t3.micro", "instance_state": "running", "private_ip": "10.0.0.1", "user_data": "s3cret", "tags": {"Name": "web"}}}]}]}`,
		instance.Instance{ID: "i-1", Name: "web", Provider: instance.AWS, Region: "eu-west-1", Zone: "eu-west-1a", State: instance.StateRunning, Type: "t3.micro", Tags: map[string]string{"Name": "web"},
			Addresses: instance.Addresses{PrivateIPv4: "10.0.0.1"}},
	},
	source.Prometheus: {
		`[{"targets": ["10.0.0.1:9100", "10.0.0.1:9090"], "labels": {"job": "node"}}]`,
		instance.Instance{ID: "10.0.0.1", Name: "10.0.0.1", Provider: instance.Static, State: instance.StateRunning, Tags: map[string]string{"job": "node"}, Addresses: instance.Addresses{PrivateIPv4: "10.0.0.1"}},
	},
}

func TestEachToolsDocumentIsRead(t *testing.T) {
	for want, tc := range printed {
		kind, list, err := source.Read([]byte(tc.text), "")
		if err != nil || kind != want || len(list) != 1 {
			t.Errorf("%s: detected %q, %d machines, %v", want, kind, len(list), err)
			continue
		}
		got := list[0]
		if strings.Contains(string(got.Vars), "s3cret") || len(got.Vars) == 0 {
			t.Errorf("%s: variables %s", want, got.Vars)
		}
		got.Vars, got.Source = nil, ""
		g, _ := instance.Encode(got)
		w, _ := instance.Encode(tc.want)
		if string(g) != string(w) {
			t.Errorf("%s:\n%s, want\n%s", want, g, w)
		}
	}
}

func TestTerraformPrintsMachinesOfModules(t *testing.T) {
	shown := `{"format_version": "1.0", "terraform_version": "1.9.0", "values": {"root_module": {"child_modules": [{"resources": [
		{"address": "module.m.hcloud_server.web", "mode": "managed", "type": "hcloud_server", "values": {"id": "8", "name": "web", "ipv4_address": "203.0.113.8", "status": "running"}}]}]}}}`
	_, list, err := source.Read([]byte(shown), "")
	if err != nil || len(list) != 1 || list[0].Provider != instance.Hetzner || list[0].Addresses.PublicIPv4 != "203.0.113.8" {
		t.Errorf("%+v, %v", list, err)
	}
	_, _, err = source.Read([]byte(`{"terraform_version": "1", "resources": [{"mode": "managed", "type": "aws_vpc", "instances": [{"attributes": {}}]}]}`), "")
	if err == nil || !strings.Contains(err.Error(), "no machine among 1 resources") {
		t.Errorf("a state without machines: %v", err)
	}
}
