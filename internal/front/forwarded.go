package front

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// maxHops bounds how many addresses of X-Forwarded-For are looked at.
const maxHops = 32

// Forwarded is the door of the one-port mode: plain HTTP from proxies that end TLS.
type Forwarded struct {
	From   []netip.Prefix         // the proxies whose X-Forwarded-For and X-Forwarded-Proto are believed
	Base   string                 // origin that people use: https://example.org
	Ours   func(host string) bool // hosts that are ours; others are sent to Base
	Health func() error           // answer of /healthz, to anybody; nil: none is given
	Site   http.Handler           // serves what came through TLS
}

// ServeHTTP hands on what came through TLS to a proxy of ours, as if TLS had ended here: RemoteAddr is the client's
// address, TLS is set. All else is shown the way to https.
func (f *Forwarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.Health != nil && r.URL.Path == "/healthz" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		f.health(w)
		return
	}
	peer := peerOf(r)
	if !f.trusted(peer) {
		f.away(w, r, "Use "+f.Base+": nothing is accepted in clear. If this came from your proxy, add its address "+peer.String()+
			" to the setting forwarded_from.")
		return
	}
	switch strings.ToLower(last(r.Header.Values("X-Forwarded-Proto"))) {
	case "https", "wss":
	case "":
		problem(w, http.StatusBadRequest, "proxy_header",
			"The proxy must say how the client came: set the header X-Forwarded-Proto (https or http).")
		return
	default:
		f.away(w, r, "Use "+f.Base+": nothing is accepted in clear.")
		return
	}
	r = r.WithContext(r.Context()) // the server's own copy stays as it is
	if client, ok := f.client(r.Header.Values("X-Forwarded-For")); ok {
		r.RemoteAddr = net.JoinHostPort(client.String(), "0") // proxies don't tell the port
	}
	r.TLS = &tls.ConnectionState{HandshakeComplete: true, ServerName: hostOf(r.Host)}
	f.Site.ServeHTTP(w, r)
}

func (f *Forwarded) health(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	if f.Health() != nil { // why is the operator's to know
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ok\n")) // the peer may be gone
}

// client is the address that the outermost trusted proxy saw: the last of the list that isn't a proxy's own. What stands
// before it, the client may have made up.
func (f *Forwarded) client(headers []string) (client netip.Addr, ok bool) {
	hops := strings.Split(strings.Join(headers, ","), ",")
	for i := len(hops) - 1; i >= max(0, len(hops)-maxHops); i-- {
		ip, good := address(hops[i])
		if !good {
			break
		}
		if client, ok = ip, true; !f.trusted(ip) {
			break
		}
	}
	return client, ok
}

// address reads one entry of X-Forwarded-For; some proxies add the port.
func address(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	ip, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		var both netip.AddrPort
		if both, err = netip.ParseAddrPort(text); err == nil {
			ip = both.Addr()
		}
	}
	return ip.Unmap().WithZone(""), err == nil
}

// away shows the way to https: GET and HEAD are sent there, a WebSocket and everything with a body are not.
func (f *Forwarded) away(w http.ResponseWriter, r *http.Request, detail string) {
	base := f.Base
	if u, err := url.Parse(f.Base); err == nil && f.Ours(hostOf(r.Host)) {
		base = "https://" + joinPort(hostOf(r.Host), portOr443(u))
	}
	way(w, r, base, detail)
}

func portOr443(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return "443"
}

func (f *Forwarded) trusted(ip netip.Addr) bool {
	for _, p := range f.From {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	v := values[len(values)-1]
	return strings.TrimSpace(v[strings.LastIndexByte(v, ',')+1:])
}

type peerKey struct{}

// keepPeer remembers who is at the other end of the socket, which a PROXY header hides.
func keepPeer(ctx context.Context, c net.Conn) context.Context {
	if behind, ok := c.(interface{ Peer() net.Addr }); ok {
		return context.WithValue(ctx, peerKey{}, behind.Peer().String())
	}
	return ctx
}

// peerOf is the address at the other end of the socket.
func peerOf(r *http.Request) netip.Addr {
	text, ok := r.Context().Value(peerKey{}).(string)
	if !ok {
		text = r.RemoteAddr
	}
	both, err := netip.ParseAddrPort(text)
	if err != nil {
		return netip.Addr{}
	}
	return both.Addr().Unmap().WithZone("")
}
