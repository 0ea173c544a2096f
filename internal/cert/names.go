package cert

import (
	"fmt"
	"net"
	"os"
	"strings"
)

// localDomains are names that no public authority signs, with all names below them (RFC 6761, 6762, 8375, and what
// home routers use). They bound what the local authority may sign.
var localDomains = []string{"localhost", "local", "lan", "home", "internal", "home.arpa", "test"}

// localNets are the addresses that mean another machine in every network (RFC 1122, 1918, 3927, 4193, 6598).
var localNets = []string{
	"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
	"::1/128", "fc00::/7", "fe80::/10",
}

// cleanNames brings names to the form in which they are compared and signed.
func cleanNames(names []string) ([]string, error) {
	out := make([]string, 0, len(names))
	for _, n := range names {
		c := cleanName(n)
		if net.ParseIP(c) == nil && !validDNS(c) {
			return nil, fmt.Errorf("%q can't stand in a certificate: want a DNS name without wildcard or an IP address", n)
		}
		out = append(out, c)
	}
	return out, nil
}

// cleanName returns name in lower case, without the final dot and without the brackets of an IPv6 address.
func cleanName(name string) string {
	n := strings.ToLower(strings.TrimSuffix(strings.TrimSpace(name), "."))
	if ip := net.ParseIP(strings.Trim(n, "[]")); ip != nil {
		return ip.String()
	}
	return n
}

// validDNS says whether name is made of letters, digits and hyphens as host names are, at most 253 bytes.
func validDNS(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

// hostNames returns this machine's name, and the name by which it is found through mDNS.
func hostNames() []string {
	h, err := os.Hostname()
	if err != nil {
		return nil // a machine without a name has localhost
	}
	h = cleanName(h)
	if !validDNS(h) || net.ParseIP(h) != nil {
		return nil
	}
	if strings.Contains(h, ".") {
		return []string{h}
	}
	return []string{h, h + ".local"}
}

// maySign says whether the authority's constraints cover a name or address.
func (a *Authority) maySign(name string) bool {
	if ip := net.ParseIP(name); ip != nil {
		for _, n := range a.cert.PermittedIPRanges {
			if n.Contains(ip) {
				return true
			}
		}
		return len(a.cert.PermittedIPRanges) == 0
	}
	for _, d := range a.cert.PermittedDNSDomains {
		if name == d || strings.HasSuffix(name, "."+d) {
			return true
		}
	}
	return len(a.cert.PermittedDNSDomains) == 0
}

// single is the network that holds ip alone.
func single(ip net.IP) *net.IPNet {
	if v4 := ip.To4(); v4 != nil {
		ip = v4
	}
	bits := 8 * len(ip)
	return &net.IPNet{IP: ip, Mask: net.CIDRMask(bits, bits)}
}
