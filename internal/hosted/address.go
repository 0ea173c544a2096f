package hosted

import (
	"fmt"
	"net"
	"strings"
)

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
