package source

import (
	"maps"
	"strings"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// gcloudStates in the one form's words. TERMINATED is a machine that was
// stopped and can be started again.
var gcloudStates = map[string]string{
	"PROVISIONING": instance.StatePending, "STAGING": instance.StatePending, "RUNNING": instance.StateRunning, "REPAIRING": instance.StatePending,
	"STOPPING": instance.StateStopping, "SUSPENDING": instance.StateStopping, "SUSPENDED": instance.StateStopped, "TERMINATED": instance.StateStopped,
}

func parseGCloud(raw []byte) ([]instance.Instance, error) {
	items, err := list(raw)
	if err != nil {
		return nil, err
	}
	out := make([]instance.Instance, len(items))
	for n, i := range items {
		zone := lastSegment(i.text("zone"))
		region := zone
		if cut := strings.LastIndexByte(zone, '-'); cut > 0 {
			region = zone[:cut]
		}
		out[n] = instance.Instance{
			ID: i.text("id"), Name: i.text("name"), Provider: instance.GCP, Account: segmentAfter(i.text("selfLink"), "projects"),
			Region: region, Zone: zone, State: translate(gcloudStates, i.text("status")), Type: lastSegment(i.text("machineType")),
			Tags: i.object("labels").texts(), Launched: moment(i.text("creationTimestamp")), Addresses: gcloudAddresses(i),
		}
		if i.text("scheduling", "provisioningModel") == "SPOT" || i.object("scheduling")["preemptible"] == true {
			out[n].Lifecycle = "spot"
		}
		if out[n].Vars, err = instance.Encode(gcloudVars(i)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// gcloudVars are the variables that Ansible's plugin makes of a machine: names
// instead of URLs, metadata by key. Which image a disk was made of is not in
// the document.
func gcloudVars(i object) map[string]any {
	vars := maps.Clone(map[string]any(i))
	for _, key := range []string{"zone", "machineType"} {
		if url := i.text(key); url != "" {
			vars[key+"_selflink"], vars[key] = url, lastSegment(url)
		}
	}
	if interfaces := i.objects("networkInterfaces"); len(interfaces) > 0 {
		list := make([]any, len(interfaces))
		for n, interfaceOf := range interfaces {
			named := maps.Clone(map[string]any(interfaceOf))
			for _, key := range []string{"network", "subnetwork"} {
				if url := interfaceOf.text(key); url != "" {
					named[key] = gcloudNetwork(url)
				}
			}
			list[n] = named
		}
		vars["networkInterfaces"] = list
	}
	if i.object("metadata") != nil {
		metadata := map[string]any{}
		for _, pair := range i.objects("metadata", "items") {
			metadata[pair.text("key")] = pair["value"]
		}
		vars["metadata"] = metadata
	}
	if project := segmentAfter(i.text("selfLink"), "projects"); project != "" {
		vars["project"] = project
	}
	vars["image"] = nil
	return vars
}

// gcloudNetwork is a network or a part of one, with its region.
func gcloudNetwork(url string) map[string]any {
	region := segmentAfter(url, "regions")
	if region == "" {
		region = "global"
	}
	return map[string]any{"name": lastSegment(url), "region": region, "selfLink": url}
}

// gcloudAddresses are those of the first interface that has any.
func gcloudAddresses(i object) (a instance.Addresses) {
	for _, n := range i.objects("networkInterfaces") {
		if a.PrivateIPv4 == "" {
			a.PrivateIPv4 = n.text("networkIP")
		}
		for _, c := range n.objects("accessConfigs") {
			if a.PublicIPv4 == "" {
				a.PublicIPv4, a.PublicDNS = c.text("natIP"), c.text("publicPtrDomainName")
			}
		}
		for _, c := range n.objects("ipv6AccessConfigs") {
			if a.IPv6 == "" {
				a.IPv6 = c.text("externalIpv6")
			}
		}
		if a.IPv6 == "" {
			a.IPv6 = n.text("ipv6Address")
		}
	}
	return a
}

// lastSegment is the name at the end of a URL or path.
func lastSegment(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

// segmentAfter is what follows a segment of a path, or "". Azure doesn't agree
// with itself on the case of segments.
func segmentAfter(path, segment string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.EqualFold(p, segment) && i+1 < len(parts) {
			return parts[i+1]
		}
	}
	return ""
}

// translate finds the one form's word, or keeps the provider's.
func translate(words map[string]string, s string) string {
	if w, ok := words[s]; ok {
		return w
	}
	return strings.ToLower(s)
}
