package app

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// TestMQTTOnTheHTTPSPort wants MQTT by ALPN beside HTTP/2 and HTTP/1.1 on one port, the instance chosen by the server
// name, and a stop that says goodbye and waits for nobody.
func TestMQTTOnTheHTTPSPort(t *testing.T) {
	w := serveWorld(t)
	id, password := w.instance()

	c := w.dial(w.https, w.tls("localhost", "mqtt"))
	if got := c.(*tls.Conn).ConnectionState().NegotiatedProtocol; got != "mqtt" {
		t.Fatalf("ALPN chose %q", got)
	}
	w.login(c, id, password)

	bySNI := w.dial(w.https, w.tls(id+".localhost", "mqtt"))
	w.login(bySNI, id, password)
	w.admin(nil, "user", "create", id, "dev")
	short := w.dial(w.https, w.tls(id+".localhost", "mqtt"))
	if a, err := connect(short, mqtt.Connect{User: []byte("dev"), Password: []byte("wrong")}); err != nil || a.Reason != mqtt.BadUserNameOrPassword {
		t.Errorf("wrong password: %v, %v", a.Reason, err)
	}

	for _, alpn := range []string{"h2", "http/1.1"} {
		client := w.client()
		client.Transport.(*http.Transport).ForceAttemptHTTP2 = alpn == "h2"
		if alpn != "h2" {
			client.Transport.(*http.Transport).TLSClientConfig.NextProtos = []string{alpn}
		}
		answer, err := client.Get("https://" + strings.Replace(w.https, "127.0.0.1", "localhost", 1) + "/api/v1/status")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if want := map[string]int{"h2": 2, "http/1.1": 1}[alpn]; answer.StatusCode != 200 || answer.ProtoMajor != want {
			t.Errorf("%s: %s %s", alpn, answer.Proto, answer.Status)
		}
	}
	if _, err := tls.Dial("tcp", w.https, w.tls("localhost", "imap")); err == nil {
		t.Error("a protocol that isn't spoken here was agreed on")
	}

	began := time.Now()
	if code := w.stop(); code != ExitOK {
		t.Errorf("exit code %d\n%s", code, w.log)
	}
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("stopping took %v: it waited for the clients on the HTTPS port", took)
	}
	f, err := readFrame(c)
	if err != nil || f.Type() != mqtt.DISCONNECT {
		t.Errorf("the client read %v, %v, want DISCONNECT", f.Type(), err)
	}
}

// TestWebSocketBelowAnInstancesName wants wss://<instance>.<domain>/mqtt, and nothing else below such a name.
func TestWebSocketBelowAnInstancesName(t *testing.T) {
	w := serveWorld(t)
	id, password := w.instance()
	c := w.socket(id+".localhost", "/mqtt", nil)
	w.login(c, id, password)

	other := w.dial(w.https, w.tls(id+".localhost"))
	_, _ = io.WriteString(other, "GET / HTTP/1.1\r\nHost: "+id+".localhost\r\nConnection: close\r\n\r\n")
	if b, _ := io.ReadAll(other); !strings.HasPrefix(string(b), "HTTP/1.1 421") {
		t.Errorf("%s", b)
	}
}

func TestProxyProtocolOnEveryDoor(t *testing.T) {
	w := serveWorld(t, "--proxy-from", "127.0.0.2")
	id, password := w.instance()
	from := func(ip, addr, first string) net.Conn {
		c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}).Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		_, _ = io.WriteString(c, first)
		return c
	}
	const header = "PROXY TCP4 203.0.113.7 192.0.2.1 51000 8883\r\n"
	w.login(tls.Client(from("127.0.0.2", w.mqtts, header), w.tls("localhost")), id, password)
	w.login(tls.Client(from("127.0.0.2", w.https, header), w.tls("localhost", "mqtt")), id, password)

	get := "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
	for _, tt := range []struct{ from, header, want string }{
		{"127.0.0.2", header, "HTTP/1.1 308"}, {"127.0.0.2", "", "HTTP/1.1 400"}, {"127.0.0.3", "", "HTTP/1.1 308"}, {"127.0.0.3", header, "HTTP/1.1 400"},
	} {
		b, _ := io.ReadAll(from(tt.from, w.http, tt.header+get))
		if got, _, _ := strings.Cut(string(b), " P"); !strings.HasPrefix(string(b), tt.want) {
			t.Errorf("http from %s with %q: %s", tt.from, tt.header, got)
		}
	}
	plain := from("127.0.0.2", w.mqtt, header)
	if a, err := connect(plain, mqtt.Connect{User: []byte(id), Password: []byte(password)}); err != nil || a.Reason != mqtt.UseAnotherServer {
		t.Errorf("plain: %v, %v", a.Reason, err)
	}
	if _, err := connect(from("127.0.0.3", w.mqtt, header), mqtt.Connect{User: []byte(id), Password: []byte(password)}); err == nil {
		t.Error("a header from elsewhere was answered")
	}
}
