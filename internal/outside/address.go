// Package outside dials on behalf of others: what a customer names must not lead inside the platform's network.
package outside

import "net/netip"

// inner are the networks that aren't public: this machine, its neighbours, and addresses that stand for others.
// What the netip package knows by name (private, loopback, link-local, multicast) is not repeated.
var inner = prefixes(
	"0.0.0.0/8",       // this network
	"100.64.0.0/10",   // behind a provider's translation
	"192.0.0.0/24",    // protocol assignments
	"192.0.2.0/24",    // documentation
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"240.0.0.0/4",     // reserved, and broadcast
	"::/96",           // IPv4 inside IPv6, as it was once written
	"64:ff9b:1::/48",  // translation inside a network
	"100::/64",        // discard
	"2001::/23",       // Teredo and other protocol assignments
	"2001:db8::/32",   // documentation
	"3fff::/20",       // documentation
	"5f00::/16",       // segment routing
	"fec0::/10",       // site-local
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// Public tells whether an address is one that everybody in the internet can reach. An IPv6 address that carries an IPv4
// one (mapped, NAT64, 6to4) is judged by that, too.
func Public(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range inner {
		if p.Contains(ip) {
			return false
		}
	}
	if v4, ok := carried(ip); ok {
		return Public(v4)
	}
	return true
}

var (
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
	sixTo = netip.MustParsePrefix("2002::/16")
)

// carried is the IPv4 address inside an IPv6 one.
func carried(ip netip.Addr) (netip.Addr, bool) {
	if !ip.Is6() {
		return netip.Addr{}, false
	}
	b := ip.As16()
	switch {
	case nat64.Contains(ip):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case sixTo.Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}
