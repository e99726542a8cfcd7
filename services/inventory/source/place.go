package source

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// place puts an address where it belongs: private, public or IPv6, or a name
// in the DNS. The first of each kind stays.
func place(a *instance.Addresses, s string) {
	ip, err := netip.ParseAddr(s)
	switch {
	case s == "":
	case err != nil:
		a.PrivateDNS = first(a.PrivateDNS, s)
	case ip.Is6():
		a.IPv6 = first(a.IPv6, s)
	case ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast():
		a.PrivateIPv4 = first(a.PrivateIPv4, s)
	default:
		a.PublicIPv4 = first(a.PublicIPv4, s)
	}
}

func sortedNames(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
