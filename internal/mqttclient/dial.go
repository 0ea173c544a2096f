package mqttclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/coder/websocket"

	"tsunagi/internal/mqtt"
)

// target is where to connect, and how.
type target struct {
	host   string // host:port
	server string // host alone, for the certificate
	secure bool
	web    *url.URL // of ws and wss
	user   *url.Userinfo
}

// parseAddr reads Options.Addr. Its errors never show a password.
func parseAddr(addr string, haveTLS bool) (*target, error) {
	if !strings.Contains(addr, "://") {
		scheme := "mqtt://"
		if haveTLS {
			scheme = "mqtts://"
		}
		addr = scheme + addr
	}
	u, err := url.Parse(addr)
	if err != nil {
		return nil, errors.New("broker address: want host:port, or a URL such as mqtts://host:8883 or wss://host/mqtt")
	}
	t := &target{server: u.Hostname(), user: u.User}
	port := ""
	switch u.Scheme {
	case "mqtt", "tcp":
		port = "1883"
	case "mqtts", "ssl", "tls":
		port, t.secure = "8883", true
	case "ws":
		port, t.web = "80", u
	case "wss":
		port, t.web, t.secure = "443", u, true
	default:
		return nil, fmt.Errorf("broker address %s: scheme %q: want mqtt, mqtts, ws or wss", u.Redacted(), u.Scheme)
	}
	if t.server == "" {
		return nil, fmt.Errorf("broker address %s: the host is missing", u.Redacted())
	}
	if u.Port() != "" {
		port = u.Port()
	}
	t.host = net.JoinHostPort(t.server, port)
	if t.web != nil {
		t.web.User = nil
		if t.web.Path == "" {
			t.web.Path = "/mqtt"
		}
	} else if u.Path != "" && u.Path != "/" {
		return nil, fmt.Errorf("broker address %s: a path needs ws:// or wss://", u.Redacted())
	}
	return t, nil
}

// dial opens the byte stream to the broker. ctx bounds the dialling, not the life of the connection.
func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	if c.to.web != nil {
		return c.dialWeb(ctx)
	}
	conn, err := c.o.Dial(ctx, "tcp", c.to.host) // a net.TCPConn has TCP_NODELAY set
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", c.to.host, err)
	}
	if !c.to.secure {
		return conn, nil
	}
	tc := tls.Client(conn, c.tlsConfig())
	if err := tc.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("TLS with %s: %w%s", c.to.host, err, hintTLS(err))
	}
	return tc, nil
}

// tlsConfig is the caller's with the server's name; on the HTTPS port MQTT is asked for by ALPN.
func (c *Client) tlsConfig() *tls.Config {
	config := &tls.Config{}
	if c.o.TLS != nil {
		config = c.o.TLS.Clone()
	}
	if config.ServerName == "" {
		config.ServerName = c.to.server
	}
	if len(config.NextProtos) == 0 && c.to.web == nil && strings.HasSuffix(c.to.host, ":443") {
		config.NextProtos = []string{"mqtt"}
	}
	return config
}

// hintTLS adds what helps with the usual failures.
func hintTLS(err error) string {
	var unknown *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown):
		return " (is the broker's CA certificate given, and the name in the address one of its certificate's?)"
	case errors.As(err, &record):
		return " (this port does not speak TLS)"
	}
	return ""
}

// dialWeb opens a WebSocket [MQTT-6.0.0-3] [MQTT-6.0.0-4]. Redirects are not followed: they would take the password to
// somebody whom nobody named.
func (c *Client) dialWeb(ctx context.Context) (net.Conn, error) {
	protos := []string{"mqtt"}
	if c.o.Version == mqtt.V31 {
		protos = []string{"mqttv3.1", "mqtt"} // what 3.1 called it; servers know either or both
	}
	transport := &http.Transport{DialContext: c.o.Dial, TLSClientConfig: c.tlsConfig(), DisableKeepAlives: true}
	ws, resp, err := websocket.Dial(ctx, c.to.web.String(), &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		HTTPHeader: c.o.Header, Subprotocols: protos,
	})
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			return nil, fmt.Errorf("WebSocket to %s: the server answered %s", c.to.web, resp.Status)
		}
		return nil, fmt.Errorf("WebSocket to %s: %w%s", c.to.web, err, hintTLS(err))
	}
	if !slices.Contains(protos, ws.Subprotocol()) {
		ws.CloseNow()
		return nil, fmt.Errorf("WebSocket to %s: the server does not speak the subprotocol mqtt", c.to.web)
	}
	return webConn{websocket.NetConn(context.Background(), ws, websocket.MessageBinary), ws}, nil
}

// webConn closes without waiting for the peer's close frame: MQTT's DISCONNECT has said all.
type webConn struct {
	net.Conn
	ws *websocket.Conn
}

func (c webConn) Close() error { return c.ws.CloseNow() }
