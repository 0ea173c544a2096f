package gate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
)

func connackOf(t *testing.T, c io.Reader, v mqtt.Version) *mqtt.Connack {
	t.Helper()
	f, err := mqtt.Cut(readPacket(t, c), 0)
	if err != nil {
		t.Fatal(err)
	}
	a, err := mqtt.DecodeConnack(f, v)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestPlainRefused: MQTT without TLS is answered in the client's version, and recorded with the user.
func TestPlainRefused(t *testing.T) {
	r := newRig(t)
	for _, v := range []mqtt.Version{mqtt.V31, mqtt.V311, mqtt.V5} {
		c := rawDial(t, r.refusing)
		if _, err := c.Write(append(hello(v), publish(1, 100)...)); err != nil { // what comes behind must not reset the answer
			t.Fatal(err)
		}
		raw := readPacket(t, c)
		f, err := mqtt.Cut(raw, 0)
		if err != nil {
			t.Fatal(err)
		}
		if v != mqtt.V5 {
			if !bytes.Equal(raw, []byte{0x20, 2, 0, 5}) {
				t.Errorf("version %d: CONNACK %x", v, raw)
			}
		} else if a, err := mqtt.DecodeConnack(f, v); err != nil || a.Reason != mqtt.UseAnotherServer ||
			a.ServerReference != "localhost:8883" || !strings.Contains(a.ReasonString, "TLS") {
			t.Errorf("version 5: CONNACK %+v, %v", a, err)
		}
		wantClosed(t, c)
		e := r.event()
		if e.User != "inst:u1" || e.Client != "c1" || e.Reason != mqtt.UseAnotherServer || e.Gate != "listener" ||
			!strings.Contains(e.Cause, "change it") || strings.Contains(fmt.Sprint(e), "secret") {
			t.Errorf("event %+v", e)
		}
	}
	if len(r.door.hellos) != 0 {
		t.Error("the door was asked")
	}
}

func TestPlainOptIn(t *testing.T) {
	r := newRig(t, func(o *Options) { o.AllowPlain = func(h Hello) bool { return h.User == "inst:u1" } })
	c := rawDial(t, r.refusing)
	if _, err := c.Write(hello(mqtt.V311)); err != nil {
		t.Fatal(err)
	}
	if a := connackOf(t, c, mqtt.V311); a.Reason != mqtt.Success {
		t.Errorf("CONNACK %+v", a)
	}
}

// TestRefusals maps what the door says to what the client reads.
func TestRefusals(t *testing.T) {
	limit := &broker.Refusal{Reason: mqtt.QuotaExceeded, Words: "10 clients are connected already"}
	tests := []struct {
		name string
		v    mqtt.Version
		max  uint32
		err  error
		want string // hex, or the reason string of 5.0
		code mqtt.Reason
	}{
		{"wrong password 3.1.1", mqtt.V311, 0, mqtt.BadUserNameOrPassword, "20020004", 0},
		{"not authorized 3.1.1", mqtt.V311, 0, mqtt.NotAuthorized, "20020005", 0},
		{"limit 3.1.1", mqtt.V311, 0, limit, "20020003", 0},
		{"limit 5", mqtt.V5, 0, limit, "10 clients are connected already", mqtt.QuotaExceeded},
		{"limit 5, small packets only", mqtt.V5, 8, limit, "", mqtt.QuotaExceeded},
		{"our own failure 3.1.1", mqtt.V311, 0, errors.New("disk is away"), "20020003", 0},
		{"our own failure 5", mqtt.V5, 0, errors.New("disk is away"), "", mqtt.ServerUnavailable},
		{"version 3.1.1", mqtt.V311, 0, mqtt.UnsupportedProtocolVersion, "20020001", 0},
		{"malformed 3.1.1 [MQTT-3.1.4-1]", mqtt.V311, 0, mqtt.MalformedPacket, "", 0},
		{"malformed 5", mqtt.V5, 0, mqtt.MalformedPacket, "", mqtt.MalformedPacket},
		{"no version", 0, 0, mqtt.UnsupportedProtocolVersion, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := refusal(&mqtt.Connect{Version: tt.v, MaxPacket: tt.max}, tt.err)
			if tt.v != mqtt.V5 {
				if got := fmt.Sprintf("%x", b); got != tt.want {
					t.Errorf("answer %s, want %s", got, tt.want)
				}
				return
			}
			if a := connackOf(t, bytes.NewReader(b), tt.v); a.Reason != tt.code || a.ReasonString != tt.want {
				t.Errorf("answer %+v, want %v %q", a, tt.code, tt.want)
			}
		})
	}
	if refusal(nil, mqtt.MalformedPacket) != nil {
		t.Error("an answer to nothing")
	}
}

