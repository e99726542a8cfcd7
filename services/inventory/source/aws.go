package source

import (
	"errors"
	"regexp"
	"time"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// regionOf cuts the region out of a zone's name. Cutting the last letter would
// do for us-east-1a and not for the local zone us-west-2-lax-1a.
var regionOf = regexp.MustCompile(`^[a-z]+(?:-[a-z]+)+-[0-9]+`)

func parseAWS(raw []byte) ([]instance.Instance, error) {
	v, err := instance.Decode(raw)
	if err != nil {
		return nil, err
	}
	doc, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("expected an object with Reservations")
	}
	var out []instance.Instance
	for _, r := range object(doc).objects("Reservations") {
		for _, i := range r.objects("Instances") {
			converted, err := awsInstance(r, i)
			if err != nil {
				return nil, err
			}
			out = append(out, converted)
		}
	}
	return out, nil
}

func awsInstance(r, i object) (instance.Instance, error) {
	zone := i.text("Placement", "AvailabilityZone")
	out := instance.Instance{
		ID: i.text("InstanceId"), Provider: instance.AWS, Account: r.text("OwnerId"), Zone: zone, Region: regionOf.FindString(zone),
		State: i.text("State", "Name"), Type: i.text("InstanceType"), Lifecycle: i.text("InstanceLifecycle"),
		Image: i.text("ImageId"), KeyName: i.text("KeyName"), Launched: moment(i.text("LaunchTime")),
		Addresses: instance.Addresses{
			PublicIPv4: i.text("PublicIpAddress"), PrivateIPv4: i.text("PrivateIpAddress"), IPv6: awsIPv6(i),
			PublicDNS: i.text("PublicDnsName"), PrivateDNS: i.text("PrivateDnsName"),
		},
	}
	if out.State == "shutting-down" {
		out.State = instance.StateTerminated
	}
	tags := map[string]any{}
	for _, t := range i.objects("Tags") {
		tags[t.text("Key")] = t.text("Value")
	}
	out.Tags = object(tags).texts()
	out.Name = out.Tags["Name"]
	vars := instance.SnakeKeys(map[string]any(i), "Tags").(map[string]any)
	vars["tags"] = tags
	vars["owner_id"], vars["requester_id"], vars["reservation_id"] = r.text("OwnerId"), r.text("RequesterId"), r.text("ReservationId")
	if placement, ok := vars["placement"].(map[string]any); ok {
		placement["region"] = out.Region
	}
	raw, err := instance.Encode(vars)
	out.Vars = raw
	return out, err
}

func awsIPv6(i object) string {
	if a := i.text("Ipv6Address"); a != "" {
		return a
	}
	for _, n := range i.objects("NetworkInterfaces") {
		for _, a := range n.objects("Ipv6Addresses") {
			return a.text("Ipv6Address")
		}
	}
	return ""
}

// moment reads a time, zero if it can't be read.
func moment(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
