package app

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tsunagi/internal/mqtt"
)

const onePortName = "link.example.org"

// onePort starts the one-port mode and a proxy in front that ends TLS for its name.
func onePort(t *testing.T, args ...string) (w *world, proxy string, client *http.Client) {
	t.Helper()
	w = serveWorld(t, append([]string{"--https", "off", "--mqtts", "off", "--mqtt", "off", "--behind-proxy", "--domain", onePortName,
		"--forwarded-from", "127.0.0.2"}, args...)...)
	front := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", w.http, r.In.Host
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"] // as proxies do: what the client says, and behind it whom they saw
			r.SetXForwarded()
			r.Out.Header.Set("X-Forwarded-Proto", "https")
		},
		Transport: &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.2")}}).DialContext},
	}
	ending := &http.Server{Handler: front}
	a := newTestTLS(t, onePortName)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ending.TLSConfig = a.server
	go func() { _ = ending.ServeTLS(l, "", "") }() // ends with Close
	t.Cleanup(func() { ending.Close() })
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{TLSClientConfig: a.client, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
		}}}
	t.Cleanup(client.CloseIdleConnections)
	return w, l.Addr().String(), client
}

// TestOnePort walks a person's and a device's way through a proxy that ends TLS: the owner link, signing in with a
// cookie that is kept, an instance whose addresses are the proxy's, and MQTT over a WebSocket.
func TestOnePort(t *testing.T) {
	w, _, client := onePort(t)
	var link struct{ Link string }
	w.admin(&link, "account", "link")
	if !strings.HasPrefix(link.Link, "https://"+onePortName+"/welcome#token=") {
		t.Fatalf("owner link %q", link.Link)
	}
	_, token, _ := strings.Cut(link.Link, "token=")
	do := func(method, path string, body any, want int) []byte {
		t.Helper()
		var reader io.Reader
		if body != nil {
			b, _ := json.Marshal(body)
			reader = strings.NewReader(string(b))
		}
		r, _ := http.NewRequest(method, "https://"+onePortName+path, reader)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Origin", "https://"+onePortName)
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		out, _ := io.ReadAll(answer.Body)
		if answer.StatusCode != want {
			t.Fatalf("%s %s: %s %s", method, path, answer.Status, out)
		}
		if answer.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("%s %s: no Strict-Transport-Security", method, path)
		}
		return out
	}
	do("POST", "/api/v1/owner", map[string]string{"token": token, "email": "owner@example.org", "password": "correct horse battery"}, 204)
	u, _ := url.Parse("https://" + onePortName)
	if jar := client.Jar.Cookies(u); len(jar) != 1 || jar[0].Name != "__Host-tsunagi" {
		t.Errorf("cookies %v", jar)
	}
	do("GET", "/api/v1/session", nil, 200)
	if w.admin(&link, "account", "link"); link.Link != "" {
		t.Errorf("with an owner the link is %q", link.Link)
	}
	var in struct {
		ID       string
		Port     int    `json:"port"`
		SSLPort  int    `json:"ssl_port"`
		Web      int    `json:"websocket_port"`
		Path     string `json:"websocket_path"`
		Password string
	}
	if err := json.Unmarshal(do("POST", "/api/v1/instances", map[string]string{"name": "home"}, 201), &in); err != nil {
		t.Fatal(err)
	}
	if in.Web != 443 || in.SSLPort != 0 || in.Port != 0 {
		t.Errorf("ports: WebSocket %d, TLS %d, plain %d; want 443 alone", in.Web, in.SSLPort, in.Port)
	}
	if err := json.Unmarshal(do("POST", "/api/v1/instances/"+in.ID+"/password/rotate", map[string]string{}, 200), &in); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, "wss://"+onePortName+in.Path, &websocket.DialOptions{HTTPClient: client, Subprotocols: []string{"mqtt"},
		HTTPHeader: http.Header{"X-Forwarded-For": {"203.0.113.66"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	w.login(websocket.NetConn(ctx, ws, websocket.MessageBinary), in.ID, in.Password)
	log := string(do("GET", "/api/v1/instances/"+in.ID+"/connections", nil, 200))
	if !strings.Contains(log, `"remote":"127.0.0.1:0"`) || !strings.Contains(log, `"via":"wss"`) {
		t.Errorf("connections: %s; want the address that the proxy saw, not what the client says", log)
	}
}

// TestOnePortInClear sends what did not come through TLS: from the proxy, from elsewhere with forged headers, without
// the header; and asks for the health, which any checker may.
func TestOnePortInClear(t *testing.T) {
	w, _, _ := onePort(t)
	send := func(from, request string) string {
		t.Helper()
		c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).Dial("tcp", w.http)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		_, _ = io.WriteString(c, request)
		b, _ := io.ReadAll(c)
		return string(b)
	}
	const proxy, other, end = "127.0.0.2", "127.0.0.3", "Connection: close\r\n\r\n"
	const head = " HTTP/1.1\r\nHost: " + onePortName + "\r\n"
	for _, tt := range []struct{ name, from, request, want string }{
		{"http at the proxy", proxy, "GET /x?y=1" + head + "X-Forwarded-Proto: http\r\n" + end, "308 Permanent Redirect|Location: https://" + onePortName + "/x?y=1"},
		{"https once, http now", proxy, "GET /" + head + "X-Forwarded-Proto: https, http\r\n" + end, "308 Permanent"},
		{"https at the proxy", proxy, "GET /api/v1/status" + head + "X-Forwarded-Proto: https\r\n" + end, "200 OK"},
		{"a body in clear", proxy, "POST /api/v1/session" + head + "X-Forwarded-Proto: http\r\nContent-Length: 0\r\n" + end, "403 Forbidden|tls_required"},
		{"no header", proxy, "GET /" + head + end, "400 Bad Request|X-Forwarded-Proto"},
		{"forged from elsewhere", other, "GET /api/v1/status" + head + "X-Forwarded-Proto: https\r\n" + end, "308 Permanent"},
		{"forged with a body", other, "POST /api/v1/session" + head + "X-Forwarded-Proto: https\r\nContent-Length: 0\r\n" + end, "403 Forbidden|forwarded_from"},
		{"WebSocket in clear", other, "GET /mqtt" + head + "X-Forwarded-Proto: https\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n\r\n", "426 Upgrade Required|wss://" + onePortName + "/mqtt"},
		{"another name", proxy, "GET / HTTP/1.1\r\nHost: evil.example.com\r\nX-Forwarded-Proto: https\r\n" + end, "421 Misdirected"},
		{"another name in clear", other, "GET / HTTP/1.1\r\nHost: evil.example.com\r\n" + end, "308 Permanent Redirect|Location: https://" + onePortName + "/"},
		{"health", other, "GET /healthz HTTP/1.1\r\nHost: 10.0.0.9\r\n" + end, "200 OK|ok"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := send(tt.from, tt.request)
			for _, want := range strings.Split(tt.want, "|") {
				if !strings.Contains(got, want) {
					t.Errorf("answer %q does not hold %q", got, want)
				}
			}
		})
	}
}

