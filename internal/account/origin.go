package account

import "net/netip"

// placeKey is an address that comes to an instance; an IPv6 address stands for its /64.
type placeKey struct {
	instance string
	origin   netip.Addr
}

// addrOf reads an address with or without a port.
func addrOf(remote string) (netip.Addr, bool) {
	with, err := netip.ParseAddrPort(remote)
	a := with.Addr()
	if err != nil {
		if a, err = netip.ParseAddr(remote); err != nil {
			return a, false
		}
	}
	return a.Unmap().WithZone(""), true
}

// originOf is what an address is counted by: an IPv6 peer has a whole /64 to choose from.
func originOf(a netip.Addr) netip.Addr {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}
