package app

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"tsunagi/internal/mqtt"
)

// TestEveryListener is attack row 21: one table over all listeners, of what comes without TLS, with an old version of it
// or with weak ciphers. A good login is in clear on all of them, and none lets it in. Certificates that are required are
// TestCertificateRequired, what isn't listened on at all TestStartsThatAreRefused of package e2e.
func TestEveryListener(t *testing.T) {
	w := serveWorld(t)
	id, password := w.instance()
	login := mqtt.Connect{Version: mqtt.V5, Clean: true, ClientID: []byte("c"), User: []byte(id), HasUser: true, Password: []byte(password), HasPassword: true, RequestProblem: true}
	old := login
	old.Version = mqtt.V311
	upgrade := "GET /mqtt HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
	post := "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
	get := "GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
	for _, l := range []struct {
		name, addr string
		tls        bool
		answers    map[string]string // what each text is answered with at most
	}{
		{"https", w.https, true, map[string]string{get: "HTTP/1.0 400", upgrade: "HTTP/1.0 400", post: "HTTP/1.0 400"}},
		{"mqtts", w.mqtts, true, nil},
		{"http", w.http, false, map[string]string{get: "HTTP/1.1 308", upgrade: "HTTP/1.1 426", post: "HTTP/1.1 403",
			string(login.Append(nil)): "HTTP/1.1 400", string(old.Append(nil)): "HTTP/1.1 400"}},
		{"mqtt", w.mqtt, false, map[string]string{string(login.Append(nil)): "\x20", string(old.Append(nil)): "\x20\x02\x00\x05"}},
	} {
		t.Run(l.name, func(t *testing.T) {
			for _, text := range []string{get, upgrade, post, string(login.Append(nil)), string(old.Append(nil)), "\x16\x03\x01\x00\x05hello", strings.Repeat("\x00", 100)} {
				c := w.dial(l.addr, nil)
				if _, err := io.WriteString(c, text); err != nil {
					t.Fatal(err)
				}
				_ = c.(*net.TCPConn).CloseWrite()
				b, _ := io.ReadAll(c)
				want, ok := l.answers[text]
				switch {
				case l.tls && len(b) > 0 && b[0] == 0x15: // a TLS alert
				case ok && strings.HasPrefix(string(b), want):
				case !ok && (len(b) == 0 || strings.HasPrefix(string(b), "HTTP/1.1 400")):
				default:
					t.Errorf("%.20q is answered with %.60q, want %q", text, b, want)
				}
				if f, err := mqtt.Cut(b, 0); l.name == "mqtt" && err == nil && f.Type() == mqtt.CONNACK {
					v := map[bool]mqtt.Version{true: mqtt.V5, false: mqtt.V311}[text == string(login.Append(nil))]
					if a, err := mqtt.DecodeConnack(f, v); err != nil || !a.Reason.Failed() {
						t.Errorf("let in without TLS: %x", b)
					}
				}
			}
			if !l.tls {
				return
			}
			for _, v := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
				for _, alpn := range [][]string{nil, {"mqtt"}} {
					if c, err := tls.Dial("tcp", l.addr, &tls.Config{InsecureSkipVerify: true, MinVersion: v, MaxVersion: v, NextProtos: alpn}); err == nil {
						c.Close()
						t.Errorf("%s with ALPN %v was agreed on", tls.VersionName(v), alpn)
					}
				}
			}
			for _, suite := range append(tls.InsecureCipherSuites(), tls.CipherSuites()...) {
				conf := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID}}
				c, err := tls.Dial("tcp", l.addr, conf)
				if err != nil {
					continue
				}
				c.Close()
				if suite.Insecure || !strings.Contains(suite.Name, "ECDHE") || !strings.Contains(suite.Name, "GCM") && !strings.Contains(suite.Name, "POLY1305") {
					t.Errorf("%s was agreed on", suite.Name)
				}
			}
		})
	}
	for door, open := range w.doors(id, nil) { // nobody is let in without a login
		if a, err := connect(open(), mqtt.Connect{ClientID: []byte("anonymous")}); err == nil && a.Reason == mqtt.Success {
			t.Errorf("%s lets anybody in", door)
		}
	}
}

// TestCookiesOpenNoSocket is attack row 16 for MQTT: a page of another site whose browser is signed in to the panel gets
// a WebSocket at most, never a session: cookies and Origin are no login.
func TestCookiesOpenNoSocket(t *testing.T) {
	w := serveWorld(t)
	id, _ := w.instance()
	for _, path := range []string{"/mqtt", "/mqtt/" + id} {
		c := w.dial(w.https, w.tls("localhost", "http/1.1"))
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"+
			"Origin: https://evil.example\r\nCookie: __Host-tsunagi=anything; session=anything\r\n\r\n", path)
		b := make([]byte, 4096)
		n, err := c.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		head := string(b[:n])
		if strings.Contains(head, "Set-Cookie") || strings.Contains(strings.ToLower(head), "extensions") { // row 22: no deflate
			t.Errorf("%s: %s", path, head)
		}
		if !strings.HasPrefix(head, "HTTP/1.1 101") {
			continue
		}
		p := mqtt.Connect{Version: mqtt.V311, Clean: true, ClientID: []byte("c")}
		raw := p.Append(nil)
		if _, err := c.Write(append([]byte{0x82, 0x80 | byte(len(raw)), 0, 0, 0, 0}, raw...)); err != nil {
			t.Fatal(err)
		}
		if n, _ := c.Read(b); n >= 6 && b[2] == 0x20 && b[5] == 0 {
			t.Errorf("%s: let in with a cookie", path)
		}
	}
}

// TestCompressedBodies is attack row 22: the API inflates nothing, so a small body stays small.
func TestCompressedBodies(t *testing.T) {
	w := serveWorld(t)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, `{"email":"`+strings.Repeat("a", 20<<20)+`"}`)
	_ = z.Close()
	small := bytes.NewBuffer(nil)
	z = gzip.NewWriter(small)
	_, _ = io.WriteString(z, `{"email":"owner@example.org","password":"x"}`)
	_ = z.Close()
	for name, raw := range map[string][]byte{"bomb": b.Bytes(), "small": small.Bytes()} {
		for _, coding := range []string{"gzip", "deflate", "gzip, gzip"} {
			r, err := http.NewRequest("POST", "https://"+strings.Replace(w.https, "127.0.0.1", "localhost", 1)+"/api/v1/session", bytes.NewReader(raw))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Content-Encoding", coding)
			a, err := w.client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			a.Body.Close()
			if a.StatusCode != 400 && a.StatusCode != 415 && a.StatusCode != 413 && a.StatusCode != 422 {
				t.Errorf("%s with %s: %s", name, coding, a.Status)
			}
		}
	}
}
