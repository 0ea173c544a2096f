package outside

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// ErrInner is wrapped by the error of a name that leads to an inner address.
var ErrInner = errors.New("an address inside the platform's network")

// ErrOuter is wrapped where only inner addresses may be reached.
var ErrOuter = errors.New("not one of the addresses that the server's settings allow for this")

// Dialer connects to public addresses, and to those of Allow.
type Dialer struct {
	Allow    []netip.Prefix // inner networks that may be reached [none]
	Only     bool           // nothing but Allow
	Resolver *net.Resolver  // [the system's]
	Timeout  time.Duration  // of one attempt [10s]
}

// DialContext connects to host:port. A name is resolved once, each of its addresses is judged, and the connection goes
// to a judged address, so that an answer that changes between check and use is of no use. Odd forms of an address
// (decimal, octal) are names to it, and resolve to nothing or to something that is judged.
func (d *Dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	ips, err := d.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	direct := net.Dialer{Timeout: d.Timeout}
	if direct.Timeout == 0 {
		direct.Timeout = 10 * time.Second
	}
	var errs []error
	for _, ip := range ips {
		if !d.May(ip) {
			errs = append(errs, refusal(host, ip))
			continue
		}
		conn, err := direct.DialContext(ctx, "tcp", net.JoinHostPort(ip.String(), port))
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// refusal says what an address is that may not be reached, and which name led to it.
func refusal(host string, ip netip.Addr) error {
	why := ErrInner
	if Public(ip) {
		why = ErrOuter
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return fmt.Errorf("%s is %w", host, why)
	}
	return fmt.Errorf("%s is %s, %w", host, ip, why)
}

func (d *Dialer) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	r := d.Resolver
	if r == nil {
		r = net.DefaultResolver
	}
	ips, err := r.LookupNetIP(ctx, "ip", host)
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	return ips, err
}

// May tells whether the dialer connects to an address.
func (d *Dialer) May(ip netip.Addr) bool {
	ip = ip.Unmap()
	for _, p := range d.Allow {
		if p.Contains(ip) {
			return true
		}
	}
	return !d.Only && Public(ip)
}
