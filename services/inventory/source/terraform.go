package source

import (
	"errors"
	"fmt"
	"strings"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// terraformMachines are the machines among the resources of a state, as
// Terraform and OpenTofu keep it (terraform.tfstate) or print it (show -json).
// They are known as instances by their type; a resource that isn't a machine is
// passed over. A state without any is an error, so that a provider that fiord
// doesn't know isn't taken for having none.
func terraformMachines(raw []byte) ([]instance.Instance, error) {
	v, err := instance.Decode(raw)
	if err != nil {
		return nil, err
	}
	doc, _ := v.(map[string]any)
	var out []instance.Instance
	var types []string
	err = eachResource(object(doc), func(kind, address string, attributes object) error {
		describe, known := terraformTypes[kind]
		if !known {
			types = append(types, kind)
			return nil
		}
		i := describe(attributes)
		i.Tags = first2(i.Tags, attributes.object("tags").texts(), attributes.object("labels").texts())
		i.Name = first(i.Name, first(i.Tags["Name"], first(attributes.text("name"), address)))
		i.ID = first(i.ID, attributes.text("id"))
		i.State = first(i.State, instance.StateRunning)
		var err error
		i.Vars, err = instance.Encode(withoutSecrets(attributes))
		out = append(out, i)
		return err
	})
	if err == nil && len(out) == 0 && len(types) > 0 {
		return nil, fmt.Errorf("no machine among %d resources (%s, …): fiord knows %s", len(types), types[0], strings.Join(sortedTypes(), ", "))
	}
	return out, err
}

func sortedTypes() []string {
	names := map[string]any{}
	for n := range terraformTypes {
		names[n] = nil
	}
	return sortedNames(names)
}

func first2(maps ...map[string]string) map[string]string {
	for _, m := range maps {
		if len(m) > 0 {
			return m
		}
	}
	return nil
}

// secretAttributes of machines are not for variables.
var secretAttributes = []string{"user_data", "user_data_base64", "password_data", "admin_pass", "admin_password", "custom_data", "root_pass", "connection_info", "metadata_startup_script"}

func withoutSecrets(attributes object) map[string]any {
	out := map[string]any{}
	for k, v := range attributes {
		out[k] = v
	}
	for _, k := range secretAttributes {
		delete(out, k)
	}
	return out
}

// terraformTypes are the resources that are machines.
var terraformTypes = map[string]func(object) instance.Instance{
	"aws_instance": func(o object) instance.Instance {
		zone := o.text("availability_zone")
		return instance.Instance{
			Provider: instance.AWS, Zone: zone, Region: regionOf.FindString(zone), Type: o.text("instance_type"), Image: o.text("ami"),
			KeyName: o.text("key_name"), State: o.text("instance_state"),
			Addresses: instance.Addresses{
				PublicIPv4: o.text("public_ip"), PrivateIPv4: o.text("private_ip"), PublicDNS: o.text("public_dns"), PrivateDNS: o.text("private_dns"),
			},
		}
	},
	"google_compute_instance": func(o object) instance.Instance {
		i := instance.Instance{
			ID: o.text("instance_id"), Provider: instance.GCP, Account: o.text("project"), Zone: o.text("zone"), Type: o.text("machine_type"),
			State: translate(gcloudStates, first(o.text("current_status"), "RUNNING")),
		}
		if cut := strings.LastIndexByte(i.Zone, '-'); cut > 0 {
			i.Region = i.Zone[:cut]
		}
		for _, n := range o.objects("network_interface") {
			i.Addresses.PrivateIPv4 = first(i.Addresses.PrivateIPv4, n.text("network_ip"))
			for _, c := range n.objects("access_config") {
				i.Addresses.PublicIPv4 = first(i.Addresses.PublicIPv4, c.text("nat_ip"))
			}
		}
		return i
	},
	"azurerm_linux_virtual_machine":   azureResource,
	"azurerm_windows_virtual_machine": azureResource,
	"digitalocean_droplet": func(o object) instance.Instance {
		return instance.Instance{
			Provider: instance.DigitalOcean, Region: o.text("region"), Type: o.text("size"), Image: o.text("image"),
			State:     translate(digitalOceanStates, o.text("status")),
			Addresses: instance.Addresses{PublicIPv4: o.text("ipv4_address"), PrivateIPv4: o.text("ipv4_address_private"), IPv6: o.text("ipv6_address")},
		}
	},
	"hcloud_server": func(o object) instance.Instance {
		return instance.Instance{
			Provider: instance.Hetzner, Region: o.text("location"), Zone: o.text("datacenter"), Type: o.text("server_type"), Image: o.text("image"),
			State: translate(hetznerStates, o.text("status")), Addresses: instance.Addresses{PublicIPv4: o.text("ipv4_address"), IPv6: o.text("ipv6_address")},
		}
	},
	"openstack_compute_instance_v2": func(o object) instance.Instance {
		i := instance.Instance{
			Provider: instance.OpenStack, Region: o.text("region"), Zone: o.text("availability_zone"), Type: o.text("flavor_name"),
			Image: o.text("image_name"), KeyName: o.text("key_pair"), Tags: o.object("metadata").texts(),
		}
		place(&i.Addresses, o.text("access_ip_v4"))
		place(&i.Addresses, strings.Trim(o.text("access_ip_v6"), "[]"))
		return i
	},
	"libvirt_domain": func(o object) instance.Instance {
		i := instance.Instance{Provider: instance.Libvirt, Type: o.text("type")}
		for _, n := range o.objects("network_interface") {
			addresses, _ := n["addresses"].([]any)
			for _, a := range addresses {
				if s, ok := a.(string); ok {
					place(&i.Addresses, s)
				}
			}
		}
		return i
	},
	"proxmox_vm_qemu": func(o object) instance.Instance {
		i := instance.Instance{Provider: instance.Proxmox, Zone: o.text("target_node"), Type: "qemu"}
		place(&i.Addresses, first(o.text("default_ipv4_address"), o.text("ssh_host")))
		return i
	},
}

func azureResource(o object) instance.Instance {
	return instance.Instance{
		ID: o.text("virtual_machine_id"), Provider: instance.Azure, Account: segmentAfter(o.text("id"), "subscriptions"), Region: o.text("location"),
		Zone: o.text("zone"), Type: o.text("size"),
		Addresses: instance.Addresses{PublicIPv4: o.text("public_ip_address"), PrivateIPv4: o.text("private_ip_address")},
	}
}

// eachResource walks both forms of a state.
func eachResource(doc object, visit func(kind, address string, attributes object) error) error {
	if values := doc.object("values", "root_module"); values != nil {
		return eachInModule(values, 0, visit)
	}
	for _, r := range doc.objects("resources") {
		if r.text("mode") == "data" {
			continue
		}
		for _, i := range r.objects("instances") {
			address := r.text("type") + "." + r.text("name")
			if key := i.text("index_key"); key != "" {
				address += "[" + key + "]"
			}
			if err := visit(r.text("type"), address, i.object("attributes")); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxModules bounds how deeply modules are nested.
const maxModules = 100

func eachInModule(m object, depth int, visit func(kind, address string, attributes object) error) error {
	if depth > maxModules {
		return errors.New("modules are nested too deeply")
	}
	for _, r := range m.objects("resources") {
		if r.text("mode") == "data" {
			continue
		}
		if err := visit(r.text("type"), r.text("address"), r.object("values")); err != nil {
			return err
		}
	}
	for _, child := range m.objects("child_modules") {
		if err := eachInModule(child, depth+1, visit); err != nil {
			return err
		}
	}
	return nil
}
