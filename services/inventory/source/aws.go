package source

import (
	"encoding/json"
	"errors"
	"regexp"
	"time"

	"github.com/tidwall/gjson"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// regionOf cuts the region out of a zone's name. Cutting the last letter would
// do for us-east-1a and not for the local zone us-west-2-lax-1a.
var regionOf = regexp.MustCompile(`^[a-z]+(?:-[a-z]+)+-[0-9]+`)

func parseAWS(raw []byte) ([]instance.Instance, error) {
	var out []instance.Instance
	convert := func(r, i object) error {
		converted, err := awsInstance(r, i)
		out = append(out, converted)
		return err
	}
	if reservations := gjson.GetBytes(raw, "Reservations"); reservations.IsArray() && json.Valid(raw) {
		// One after the other: decoded as a whole, a document takes ten times
		// the memory that its text does.
		var err error
		reservations.ForEach(func(_, r gjson.Result) bool {
			err = decodeAWS([]byte(r.Raw), convert)
			return err == nil
		})
		return out, err
	}
	err := decodeAWS(raw, convert)
	return out, err
}

func decodeAWS(raw []byte, each func(r, i object) error) error {
	v, err := instance.Decode(raw)
	if err != nil {
		return err
	}
	return eachAWS(v, object{}, each)
}

// eachAWS finds the machines in what describe-instances prints, and in what
// --query and jq commonly make of it: reservations or machines alone, in lists
// and lists of lists.
func eachAWS(v any, r object, each func(r, i object) error) error {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if err := eachAWS(item, r, each); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		o := object(v)
		switch {
		case o["Reservations"] != nil:
			return eachAWS(o["Reservations"], r, each)
		case o["Instances"] != nil:
			return eachAWS(o["Instances"], o, each)
		case o["InstanceId"] != nil:
			return each(reservationOf(r, o), o)
		}
	}
	return errors.New("expected Reservations, or instances with their InstanceId: a query may leave attributes out of machines, not name them otherwise")
}

// reservationOf is what a machine alone says of its reservation: its owner is
// that of its network interfaces.
func reservationOf(r, i object) object {
	if r.text("OwnerId") != "" {
		return r
	}
	for _, n := range i.objects("NetworkInterfaces") {
		return object{"OwnerId": n.text("OwnerId")}
	}
	return r
}

// isNested says whether a document is a list of lists of machines.
func isNested(raw []byte) bool {
	var lists [][]struct {
		InstanceID json.RawMessage `json:"InstanceId"`
	}
	if json.Unmarshal(raw, &lists) != nil {
		return false
	}
	for _, l := range lists {
		for _, i := range l {
			return i.InstanceID != nil
		}
	}
	return false
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
