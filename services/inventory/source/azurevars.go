package source

import (
	"crypto/sha1" //nolint:gosec // a name as Ansible's plugin makes it, no secret
	"encoding/hex"
	"maps"
	"strings"
)

// azureVars are the variables that Ansible's plugin makes of a machine, beside
// what the tool printed. Security groups, the names of public addresses and
// scale sets are not in the document.
func azureVars(i object) map[string]any {
	vars := maps.Clone(map[string]any(i))
	maps.Copy(vars, map[string]any{
		"mac_address":                texts(commas(i.text("macAddresses"))),
		"public_ipv4_addresses":      texts(commas(i.text("publicIps"))),
		"private_ipv4_addresses":     texts(commas(i.text("privateIps"))),
		"public_dns_hostnames":       texts(commas(i.text("fqdns"))),
		"availability_zone":          i["zones"],
		"computer_name":              i.at([]string{"osProfile", "computerName"}),
		"default_inventory_hostname": azureHostname(i),
		"os_profile":                 map[string]any{"system": azureSystem(i)},
		"plan":                       nil,
		"resource_group":             strings.ToLower(segmentAfter(i.text("id"), "resourceGroups")),
		"resource_type":              i["type"],
		"tags":                       map[string]any(i.object("tags")),
		"virtual_machine_size":       i.at([]string{"hardwareProfile", "vmSize"}),
		"vmid":                       i["vmId"],
		"vmss":                       map[string]any{},
	})
	if i.object("tags") == nil {
		vars["tags"] = map[string]any{}
	}
	if state := i.text("powerState"); state != "" {
		vars["powerstate"] = strings.TrimPrefix(state, "VM ")
	}
	if state := i.text("provisioningState"); state != "" {
		vars["provisioning_state"] = strings.ToLower(state)
	}
	names, ids := []any{}, []any{}
	for _, n := range i.objects("networkProfile", "networkInterfaces") {
		names, ids = append(names, lastSegment(n.text("id"))), append(ids, n["id"])
	}
	vars["network_interface"], vars["network_interface_id"] = names, ids
	azureDisks(i.object("storageProfile"), vars)
	return vars
}

// azureHostname tells machines of one name in several resource groups apart.
func azureHostname(i object) string {
	sum := sha1.Sum([]byte(i.text("id"))) //nolint:gosec // see above
	return i.text("name") + "_" + hex.EncodeToString(sum[:2])
}

func azureSystem(i object) string {
	profile := i.object("osProfile")
	switch {
	case profile.object("windowsConfiguration") != nil:
		return "windows"
	case profile.object("linuxConfiguration") != nil:
		return "linux"
	case profile != nil:
		return "unknown"
	}
	if system := strings.ToLower(i.text("storageProfile", "osDisk", "osType")); system == "linux" || system == "windows" {
		return system
	}
	return "unknown"
}

func azureDisks(storage object, vars map[string]any) {
	image, disk, data := map[string]any{}, map[string]any{}, []any{}
	if reference := storage.object("imageReference"); reference.text("publisher") != "" {
		for _, key := range []string{"sku", "publisher", "version", "offer"} {
			image[key] = reference[key]
		}
	} else if id := reference.text("id"); id != "" {
		image["id"] = id
	}
	if storage != nil {
		system := any(nil)
		if t := storage.text("osDisk", "osType"); t != "" {
			system = strings.ToLower(t)
		}
		disk = map[string]any{"name": storage.at([]string{"osDisk", "name"}), "operating_system_type": system, "id": storage.at([]string{"osDisk", "managedDisk", "id"})}
	}
	for _, d := range storage.objects("dataDisks") {
		data = append(data, map[string]any{"name": d["name"], "lun": d["lun"], "id": d.at([]string{"managedDisk", "id"})})
	}
	vars["image"], vars["os_disk"], vars["data_disks"] = image, disk, data
}

// texts is a list of texts in a document.
func texts(list []string) []any {
	out := make([]any, len(list))
	for n, s := range list {
		out[n] = s
	}
	return out
}