// TestLoginRefused sends a wrong password over every transport.
func TestLoginRefused(t *testing.T) {
	r := newRig(t)
	for _, kind := range transports {
		for user, want := range map[string]mqtt.Reason{"u": mqtt.BadUserNameOrPassword, "broken": mqtt.ServerUnavailable} {
			c := r.dial(kind)
			p := mqtt.Connect{Version: mqtt.V5, Clean: true, ClientID: []byte("x"), HasUser: true, User: []byte(user),
				HasPassword: true, Password: []byte("pw"), RequestProblem: true}
			if user == "u" {
				p.Password = []byte("wrong")
			}
			if _, err := c.Write(append(p.Append(nil), publish(1, 10000)...)); err != nil {
				t.Fatal(err)
			}
			if a := connackOf(t, c, mqtt.V5); a.Reason != want {
				t.Errorf("%s: %v, want %v", kind, a.Reason, want)
			}
			wantClosed(t, c)
		}
	}
}

func TestUpgradeRefused(t *testing.T) {
	r := newRig(t, func(o *Options) {})
	type change func(*http.Request)
	set := func(k, v string) change { return func(q *http.Request) { q.Header.Set(k, v) } }
	tests := []struct {
		name   string
		change change
		status int
		words  string
	}{
		{"path", func(q *http.Request) { q.URL.Path = "/other" }, 404, "/mqtt"},
		{"path too deep", func(q *http.Request) { q.URL.Path = "/mqtt/a/b" }, 404, "/mqtt"},
		{"POST", func(q *http.Request) { q.Method = "POST" }, 405, "GET"},
		{"no upgrade", set("Upgrade", ""), 426, "MQTT client"},
		{"other upgrade", set("Upgrade", "h2c"), 426, "MQTT client"},
		{"version", set("Sec-Websocket-Version", "8"), 426, "13"},
		{"no key", set("Sec-Websocket-Key", ""), 400, "Key"},
		{"short key", set("Sec-Websocket-Key", "AAAA"), 400, "Key"},
		{"no subprotocol", set("Sec-Websocket-Protocol", ""), 400, "subprotocol"},
		{"other subprotocol", set("Sec-Websocket-Protocol", "mqttx, chat"), 400, "subprotocol"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q, err := http.NewRequest("GET", "http://"+r.ws+"/mqtt", nil)
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-Websocket-Version": "13",
				"Sec-Websocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-Websocket-Protocol": "mqtt"} {
				q.Header.Set(k, v)
			}
			tt.change(q)
			res, err := http.DefaultClient.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != tt.status || !strings.Contains(string(body), tt.words) {
				t.Errorf("%d %q, want %d with %q", res.StatusCode, body, tt.status, tt.words)
			}
		})
	}
}

