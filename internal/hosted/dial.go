package hosted

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"tsunagi/internal/outside"
)

// maxDialTime bounds a connection attempt of a child.
const maxDialTime = 30 * time.Second

// dialer connects on behalf of children.
type dialer struct {
	brokers  brokers
	allow    []netip.Prefix // inner networks that the operator opened to flows
	resolver *net.Resolver
	direct   net.Dialer
}

// dial connects to an address that the rules allow. A name is resolved once, each of its addresses is judged, and the
// connection goes to a judged address, so that an answer that changes between check and use is of no use.
func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := splitTarget(network, addr)
	if err != nil {
		return nil, err
	}
	if d.brokers.has(host, port) {
		return d.direct.DialContext(ctx, network, net.JoinHostPort(host, port))
	}
	ips, err := d.lookup(ctx, network, host)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, ip := range ips {
		if !d.allowed(ip) {
			errs = append(errs, fmt.Errorf("%s is %s, an address inside the platform's network: flows of a hosted server reach public addresses only", host, ip))
			continue
		}
		conn, err := d.direct.DialContext(ctx, network, net.JoinHostPort(ip.String(), port))
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// lookup is what a host stands for.
func (d *dialer) lookup(ctx context.Context, network, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	kind := "ip" + network[len("tcp"):]
	ips, err := d.resolver.LookupNetIP(ctx, kind, host)
	if err != nil {
		return nil, err
	}
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	return ips, nil
}

func (d *dialer) allowed(ip netip.Addr) bool {
	for _, p := range d.allow {
		if p.Contains(ip) {
			return true
		}
	}
	return outside.Public(ip)
}

// file is the descriptor of a connection, for passing on. The connection is closed; the file is the caller's.
func file(c net.Conn) (*os.File, error) {
	defer c.Close()
	f, ok := c.(interface{ File() (*os.File, error) })
	if !ok {
		return nil, errors.New("this connection has no descriptor")
	}
	return f.File()
}
