package account

import (
	"net/netip"
	"net/url"
	"strings"
)

// Reach tells whether a part of this server may connect to an address, with TLS or without.
type Reach func(ip netip.Addr, tls bool) bool

// may is false for an address in digits that can't be reached, so that this is said when it is typed. What a name leads to
// is judged at each connection.
func (r Reach) may(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	if r == nil || err != nil {
		return true
	}
	return r(ip, strings.HasSuffix(u.Scheme, "s")) // https, mqtts, wss
}