func TestUpgradeChecks(t *testing.T) {
	r := newRig(t)
	foreign := WebSocketOptions{Plain: true, Check: func(q *http.Request) error {
		if q.Header.Get("Origin") != "" {
			return errors.New("pages of other sites may not connect here")
		}
		return nil
	}}
	h := http.NewServeMux()
	h.Handle("/tls-only/", http.StripPrefix("/tls-only", r.WebSocket(WebSocketOptions{})))
	h.Handle("/checked/", http.StripPrefix("/checked", r.WebSocket(foreign)))
	srv := &http.Server{Handler: h}
	addr := r.serve(srv.Serve)
	t.Cleanup(func() { srv.Close() })
	for _, tt := range []struct{ path, head, want string }{
		{"/tls-only/mqtt", "", "426"}, {"/checked/mqtt", "Origin: https://evil.example\r\n", "403"}, {"/checked/mqtt", "", "101"},
	} {
		c := rawDial(t, addr)
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n%s\r\n", tt.path, tt.head)
		b := make([]byte, 12)
		if _, err := io.ReadFull(c, b); err != nil || !strings.HasSuffix(string(b), tt.want) {
			t.Errorf("%s: %q, %v, want %s", tt.path, b, err, tt.want)
		}
	}
}

// TestKeepAlive: a silent client is cut off after one and a half times its keep-alive, a talking one is not.
func TestKeepAlive(t *testing.T) {
	r := newRig(t)
	connect := func() (net.Conn, *echo) {
		p := mqtt.Connect{Version: mqtt.V311, Clean: true, ClientID: []byte("k"), KeepAlive: 3} // long enough for this process to stand still meanwhile
		c := r.dial("tcp")
		if _, err := c.Write(p.Append(nil)); err != nil {
			t.Fatal(err)
		}
		readPacket(t, c)
		return c, r.session()
	}
	began := time.Now()
	_, silent := connect()
	talker, talking := connect()
	for {
		select {
		case cause := <-silent.end:
			if took := time.Since(began); !errors.Is(cause, mqtt.KeepAliveTimeout) || took < 4500*time.Millisecond {
				t.Errorf("ended after %v with %v", took, cause)
			}
			return
		case cause := <-talking.end:
			t.Fatalf("the talking client was cut off: %v", cause)
		case <-time.After(100 * time.Millisecond):
			if _, err := talker.Write([]byte{0xC0, 0}); err != nil {
				t.Fatal(err)
			}
			readPacket(t, talker)
		}
	}
}

// TestStop lets connections say goodbye, turns callers away, and ends.
func TestStop(t *testing.T) {
	var open []*echo
	goodbye := publish(9, 10)
	r := newRig(t, func(o *Options) {
		o.Drain = func(context.Context) error {
			for _, e := range open {
				e.put(goodbye)
				e.link.Close(mqtt.ServerShuttingDown)
			}
			return nil
		}
	})
	var conns []net.Conn
	for _, kind := range transports {
		c, e := r.login(kind)
		conns, open = append(conns, c), append(open, e)
	}
	half := rawDial(t, r.mqtt)
	if _, err := half.Write([]byte{0x10}); err != nil {
		t.Fatal(err)
	}
	for !r.waiting(1) {
		time.Sleep(time.Millisecond)
	}
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		done <- r.Stop(ctx)
	}()
	for i, c := range conns {
		if got := readPacket(t, c); !bytes.Equal(got, goodbye) {
			t.Errorf("%s: last words %x", transports[i], got)
		}
		wantClosed(t, c)
		if w, ok := c.(*wsClient); ok && w.code != closeGoingAway {
			t.Errorf("%s: close code %d", transports[i], w.code)
		}
	}
	if n, _ := half.Read(make([]byte, 1)); n != 0 {
		t.Error("the caller got something")
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := r.Connections(); n != 0 {
		t.Errorf("%d connections are left", n)
	}
	if c, err := net.Dial("tcp", r.mqtt); err == nil {
		c.Close()
		t.Error("the listener is still open")
	}
}

// TestStopInTime closes what does not end by itself.
func TestStopInTime(t *testing.T) {
	r := newRig(t)
	c, e := r.login("tcp")
	for range 100 { // more than the socket takes, and never read
		e.put(make([]byte, 1<<20))
	}
	e.link.Flush()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := r.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Stop: %v", err)
	}
	c.Close()
}
