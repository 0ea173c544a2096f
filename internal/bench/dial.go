package bench

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"

	"github.com/coder/websocket"
)

// dialer opens byte streams to the broker.
type dialer struct {
	to     *url.URL
	host   string // host:port
	config *tls.Config

	resumed atomic.Int64                   // TLS sessions
	caches  map[int]tls.ClientSessionCache // of clients that resume; never changed
}

func newDialer(o *options) (*dialer, error) {
	u, err := url.Parse(o.url)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("--url %s: want a URL such as mqtt://127.0.0.1:1883", o.url)
	}
	ports := map[string]string{"mqtt": "1883", "mqtts": "8883", "ws": "80", "wss": "443"}
	port, ok := ports[u.Scheme]
	if !ok {
		return nil, fmt.Errorf("--url %s: want the scheme mqtt, mqtts, ws or wss", o.url)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	if u.Path == "" && (u.Scheme == "ws" || u.Scheme == "wss") {
		u.Path = "/mqtt"
	}
	d := &dialer{to: u, host: net.JoinHostPort(u.Hostname(), port)}
	d.config = &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: o.insecure} //nolint:gosec // only when asked for
	if o.cafile != "" {
		pem, err := os.ReadFile(o.cafile)
		if err != nil {
			return nil, fmt.Errorf("--cafile: %w", err)
		}
		d.config.RootCAs = x509.NewCertPool()
		if !d.config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--cafile %s: want PEM certificates", o.cafile)
		}
	}
	if o.resume {
		d.caches = make(map[int]tls.ClientSessionCache, o.clients)
		for i := range o.clients {
			d.caches[i] = tls.NewLRUClientSessionCache(1)
		}
	}
	return d, nil
}

// dial opens a connection; number is the client's, whose TLS session is resumed where that was asked for.
func (d *dialer) dial(ctx context.Context, number int) (net.Conn, error) {
	switch d.to.Scheme {
	case "ws", "wss":
		ws, _, err := websocket.Dial(ctx, d.to.String(), &websocket.DialOptions{ //nolint:bodyclose // the library closes it
			Subprotocols: []string{"mqtt"},
			HTTPClient:   &http.Client{Transport: &http.Transport{TLSClientConfig: d.config, DisableKeepAlives: true}},
		})
		if err != nil {
			return nil, err
		}
		ws.SetReadLimit(-1)
		return websocket.NetConn(context.WithoutCancel(ctx), ws, websocket.MessageBinary), nil
	case "mqtts":
		config := d.config
		if cache := d.caches[number]; cache != nil {
			config = config.Clone()
			config.ClientSessionCache = cache
		}
		conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", d.host)
		if err == nil && conn.(*tls.Conn).ConnectionState().DidResume {
			d.resumed.Add(1)
		}
		return conn, err
	}
	var plain net.Dialer
	return plain.DialContext(ctx, "tcp", d.host)
}
