package filter

import (
	"maps"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// attributes are what filters look at, as paths in a machine's variables.
// Lists on the way stand for each of their items.
var attributes = map[string]string{
	"affinity":                         "placement.affinity",
	"architecture":                     "architecture",
	"availability-zone":                "placement.availability_zone",
	"block-device-mapping.attach-time": "block_device_mappings.ebs.attach_time",
	"block-device-mapping.delete-on-termination": "block_device_mappings.ebs.delete_on_termination",
	"block-device-mapping.device-name":           "block_device_mappings.device_name",
	"block-device-mapping.status":                "block_device_mappings.ebs.status",
	"block-device-mapping.volume-id":             "block_device_mappings.ebs.volume_id",
	"capacity-reservation-id":                    "capacity_reservation_id",
	"client-token":                               "client_token",
	"current-instance-boot-mode":                 "current_instance_boot_mode",
	"dns-name":                                   "public_dns_name",
	"ebs-optimized":                              "ebs_optimized",
	"ena-support":                                "ena_support",
	"enclave-options.enabled":                    "enclave_options.enabled",
	"group-id":                                   "groups.group_id",
	"group-name":                                 "groups.group_name",
	"hibernation-options.configured":             "hibernation_options.configured",
	"host-id":                                    "placement.host_id",
	"hypervisor":                                 "hypervisor",
	"iam-instance-profile.arn":                   "iam_instance_profile.arn",
	"iam-instance-profile.id":                    "iam_instance_profile.id",
	"image-id":                                   "image_id",
	"instance-id":                                "instance_id",
	"instance-lifecycle":                         "instance_lifecycle",
	"instance-state-code":                        "state.code",
	"instance-state-name":                        "state.name",
	"instance-type":                              "instance_type",
	"instance.group-id":                          "security_groups.group_id",
	"instance.group-name":                        "security_groups.group_name",
	"ip-address":                                 "public_ip_address",
	"ipv6-address":                               "network_interfaces.ipv6_addresses.ipv6_address",
	"kernel-id":                                  "kernel_id",
	"key-name":                                   "key_name",
	"launch-index":                               "ami_launch_index",
	"launch-time":                                "launch_time",
	"metadata-options.http-endpoint":             "metadata_options.http_endpoint",
	"metadata-options.http-tokens":               "metadata_options.http_tokens",
	"metadata-options.instance-metadata-tags":    "metadata_options.instance_metadata_tags",
	"monitoring-state":                           "monitoring.state",
	"network-interface.addresses.association.allocation-id": "network_interfaces.private_ip_addresses.association.allocation_id",
	"network-interface.addresses.association.ip-owner-id":   "network_interfaces.private_ip_addresses.association.ip_owner_id",
	"network-interface.addresses.association.public-ip":     "network_interfaces.private_ip_addresses.association.public_ip",
	"network-interface.addresses.primary":                   "network_interfaces.private_ip_addresses.primary",
	"network-interface.addresses.private-ip-address":        "network_interfaces.private_ip_address",
	"network-interface.association.ip-owner-id":             "network_interfaces.association.ip_owner_id",
	"network-interface.association.public-ip":               "network_interfaces.association.public_ip",
	"network-interface.attachment.attach-time":              "network_interfaces.attachment.attach_time",
	"network-interface.attachment.attachment-id":            "network_interfaces.attachment.attachment_id",
	"network-interface.attachment.delete-on-termination":    "network_interfaces.attachment.delete_on_termination",
	"network-interface.attachment.device-index":             "network_interfaces.attachment.device_index",
	"network-interface.attachment.instance-id":              "instance_id",
	"network-interface.attachment.instance-owner-id":        "owner_id",
	"network-interface.attachment.status":                   "network_interfaces.attachment.status",
	"network-interface.availability-zone":                   "placement.availability_zone",
	"network-interface.description":                         "network_interfaces.description",
	"network-interface.group-id":                            "network_interfaces.groups.group_id",
	"network-interface.group-name":                          "network_interfaces.groups.group_name",
	"network-interface.ipv6-addresses.ipv6-address":         "network_interfaces.ipv6_addresses.ipv6_address",
	"network-interface.mac-address":                         "network_interfaces.mac_address",
	"network-interface.network-interface-id":                "network_interfaces.network_interface_id",
	"network-interface.owner-id":                            "network_interfaces.owner_id",
	"network-interface.private-dns-name":                    "network_interfaces.private_dns_name",
	"network-interface.requester-managed":                   "network_interfaces.association.ip_owner_id",
	"network-interface.source-dest-check":                   "network_interfaces.source_dest_check",
	"network-interface.status":                              "network_interfaces.status",
	"network-interface.subnet-id":                           "network_interfaces.subnet_id",
	"network-interface.vpc-id":                              "network_interfaces.vpc_id",
	"outpost-arn":                                           "outpost_arn",
	"owner-id":                                              "owner_id",
	"placement-group-name":                                  "placement.group_name",
	"placement-partition-number":                            "placement.partition_number",
	"platform":                                              "platform",
	"platform-details":                                      "platform_details",
	"private-dns-name":                                      "private_dns_name",
	"private-ip-address":                                    "private_ip_address",
	"product-code":                                          "product_codes.product_code_id",
	"product-code.type":                                     "product_codes.product_code_type",
	"ramdisk-id":                                            "ramdisk_id",
	"reason":                                                "state_transition_reason",
	"requester-id":                                          "requester_id",
	"reservation-id":                                        "reservation_id",
	"root-device-name":                                      "root_device_name",
	"root-device-type":                                      "root_device_type",
	"source-dest-check":                                     "source_dest_check",
	"spot-instance-request-id":                              "spot_instance_request_id",
	"state-reason-code":                                     "state_reason.code",
	"state-reason-message":                                  "state_reason.message",
	"subnet-id":                                             "subnet_id",
	"tenancy":                                               "placement.tenancy",
	"usage-operation":                                       "usage_operation",
	"virtualization-type":                                   "virtualization_type",
	"vpc-id":                                                "vpc_id",
}

// Known says whether there is a filter of a name, those of tags aside.
func Known(name string) bool { _, ok := attributes[name]; return ok }

// Names lists the filters, those of tags aside.
func Names() []string { return slices.Sorted(maps.Keys(attributes)) }

// Values are those of the attribute that a filter names, in the variables of a
// machine, which are JSON. What isn't there has none.
func Values(vars []byte, name string) []string {
	path, ok := attributes[name]
	if !ok {
		return nil
	}
	return follow(gjson.ParseBytes(vars), strings.Split(path, "."))
}

func follow(v gjson.Result, path []string) []string {
	switch {
	case v.IsArray():
		var all []string
		for _, item := range v.Array() {
			all = append(all, follow(item, path)...)
		}
		return all
	case len(path) == 0:
		if v.Type == gjson.Null || v.IsObject() {
			return nil
		}
		return []string{v.String()}
	case v.IsObject():
		return follow(v.Get(gjson.Escape(path[0])), path[1:])
	}
	return nil
}
