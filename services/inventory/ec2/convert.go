package ec2

import (
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// convert brings one instance into the one form.
func (e *encoder) convert(i *types.Instance, r *types.Reservation, source, region string) instance.Instance {
	out := instance.Instance{
		ID: deref(i.InstanceId), Provider: instance.AWS, Account: deref(r.OwnerId), Region: region, Source: source,
		Type: string(i.InstanceType), Lifecycle: string(i.InstanceLifecycle), Image: deref(i.ImageId), KeyName: deref(i.KeyName),
		Launched: deref(i.LaunchTime).UTC(),
		Addresses: instance.Addresses{
			PublicIPv4: deref(i.PublicIpAddress), PrivateIPv4: deref(i.PrivateIpAddress), IPv6: ipv6(i),
			PublicDNS: deref(i.PublicDnsName), PrivateDNS: deref(i.PrivateDnsName),
		},
	}
	if i.State != nil {
		out.State = state(i.State.Name)
	}
	if i.Placement != nil {
		out.Zone = deref(i.Placement.AvailabilityZone)
	}
	if len(i.Tags) > 0 {
		out.Tags = make(map[string]string, len(i.Tags))
		for _, t := range i.Tags {
			out.Tags[deref(t.Key)] = deref(t.Value)
		}
		out.Name = out.Tags["Name"]
	}
	out.Vars = e.vars(i, extra{
		ownerID: deref(r.OwnerId), requesterID: deref(r.RequesterId), reservationID: deref(r.ReservationId), region: region,
	})
	return out
}

// state is the one form's word; shutting-down is on its way to terminated.
func state(s types.InstanceStateName) string {
	if s == types.InstanceStateNameShuttingDown {
		return instance.StateTerminated
	}
	return string(s)
}

// ipv6 is the instance's address, or the first of its interfaces'.
func ipv6(i *types.Instance) string {
	if a := deref(i.Ipv6Address); a != "" {
		return a
	}
	for _, n := range i.NetworkInterfaces {
		for _, a := range n.Ipv6Addresses {
			return deref(a.Ipv6Address)
		}
	}
	return ""
}
