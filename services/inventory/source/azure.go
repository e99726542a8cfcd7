package source

import (
	"strings"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// azureStates by what the tool shows. A deallocated machine is stopped and
// costs nothing; a stopped one still does.
var azureStates = map[string]string{
	"VM starting": instance.StatePending, "VM creating": instance.StatePending, "VM running": instance.StateRunning,
	"VM stopping": instance.StateStopping, "VM deallocating": instance.StateStopping,
	"VM stopped": instance.StateStopped, "VM deallocated": instance.StateStopped, "VM deleting": instance.StateTerminated,
}

func parseAzure(raw []byte) ([]instance.Instance, error) {
	items, err := list(raw)
	if err != nil {
		return nil, err
	}
	out := make([]instance.Instance, len(items))
	for n, i := range items {
		out[n] = instance.Instance{
			ID: i.text("vmId"), Name: i.text("name"), Provider: instance.Azure, Account: segmentAfter(i.text("id"), "subscriptions"),
			Region: i.text("location"), State: translate(azureStates, i.text("powerState")), Type: i.text("hardwareProfile", "vmSize"),
			Image: azureImage(i.object("storageProfile", "imageReference")), Tags: i.object("tags").texts(), Launched: moment(i.text("timeCreated")),
			Addresses: azureAddresses(i),
		}
		if zones, ok := i["zones"].([]any); ok && len(zones) > 0 {
			if zone, ok := zones[0].(string); ok {
				out[n].Zone = out[n].Region + "-" + zone
			}
		}
		if i.text("priority") == "Spot" {
			out[n].Lifecycle = "spot"
		}
		if out[n].Vars, err = instance.Encode(azureVars(i)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// azureAddresses are the first of each of the tool's comma-joined lists.
func azureAddresses(i object) (a instance.Addresses) {
	for _, address := range commas(i.text("publicIps")) {
		if strings.Contains(address, ":") {
			a.IPv6 = first(a.IPv6, address)
		} else {
			a.PublicIPv4 = first(a.PublicIPv4, address)
		}
	}
	for _, address := range commas(i.text("privateIps")) {
		if strings.Contains(address, ":") {
			a.IPv6 = first(a.IPv6, address)
		} else {
			a.PrivateIPv4 = first(a.PrivateIPv4, address)
		}
	}
	for _, name := range commas(i.text("fqdns")) {
		a.PublicDNS = first(a.PublicDNS, name)
	}
	return a
}

func commas(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func first(have, other string) string {
	if have != "" {
		return have
	}
	return other
}

// azureImage is the image's id, or publisher:offer:sku:version of a public one.
func azureImage(r object) string {
	if id := r.text("id"); id != "" {
		return id
	}
	if r.text("offer") == "" {
		return ""
	}
	return strings.Join([]string{r.text("publisher"), r.text("offer"), r.text("sku"), r.text("version")}, ":")
}
