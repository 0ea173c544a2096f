package gate

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"

	"tsunagi/internal/mqtt"
)

// Headers as a proxy sends them.
var (
	proxyV1 = "PROXY TCP4 203.0.113.7 192.0.2.1 51000 8883\r\n"
	proxyV6 = "PROXY TCP6 2001:db8::7 2001:db8::1 51000 8883\r\n"
	local   = proxySignature + "\x20\x00\x00\x00"
)

// headerV2 is a header of version 2 for an address, with a record that must be skipped.
func headerV2(t testing.TB, from, to string) string {
	t.Helper()
	addr := func(s string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s)) }
	h := proxyproto.HeaderProxyFromAddrs(2, addr(from), addr(to))
	if err := h.SetTLVs([]proxyproto.TLV{{Type: proxyproto.PP2_TYPE_AUTHORITY, Value: []byte("other.example")}}); err != nil {
		t.Fatal(err)
	}
	b, err := h.Format()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// newProxyRig trusts 127.0.0.2 and nobody else.
func newProxyRig(t *testing.T) *rig {
	return newRig(t, func(o *Options) { o.ProxyFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")} })
}

// dialFrom connects from an address of the loopback network, sends what comes before everything else, and then speaks
// as the kind wants.
func (r *rig) dialFrom(from, kind, first string) (net.Conn, error) {
	r.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	addr := map[string]string{"tcp": r.mqtt, "refusing": r.refusing, "tls": r.mqtts, "alpn": r.wss, "wss": r.wss, "ws": r.ws}[kind]
	c, err := d.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	r.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := c.Write([]byte(first)); err != nil {
		return nil, err
	}
	conf := &tls.Config{RootCAs: r.ca.Pool(), ServerName: "localhost"}
	switch kind {
	case "alpn":
		conf.NextProtos = []string{"mqtt"}
		return tls.Client(c, conf), nil
	case "tls":
		return tls.Client(c, conf), nil
	case "wss":
		return upgrade(tls.Client(c, conf), "/mqtt/inst")
	case "ws":
		return upgrade(c, "/mqtt/inst")
	}
	return c, nil
}

func TestProxyHeaderTellsTheClient(t *testing.T) {
	r := newProxyRig(t)
	for name, tt := range map[string]struct{ header, want string }{
		"v1":             {proxyV1, "203.0.113.7:51000"},
		"v1 IPv6":        {proxyV6, "[2001:db8::7]:51000"},
		"v1 unknown":     {"PROXY UNKNOWN\r\n", "127.0.0.2:"},
		"v1 unknown, on": {"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", "127.0.0.2:"},
		"v2":             {headerV2(t, "203.0.113.8:51001", "192.0.2.1:443"), "203.0.113.8:51001"},
		"v2 IPv6":        {headerV2(t, "[2001:db8::9]:51002", "[2001:db8::1]:443"), "[2001:db8::9]:51002"},
		"v2 local":       {local, "127.0.0.2:"},
		"v2 unspecified": {proxySignature + "\x21\x00\x00\x03abc", "127.0.0.2:"},
	} {
		for _, kind := range []string{"tcp", "tls", "alpn", "ws", "wss"} {
			t.Run(name+" "+kind, func(t *testing.T) {
				c, err := r.dialFrom("127.0.0.2", kind, tt.header)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := c.Write(hello(mqtt.V311)); err != nil {
					t.Fatal(err)
				}
				if got := readPacket(t, c); got[0] != 0x20 || got[3] != 0 {
					t.Fatalf("answer to CONNECT: %x", got)
				}
				r.session()
				if got := r.door.last().Remote; !strings.HasPrefix(got, tt.want) {
					t.Errorf("the door saw %s, want %s", got, tt.want)
				}
				c.Close()
			})
		}
	}
}

// TestProxyHeaderRefused is attack row 34: a header from elsewhere is garbage, and so is none from a proxy.
func TestProxyHeaderRefused(t *testing.T) {
	r := newProxyRig(t)
	for name, tt := range map[string]struct{ from, header string }{
		"v1 from elsewhere":   {"127.0.0.3", proxyV1},
		"v2 from elsewhere":   {"127.0.0.3", headerV2(t, "203.0.113.8:51001", "192.0.2.1:443")},
		"none from a proxy":   {"127.0.0.2", ""},
		"two":                 {"127.0.0.2", proxyV1 + proxyV1},
		"bad address":         {"127.0.0.2", "PROXY TCP4 1.2.3 192.0.2.1 1 2\r\n"},
		"bad port":            {"127.0.0.2", "PROXY TCP4 1.2.3.4 192.0.2.1 1 99999\r\n"},
		"family":              {"127.0.0.2", "PROXY UDP4 1.2.3.4 192.0.2.1 1 2\r\n"},
		"endless line":        {"127.0.0.2", "PROXY TCP4 " + strings.Repeat("1", 200)},
		"v2 of 60,000 bytes":  {"127.0.0.2", proxySignature + "\x21\x11\xea\x60" + strings.Repeat("a", 4000)},
		"v2 version 3":        {"127.0.0.2", proxySignature + "\x31\x11\x00\x0c" + strings.Repeat("a", 12)},
		"v2 too short for v4": {"127.0.0.2", proxySignature + "\x21\x11\x00\x04abcd"},
	} {
		for _, kind := range []string{"tcp", "refusing", "tls", "alpn", "ws", "wss"} {
			t.Run(name+" "+kind, func(t *testing.T) {
				c, err := r.dialFrom(tt.from, kind, tt.header)
				if err != nil {
					return // the upgrade was refused
				}
				if _, err := c.Write(hello(mqtt.V311)); err != nil {
					return
				}
				if b, err := tryPacket(c); err == nil && b[3] == 0 {
					t.Errorf("let in: %x", b)
				}
				c.Close()
			})
		}
	}
	select {
	case <-r.sessions:
		t.Error("a session was made")
	default:
	}
}

// TestProxyWaitsNoLonger wants the header to be part of the one time that a stranger has.
func TestProxyWaitsNoLonger(t *testing.T) {
	r := newRig(t, func(o *Options) {
		o.ProxyFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}
		o.Patience = 200 * time.Millisecond
	})
	for _, kind := range []string{"tcp", "tls", "alpn", "wss"} {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.2")}}
		addr := map[string]string{"tcp": r.mqtt, "tls": r.mqtts, "alpn": r.wss, "wss": r.wss}[kind]
		c, err := d.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		_, _ = c.Write([]byte("PROXY TCP4 1.2.3"))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !strings.Contains(fmt.Sprint(err), "reset") {
			t.Errorf("%s: %v, want the connection closed", kind, err)
		}
	}
}

// TestProxyLimits counts the clients behind a proxy by their own addresses.
func TestProxyLimits(t *testing.T) {
	r := newRig(t, func(o *Options) {
		o.ProxyFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}
		o.PerAddress = 2
	})
	for i := range 2 { // wait without a CONNECT
		if _, err := r.dialFrom("127.0.0.2", "tcp", proxyV1); err != nil {
			t.Fatal(i, err)
		}
	}
	deadline := time.Now().Add(time.Minute)
	for { // until both are counted
		r.admission.mu.Lock()
		n := r.admission.address[netip.MustParseAddr("203.0.113.7")]
		r.admission.mu.Unlock()
		if n == 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are counted, want 2", n)
		}
		time.Sleep(time.Millisecond)
	}
	third, err := r.dialFrom("127.0.0.2", "tcp", proxyV1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := third.Read(make([]byte, 1)); err == nil {
		t.Error("the third connection of an address was kept")
	}
	other, err := r.dialFrom("127.0.0.2", "tcp", strings.Replace(proxyV1, "203.0.113.7", "203.0.113.9", 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Write(hello(mqtt.V311)); err != nil {
		t.Fatal(err)
	}
	readPacket(t, other)
}

// TestRecall ends what an HTTPS server lent, so that its Shutdown doesn't wait for clients.
func TestRecall(t *testing.T) {
	r := newRig(t)
	_, over := r.login("tls")
	c, lent := r.login("alpn")
	waiting := r.dial("alpn") // has not sent CONNECT
	srv := &http.Server{}
	srv.RegisterOnShutdown(r.Recall)
	if err := srv.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	<-lent.end
	if _, err := io.ReadAll(c); err != nil {
		t.Errorf("the client read %v, want the end", err)
	}
	if _, err := io.ReadAll(waiting); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("who waited read %v", err)
	}
	late := r.dial("alpn")
	if _, err := io.ReadAll(late); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("who came late read %v", err)
	}
	select {
	case err := <-over.end:
		t.Errorf("a client of another port ended: %v", err)
	default:
	}
}

func FuzzReadProxy(f *testing.F) {
	for _, s := range []string{proxyV1, proxyV6, local, "PROXY UNKNOWN\r\n", headerV2(f, "203.0.113.8:51001", "192.0.2.1:443"),
		proxySignature + "\x21\x11\x00\x04abcd", proxySignature + "\x21\x31\x00\xd8" + strings.Repeat("a", 216), "PROXY TCP4 "} {
		f.Add([]byte(s), []byte("\x10\x0c"))
	}
	f.Fuzz(func(t *testing.T, header, behind []byte) {
		r := bytes.NewReader(append(append([]byte(nil), header...), behind...))
		addr, err := readProxy(r)
		used := len(header) + len(behind) - r.Len()
		if used > proxyLeast+1+proxyBody {
			t.Fatalf("read %d bytes", used)
		}
		if err != nil {
			return
		}
		if addr != nil && addr.String() == "" {
			t.Fatal("an address without a name")
		}
		again, err := readProxy(bytes.NewReader(append(append([]byte(nil), header...), behind...)[:used])) // nothing behind is needed
		if err != nil || fmt.Sprint(again) != fmt.Sprint(addr) {
			t.Fatalf("%v, %v without what is behind; %v with it", again, err, addr)
		}
	})
}
