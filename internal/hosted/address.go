package hosted

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// inner are the networks that flows don't reach: this machine, its neighbours, and addresses that stand for others.
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

// public tells whether a flow may connect to an address: one that everybody in the internet can reach. An IPv6 address
// that carries an IPv4 one (mapped, NAT64, 6to4) is judged by that, too.
func public(ip netip.Addr) bool {
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
		return public(v4)
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

// brokers are the addresses of the platform's own brokers, which flows always reach: host:port, the host a name, an
// address, or *.name for every name below it.
type brokers []string

// has tells whether host:port is a broker of the platform, compared as it was asked for and not by what it resolves to.
func (b brokers) has(host, port string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, entry := range b {
		name, p, err := net.SplitHostPort(entry)
		if err != nil || p != port {
			continue
		}
		name = strings.ToLower(name)
		if suffix, ok := strings.CutPrefix(name, "*"); ok && strings.HasPrefix(suffix, ".") {
			if strings.HasSuffix(host, suffix) && len(host) > len(suffix) {
				return true
			}
		} else if name == host {
			return true
		}
	}
	return false
}

// splitTarget reads what a child wants to dial.
func splitTarget(network, addr string) (host, port string, err error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return "", "", fmt.Errorf("connections of the kind %q are not made here: only tcp", network)
	}
	host, port, err = net.SplitHostPort(addr)
	if err != nil || host == "" || port == "" || len(addr) > 300 {
		return "", "", fmt.Errorf("address %.100q: want host:port", addr)
	}
	return host, port, nil
}