// TestOnePortBesideMQTT keeps a TLS door of its own open for devices, with the local authority.
func TestOnePortBesideMQTT(t *testing.T) {
	w, _, _ := onePort(t, "--mqtts", "127.0.0.1:0")
	id, password := w.instance()
	c := w.dial(w.mqtts, w.tls(onePortName))
	w.login(c, id, password)
	if a, err := connect(w.dial(w.mqtts, w.tls(onePortName)), mqtt.Connect{User: []byte(id), Password: []byte("x")}); err != nil || a.Reason != mqtt.BadUserNameOrPassword {
		t.Errorf("%v, %v", a.Reason, err)
	}
}

// TestOnePortRulesAndBans comes through the proxy from several clients' addresses, as X-Forwarded-For tells them: address
// rules and bans judge those, never the proxy's, and nothing that a client writes into the header itself.
func TestOnePortRulesAndBans(t *testing.T) {
	w, _, _ := onePort(t)
	id, password := w.instance()
	// come says CONNECT over a WebSocket as a client that the proxy saw at an address, and returns the CONNACK's reason.
	come := func(seen, secret string) mqtt.Reason {
		t.Helper()
		dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.2")}}
		client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", w.http)
		}}}
		defer client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		ws, _, err := websocket.Dial(ctx, "ws://"+onePortName+"/mqtt/"+id, &websocket.DialOptions{HTTPClient: client, Subprotocols: []string{"mqtt"},
			HTTPHeader: http.Header{"X-Forwarded-For": {seen}, "X-Forwarded-Proto": {"https"}}})
		if err != nil {
			t.Fatal(err)
		}
		defer ws.CloseNow()
		a, err := connect(websocket.NetConn(ctx, ws, websocket.MessageBinary), mqtt.Connect{User: []byte(id), Password: []byte(secret)})
		if err != nil {
			t.Fatalf("from %s: %v", seen, err)
		}
		return a.Reason
	}
	want := func(what, seen, secret string, reason mqtt.Reason) {
		t.Helper()
		if got := come(seen, secret); got != reason {
			t.Errorf("%s: CONNACK %v, want %v", what, got, reason)
		}
	}
	w.admin(nil, "api", "POST", "/instances/"+id+"/addresses", "--field", "prefix=198.51.100.0/24", "--field", "effect=deny")
	want("an address without a rule", "203.0.113.5", password, mqtt.Success)
	want("a refused address", "198.51.100.7", password, mqtt.NotAuthorized)
	want("a refused address that says it is another", "203.0.113.5, 198.51.100.7", password, mqtt.NotAuthorized)
	want("one that says it is a refused address", "198.51.100.7, 203.0.113.5", password, mqtt.Success)
	want("a refused address behind two proxies", "198.51.100.7, 127.0.0.2", password, mqtt.NotAuthorized)

	w.admin(nil, "api", "PATCH", "/instances/"+id+"/guard", "--field", "ban_tries:=3")
	for _, guess := range []string{"one", "two", "three"} {
		want("a guess", "192.0.2.66", guess, mqtt.BadUserNameOrPassword)
	}
	want("who has guessed, with the right password", "192.0.2.66", password, mqtt.Banned)
	want("who has guessed and says it is another", "203.0.113.5, 192.0.2.66", password, mqtt.Banned)
	want("a neighbour behind the same proxy", "203.0.113.5", password, mqtt.Success)
	var bans struct{ Items []struct{ Address string } }
	if w.admin(&bans, "api", "GET", "/instances/"+id+"/bans"); len(bans.Items) != 1 || bans.Items[0].Address != "192.0.2.66" {
		t.Errorf("bans %+v, want the client's address alone", bans.Items)
	}
}
