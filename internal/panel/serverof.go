package panel

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// serverFor is the name by which clients find this server: that of the settings or, where that means no other machine, the
// one by which the panel is looked at, else the one that other devices find, as in a QR code. localhost is what is left.
func (p *Panel) serverFor(ctx context.Context) string {
	if name := p.namedBy(ctx); !onlyHere(name) || p.o.Reach == nil {
		return name
	}
	if u, err := url.Parse(p.o.Reach()); err == nil && !onlyHere(u.Hostname()) {
		return u.Hostname()
	}
	return p.o.Endpoints.Server
}

// namedBy is the name of the settings or, where that means no other machine, the one by which the caller has found this
// server.
func (p *Panel) namedBy(ctx context.Context) string {
	server := p.o.Endpoints.Server
	if host := requestOf(ctx).host; onlyHere(server) && !onlyHere(host) {
		return host
	}
	return server
}

// hostOf is the name in a request, without its port; "" where it is none.
func hostOf(r *http.Request) string {
	if !plainHost.MatchString(r.Host) {
		return ""
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	return strings.Trim(host, "[]")
}

// onlyHere says whether a name means the machine that uses it.
func onlyHere(name string) bool {
	if ip, err := netip.ParseAddr(name); err == nil {
		return ip.IsLoopback() || ip.IsUnspecified()
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	return name == "" || name == "localhost" || strings.HasSuffix(name, ".localhost")
}
