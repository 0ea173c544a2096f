package app

import (
	"net"
	"net/netip"
	"slices"
	"strings"
)

// reach is the origin of the panel by a name that other devices find: the domain, another name from the settings, or this
// machine's address in the local network where the door is open to it. "" where there is none; never localhost.
func (c *cloud) reach() string {
	for _, name := range append([]string{c.cfg.Domain}, c.cfg.Names...) {
		if !onlyHere(name) {
			return originOf(name, c.publicPort())
		}
	}
	l := c.doors.https
	if l == nil {
		return ""
	}
	at, err := netip.ParseAddrPort(l.Addr().String())
	switch {
	case err != nil || at.Addr().IsLoopback():
		return ""
	case !at.Addr().IsUnspecified():
		return originOf(at.Addr().String(), c.publicPort())
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	if host := inLAN(addrs); host != "" {
		return originOf(host, c.publicPort())
	}
	return ""
}

// onlyHere says whether a name means this machine on every machine, or many hosts.
func onlyHere(name string) bool {
	if ip, err := netip.ParseAddr(name); err == nil {
		return ip.IsLoopback() || ip.IsUnspecified()
	}
	return name == "" || name == "localhost" || strings.HasSuffix(name, ".localhost") || strings.Contains(name, "*")
}

// inLAN is the address among those of this machine that its network most likely knows: IPv4 of a private range first.
func inLAN(addrs []net.Addr) string {
	var found []netip.Addr
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if err == nil && p.Addr().IsGlobalUnicast() {
			found = append(found, p.Addr())
		}
	}
	slices.SortStableFunc(found, func(a, b netip.Addr) int { return rank(a) - rank(b) })
	if len(found) == 0 {
		return ""
	}
	return found[0].String()
}

func rank(a netip.Addr) int {
	switch {
	case a.Is4() && a.IsPrivate():
		return 0
	case a.Is4():
		return 1
	}
	return 2
}

func originOf(host, port string) string {
	if port != "443" {
		return "https://" + net.JoinHostPort(host, port)
	}
	if strings.Contains(host, ":") {
		return "https://[" + host + "]"
	}
	return "https://" + host
}
