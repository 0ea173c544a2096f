package mqttclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"tsunagi/internal/mqtt"
)

// serveOne answers CONNECT and echoes publishes of QoS 0 as they are until the connection ends.
func serveOne(t *testing.T, conn net.Conn) {
	defer conn.Close()
	p := &peer{t: t, packetReader: &packetReader{conn: conn, max: 1 << 20}}
	for {
		f, err := p.next()
		if err != nil {
			return
		}
		var answer []byte
		switch f.Type() {
		case mqtt.CONNECT:
			c, err := mqtt.DecodeConnect(f)
			if err != nil {
				t.Error(err)
				return
			}
			p.v = c.Version
			answer = ok.Append(nil, c.Version)
		case mqtt.PUBLISH:
			var m mqtt.Publish
			if err := mqtt.DecodePublish(&m, f, p.v); err != nil {
				t.Error(err)
				return
			}
			answer = m.Append(nil, p.v)
		case mqtt.DISCONNECT:
			return
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}

// testServers listen over TLS and over WebSocket with and without TLS, with one certificate for 127.0.0.1.
func testServers(t *testing.T) (tlsAddr, ws, wss string, roots *x509.CertPool) {
	t.Helper()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/mqtt" {
			http.Error(w, "upgrade to wss", http.StatusUpgradeRequired)
			return
		}
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{r.Header.Get("X-Proto")}})
		if err != nil {
			t.Error(err)
			return
		}
		serveOne(t, websocket.NetConn(r.Context(), c, websocket.MessageBinary))
	})
	plain, secure := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: secure.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() { // ends with the listener
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go serveOne(t, conn)
		}
	}()
	roots = x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	return "mqtts://" + ln.Addr().String(), "ws" + strings.TrimPrefix(plain.URL, "http"),
		"wss" + strings.TrimPrefix(secure.URL, "https"), roots
}

func TestTransports(t *testing.T) {
	secure, ws, wss, roots := testServers(t)
	for _, addr := range []string{secure, ws, wss} {
		got := make(chan *Message, 1)
		c, err := New(Options{Addr: addr, TLS: &tls.Config{RootCAs: roots}, Clean: true, Header: http.Header{"X-Proto": {"mqtt"}},
			OnMessage: func(m *Message) { got <- m }})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ran := later(func() error { return c.Run(ctx) })
		if err := c.Publish(ctx, &Message{Topic: "t", Payload: make([]byte, 100_000)}); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
		if m := await(t, got); len(m.Payload) != 100_000 {
			t.Errorf("%s: %d bytes came back", addr, len(m.Payload))
		}
		cancel()
		if err := await(t, ran); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestTransportErrors(t *testing.T) {
	secure, ws, wss, roots := testServers(t)
	config := &tls.Config{RootCAs: roots}
	tests := []struct {
		name, addr string
		tls        *tls.Config
		want       string
	}{
		{"unknown CA", secure, nil, "CA certificate"},
		{"another name", secure, &tls.Config{RootCAs: roots, ServerName: "other.test"}, "CA certificate"},
		{"unknown CA of wss", wss, nil, "CA certificate"},
		{"TLS to a plain port", strings.Replace(ws, "ws://", "mqtts://", 1), config, "does not speak TLS"},
		{"wrong path", ws + "/other", nil, "426 Upgrade Required"},
		{"no subprotocol", ws, nil, "subprotocol mqtt"},
		{"nobody there", "127.0.0.1:1", nil, "connect to 127.0.0.1:1"},
		{"MQTT to a TLS port", strings.Replace(secure, "mqtts", "mqtt", 1), nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := New(Options{Addr: tt.addr, TLS: tt.tls, Clean: true, Retry: func(error) bool { return false }})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Run(context.Background()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
