package app

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// behind opens a connection through a proxy that tells an address.
func (w *world) behind(remote, addr string) net.Conn {
	w.t.Helper()
	c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.2")}}).Dial("tcp", addr)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	kind := "TCP4 " + remote + " 192.0.2.1"
	if strings.Contains(remote, ":") {
		kind = "TCP6 " + remote + " 2001:db8::1"
	}
	if _, err := fmt.Fprintf(c, "PROXY %s 51000 8883\r\n", kind); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// from is behind for MQTT over TLS.
func (w *world) from(remote string) net.Conn {
	return tls.Client(w.behind(remote, w.mqtts), w.tls("localhost"))
}

// reason is how a login ends; version 3.1.1 answers with its own codes.
func reason(t *testing.T, c net.Conn, version mqtt.Version, user, password string) mqtt.Reason {
	t.Helper()
	p := mqtt.Connect{Version: version, Clean: true, ClientID: []byte("c"), User: []byte(user), HasUser: true, Password: []byte(password), HasPassword: true, RequestProblem: true}
	if _, err := c.Write(p.Append(nil)); err != nil {
		t.Fatal(err)
	}
	f, err := readFrame(c)
	if err != nil {
		t.Fatal(err)
	}
	a, err := mqtt.DecodeConnack(f, version)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	return a.Reason
}

// lines are the refusals of an instance's log, the newest first.
type logLines struct {
	Items []struct{ Kind, Gate, Rule, Remote, User, Cause string }
}

// behindProxy is a server that believes a proxy the addresses of clients, with an instance and the password of its user pi.
func behindProxy(t *testing.T) (w *world, p *person, instance, password string) {
	t.Helper()
	w = serveWorld(t, "--proxy-from", "127.0.0.2")
	p = w.signIn("owner@example.org")
	var in struct{ ID string }
	p.api("POST", "/instances", map[string]any{"name": "x"}, &in)
	var made struct{ Password string }
	p.api("POST", "/instances/"+in.ID+"/users", map[string]any{"name": "pi"}, &made)
	return w, p, in.ID, made.Password
}

// TestAddressRulesAtTheDoors makes a rule by the API and comes by every door, behind a proxy that tells the address: the
// rule holds at once for who is connected, and the log names gate and rule.
func TestAddressRulesAtTheDoors(t *testing.T) {
	w, p, instance, password := behindProxy(t)
	at, user := "/instances/"+instance, instance+":pi"

	good, office := w.from("198.51.100.7"), w.from("203.0.113.5")
	for _, c := range []net.Conn{good, office} {
		w.login(c, user, password)
	}
	var rule struct{ ID, Prefix string }
	if status := p.api("POST", at+"/addresses", map[string]any{"prefix": "203.0.113.0/24", "effect": "deny", "note": "strangers"}, &rule); status != 201 || rule.Prefix != "203.0.113.0/24" {
		t.Fatalf("the rule: %d %+v", status, rule)
	}
	f, err := readFrame(office)
	if err != nil || f.Type() != mqtt.DISCONNECT {
		t.Fatalf("who may not come any more read %v, %v", f.Type(), err)
	}
	if d, err := mqtt.DecodeDisconnect(f, mqtt.V5); err != nil || d.Reason != mqtt.NotAuthorized {
		t.Errorf("%+v, %v", d, err)
	}
	socket := func(remote string) net.Conn {
		c := tls.Client(w.behind(remote, w.https), w.tls("localhost", "http/1.1"))
		fmt.Fprintf(c, "GET /mqtt/%s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
			"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n", instance)
		head := make([]byte, 0, 512)
		for b := make([]byte, 1); !strings.HasSuffix(string(head), "\r\n\r\n"); head = append(head, b[0]) {
			if _, err := io.ReadFull(c, b); err != nil {
				t.Fatalf("%s: %v", head, err)
			}
		}
		if !strings.HasPrefix(string(head), "HTTP/1.1 101") {
			t.Fatalf("%s", head)
		}
		return &wsConn{Conn: c}
	}
	alpn := func(remote string) net.Conn { return tls.Client(w.behind(remote, w.https), w.tls("localhost", "mqtt")) }
	for name, open := range map[string]func(string) net.Conn{"TLS": w.from, "ALPN": alpn, "WebSocket": socket} {
		if r := reason(t, open("203.0.113.200"), mqtt.V5, user, password); r != mqtt.NotAuthorized {
			t.Errorf("%s, refused address: %v", name, r)
		}
		if r := reason(t, open("198.51.100.8"), mqtt.V5, user, password); r != mqtt.Success {
			t.Errorf("%s, other address: %v", name, r)
		}
	}
	if r := reason(t, w.from("203.0.113.201"), mqtt.V311, user, password); r != mqtt.NotAuthorized {
		t.Errorf("3.1.1: %v", r)
	}
	lines := until(t, func() (l logLines) { p.api("GET", at+"/log?kind=refused", nil, &l); return l }, func(l logLines) bool { return len(l.Items) >= 3 })
	for _, l := range lines.Items {
		if l.Gate != "address" || l.Rule != "203.0.113.0/24" || !strings.HasPrefix(l.Remote, "203.0.113.") || l.Cause == "" {
			t.Errorf("a line %+v", l)
		}
	}
	// Everybody else is refused, with one exception; the panel's web client is spared.
	if status := p.api("PATCH", at+"/guard", map[string]any{"others": "deny"}, nil); status != 409 {
		t.Errorf("without being sure: %d", status)
	}
	p.api("POST", at+"/addresses", map[string]any{"prefix": "198.51.100.7", "effect": "allow"}, nil)
	if status := p.api("PATCH", at+"/guard", map[string]any{"others": "deny", "sure": true}, nil); status != 200 {
		t.Fatalf("others: %d", status)
	}
	if r := reason(t, w.from("198.51.100.8"), mqtt.V5, user, password); r != mqtt.NotAuthorized {
		t.Errorf("everybody else: %v", r)
	}
	if r := reason(t, w.from("198.51.100.7"), mqtt.V5, user, password); r != mqtt.Success {
		t.Errorf("the exception: %v", r)
	}
	if r := reason(t, w.from("2001:db8::5"), mqtt.V5, user, password); r != mqtt.NotAuthorized {
		t.Errorf("everybody else by IPv6: %v", r)
	}
	var web struct {
		Token    string
		ClientID string `json:"client_id"`
	}
	p.api("POST", at+"/web-token", nil, &web)
	c := w.from("203.0.113.5")
	if a, err := connect(c, mqtt.Connect{ClientID: []byte(web.ClientID), User: []byte(instance + ":web-client"), Password: []byte(web.Token)}); err != nil || a.Reason != mqtt.Success {
		t.Errorf("the web client: %v %v", a.Reason, err)
	}
	// Programs with a token are clients, the browser is not.
	var token struct{ Token string }
	p.api("POST", "/tokens", map[string]any{"name": "t", "scope": "manage", "password": anyPassword}, &token)
	body := map[string]any{"topic": "a", "payload": "x"}
	if status := p.api("POST", at+"/publish", body, nil); status != 200 {
		t.Errorf("publish by browser: %d", status)
	}
	r, _ := http.NewRequest("POST", "https://localhost"+p.port()+"/api/v1"+at+"/publish", strings.NewReader(`{"topic":"a","payload":"x"}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token.Token)
	answer, err := w.client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Body.Close(); answer.StatusCode != 403 {
		t.Errorf("publish by token: %s", answer.Status)
	}
}

// wsConn writes one masked frame for each write, and reads what is in the first frame.
type wsConn struct {
	net.Conn
	begun bool
}

func (c *wsConn) Write(b []byte) (int, error) {
	if len(b) > 125 {
		return 0, fmt.Errorf("%d bytes", len(b))
	}
	_, err := c.Conn.Write(append([]byte{0x82, 0x80 | byte(len(b)), 0, 0, 0, 0}, b...))
	return len(b), err
}

func (c *wsConn) Read(b []byte) (int, error) {
	if !c.begun {
		head := make([]byte, 2)
		if _, err := io.ReadFull(c.Conn, head); err != nil {
			return 0, err
		}
		if head[1] == 126 {
			if _, err := io.ReadFull(c.Conn, head); err != nil {
				return 0, err
			}
		}
		c.begun = true
	}
	return c.Conn.Read(b)
}

// TestGuessersAreShutOut guesses from one address until it is banned, while a device with an old password, and a guesser
// on this machine, are not.
func TestGuessersAreShutOut(t *testing.T) {
	w, p, instance, password := behindProxy(t)
	at, user := "/instances/"+instance, instance+":pi"
	p.api("PATCH", at+"/guard", map[string]any{"ban_tries": 4}, nil)

	stays := w.from("203.0.113.7")
	w.login(stays, user, password)
	for range 6 {
		if r := reason(t, w.from("203.0.113.8"), mqtt.V5, user, "the old password"); r != mqtt.BadUserNameOrPassword {
			t.Fatalf("an old password: %v", r)
		}
	}
	for i := range 4 {
		if r := reason(t, w.from("203.0.113.7"), mqtt.V5, user, fmt.Sprint("guess", i)); r != mqtt.BadUserNameOrPassword {
			t.Fatalf("guess %d: %v", i, r)
		}
	}
	if r := reason(t, w.from("203.0.113.7"), mqtt.V5, user, password); r != mqtt.Banned {
		t.Errorf("5.0, shut out: %v", r)
	}
	if r := reason(t, w.from("203.0.113.7"), mqtt.V311, user, "guess"); r != mqtt.NotAuthorized {
		t.Errorf("3.1.1, shut out: %v", r)
	}
	for _, other := range []string{"203.0.113.8", "2001:db8::7"} {
		if r := reason(t, w.from(other), mqtt.V5, user, password); r != mqtt.Success {
			t.Errorf("from %s: %v", other, r)
		}
	}
	if _, err := stays.Write([]byte{0xC0, 0}); err != nil {
		t.Fatal(err)
	}
	if f, err := readFrame(stays); err != nil || f.Type() != mqtt.PINGRESP {
		t.Errorf("who was connected read %v, %v", f.Type(), err)
	}
	var bans struct {
		Items []struct {
			Address   string
			Automatic bool
			Tries     int
			Refused   int
			Users     []string
			Clients   []string
		}
	}
	p.api("GET", at+"/bans", nil, &bans)
	if len(bans.Items) != 1 || bans.Items[0].Address != "203.0.113.7" || !bans.Items[0].Automatic || bans.Items[0].Tries != 4 || bans.Items[0].Refused != 2 ||
		fmt.Sprint(bans.Items[0].Users, bans.Items[0].Clients) != "[pi] [c]" {
		t.Errorf("%+v", bans)
	}
	lines := until(t, func() (l logLines) { p.api("GET", at+"/log?query=203.0.113.7", nil, &l); return l }, func(l logLines) bool {
		return len(l.Items) > 0 && l.Items[0].Gate == "ban"
	})
	if l := lines.Items[0]; l.Rule != "4 wrong logins" || l.Kind != "refused" || lines.Items[1].Kind != "banned" {
		t.Errorf("lines %+v", lines.Items[:2])
	}
	if status := p.api("DELETE", at+"/bans/203.0.113.7", nil, nil); status != 204 {
		t.Errorf("lift: %d", status)
	}
	if r := reason(t, w.from("203.0.113.7"), mqtt.V5, user, password); r != mqtt.Success {
		t.Errorf("lifted: %v", r)
	}
	// By hand: who is connected goes.
	if status := p.api("POST", at+"/bans", map[string]any{"address": "203.0.113.7", "minutes": 5, "note": "n"}, nil); status != 201 {
		t.Errorf("by hand: %d", status)
	}
	if f, err := readFrame(stays); err != nil || f.Type() != mqtt.DISCONNECT {
		t.Errorf("who was connected read %v, %v", f.Type(), err)
	}
	if code := w.stop(); code != ExitOK || strings.Contains(w.log.String(), "guess1") {
		t.Errorf("exit code %d, or a password in the log", code)
	}
}

// TestConnectStorm bounds the logins of an instance in a minute; wrong ones use nothing of it up.
func TestConnectStorm(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	var in struct{ ID string }
	p.api("POST", "/instances", map[string]any{"name": "x"}, &in)
	at := "/instances/" + in.ID
	var made struct{ Password string }
	p.api("POST", at+"/users", map[string]any{"name": "pi"}, &made)
	p.api("PATCH", at+"/guard", map[string]any{"connect_rate": 2}, nil)
	try := func(version mqtt.Version, password string) mqtt.Reason {
		return reason(t, w.dial(w.mqtts, w.tls("localhost")), version, in.ID+":pi", password)
	}
	for i, tt := range []struct {
		version  mqtt.Version
		password string
		want     mqtt.Reason
	}{
		{mqtt.V5, "wrong", mqtt.BadUserNameOrPassword}, {mqtt.V5, made.Password, mqtt.Success}, {mqtt.V5, made.Password, mqtt.Success},
		{mqtt.V5, made.Password, mqtt.ConnectionRateExceeded}, {mqtt.V311, made.Password, mqtt.ServerUnavailable}, {mqtt.V5, "wrong", mqtt.BadUserNameOrPassword},
	} {
		if got := try(tt.version, tt.password); got != tt.want {
			t.Errorf("%d: %v, want %v", i, got, tt.want)
		}
	}
	until(t, func() (l logLines) { p.api("GET", at+"/log?query=connect_rate", nil, &l); return l }, func(l logLines) bool {
		return len(l.Items) >= 2 && l.Items[0].Gate == "limits"
	})
}
