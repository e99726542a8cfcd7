package ec2test

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// write writes a machine with about what EC2 says of one.
func (i Instance) write(b *strings.Builder) {
	optional := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, "<%s>%s</%s>", name, escaped(value), name)
		}
	}
	fmt.Fprintf(b, `<item><instanceId>%s</instanceId><imageId>ami-0abcdef1234567890</imageId>`, i.ID)
	fmt.Fprintf(b, `<instanceState><code>16</code><name>%s</name></instanceState>`, i.State)
	fmt.Fprintf(b, `<privateDnsName>ip-%s.eu-west-1.compute.internal</privateDnsName><dnsName/><reason/>`, strings.ReplaceAll(i.PrivateIP, ".", "-"))
	optional("keyName", i.Key)
	fmt.Fprintf(b, `<amiLaunchIndex>0</amiLaunchIndex><productCodes/><instanceType>%s</instanceType><launchTime>2024-03-01T12:00:00.000Z</launchTime>`, i.Type)
	b.WriteString(`<placement><availabilityZone>eu-west-1a</availabilityZone><groupName/><tenancy>default</tenancy></placement>`)
	b.WriteString(`<monitoring><state>disabled</state></monitoring><subnetId>subnet-0123456789abcdef0</subnetId><vpcId>vpc-0123456789abcdef0</vpcId>`)
	optional("privateIpAddress", i.PrivateIP)
	optional("ipAddress", i.PublicIP)
	optional("ipv6Address", i.IPv6)
	b.WriteString(`<sourceDestCheck>true</sourceDestCheck><groupSet><item><groupId>sg-0123456789abcdef0</groupId><groupName>default</groupName></item></groupSet>`)
	b.WriteString(`<architecture>x86_64</architecture><rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/xvda</rootDeviceName>`)
	b.WriteString(`<blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><volumeId>vol-0123456789abcdef0</volumeId><status>attached</status>` +
		`<attachTime>2024-03-01T12:00:01.000Z</attachTime><deleteOnTermination>true</deleteOnTermination></ebs></item></blockDeviceMapping>`)
	optional("instanceLifecycle", i.Lifecycle)
	b.WriteString(`<virtualizationType>hvm</virtualizationType><hypervisor>xen</hypervisor>`)
	b.WriteString(`<networkInterfaceSet><item><networkInterfaceId>eni-0123456789abcdef0</networkInterfaceId><subnetId>subnet-0123456789abcdef0</subnetId>` +
		`<vpcId>vpc-0123456789abcdef0</vpcId><description/><ownerId>123456789012</ownerId><status>in-use</status><macAddress>02:00:00:00:00:01</macAddress>`)
	optional("privateIpAddress", i.PrivateIP)
	b.WriteString(`<sourceDestCheck>true</sourceDestCheck><ipv6AddressesSet/></item></networkInterfaceSet>`)
	b.WriteString(`<ebsOptimized>false</ebsOptimized><enaSupport>true</enaSupport><cpuOptions><coreCount>2</coreCount><threadsPerCore>2</threadsPerCore></cpuOptions>`)
	b.WriteString(`<metadataOptions><state>applied</state><httpTokens>required</httpTokens><httpPutResponseHopLimit>2</httpPutResponseHopLimit><httpEndpoint>enabled</httpEndpoint></metadataOptions>`)
	b.WriteString(`<tagSet>`)
	for _, t := range i.Tags {
		fmt.Fprintf(b, `<item><key>%s</key><value>%s</value></item>`, escaped(t[0]), escaped(t[1]))
	}
	b.WriteString(`</tagSet></item>`)
}

func escaped(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return ""
	}
	return b.String()
}

// Fleet makes n machines with names, roles and environments.
func Fleet(n int) []Instance {
	roles, environments := []string{"web", "db", "cache", "bench"}, []string{"prod", "staging", "dev"}
	fleet := make([]Instance, n)
	for i := range fleet {
		fleet[i] = Instance{
			ID: fmt.Sprintf("i-%017x", i+1), State: "running", Type: "m5.large", Key: "ops",
			PrivateIP: fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255),
			Tags: [][2]string{
				{"Name", fmt.Sprintf("host-%06d", i)}, {"Role", roles[i%len(roles)]}, {"Environment", environments[i%len(environments)]},
				{"Team", "storage"}, {"CostCentre", "4711"},
			},
		}
	}
	return fleet
}
