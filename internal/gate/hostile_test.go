package gate

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

const patience = 300 * time.Millisecond

// TestPatience holds connections that begin but don't finish to one deadline, which bytes don't extend.
func TestPatience(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Patience = patience })
	dribble := func(c net.Conn, b []byte) {
		for _, x := range b {
			if _, err := c.Write([]byte{x}); err != nil {
				return
			}
			time.Sleep(patience / 10)
		}
	}
	clientHello := append([]byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3}, make([]byte, 400)...)
	long := append([]byte{0x10, 0xF0, 0x7F, 0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 60, 0}, make([]byte, 400)...)
	tests := []struct {
		name string
		conn func() net.Conn
		send []byte
	}{
		{"nothing", func() net.Conn { return rawDial(t, r.mqtt) }, nil},
		{"CONNECT byte by byte", func() net.Conn { return rawDial(t, r.mqtt) }, long},
		{"CONNECT byte by byte where it is refused", func() net.Conn { return rawDial(t, r.refusing) }, long},
		{"no TLS hello", func() net.Conn { return rawDial(t, r.mqtts) }, nil},
		{"TLS hello byte by byte", func() net.Conn { return rawDial(t, r.mqtts) }, clientHello},
		{"TLS, then silence", func() net.Conn { return r.dial("tls") }, nil},
		{"TLS, then CONNECT byte by byte", func() net.Conn { return r.dial("tls") }, long},
		{"WebSocket, then silence", func() net.Conn { return r.dial("wss") }, nil},
		{"WebSocket, then CONNECT byte by byte", func() net.Conn { return r.dial("ws") }, long},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			c := tt.conn()
			go dribble(c, tt.send) // ends when the connection does
			_, err := io.Copy(io.Discard, c)
			took := time.Since(began)
			if errors.Is(err, os.ErrDeadlineExceeded) || took < patience*9/10 || took > patience+30*time.Second {
				t.Errorf("ended after %v with %v, want %v", took, err, patience)
			}
		})
	}
}

func rawDial(t testing.TB, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return c
}

// TestFirstBytes sends what does not belong to a port: it is closed at once, and the log says what it was.
func TestFirstBytes(t *testing.T) {
	r := newRig(t)
	tests := []struct {
		name, addr, send, cause string
	}{
		{"TLS on a plain port", r.mqtt, "\x16\x03\x01\x02\x00\x01", "TLS"},
		{"TLS on the port that refuses", r.refusing, "\x16\x03\x01\x02\x00\x01", "TLS"},
		{"MQTT on the TLS port", r.mqtts, string(hello(mqtt.V311)), "MQTT"},
		{"HTTP on the TLS port", r.mqtts, "GET / HTTP/1.1\r\n\r\n", "HTTP"},
		{"HTTP on a plain port", r.mqtt, "GET / HTTP/1.1\r\n\r\n", "HTTP"},
		{"PROXY v1 from an unlisted address", r.mqtt, "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + string(hello(mqtt.V311)), "PROXY"},
		{"PROXY v2 from an unlisted address", r.mqtt, "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + strings.Repeat("\x01", 12), "PROXY"},
		{"PROXY before TLS", r.mqtts, "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "PROXY"},
		{"PUBLISH first", r.mqtt, string(publish(1, 1)), "not CONNECT"},
		{"reserved type", r.mqtt, "\xF0\x00", "not CONNECT"},
		{"type 0", r.mqtt, "\x00\x00", "not CONNECT"},
		{"CONNECT with flags", r.mqtt, "\x11" + string(hello(mqtt.V311)[1:]), "reserved"},
		{"huge CONNECT", r.mqtt, "\x10\xFF\xFF\xFF\x7F", "over the limit"},
		{"length of five bytes", r.mqtt, "\x10\xFF\xFF\xFF\xFF\x01", "four bytes"},
		{"length not minimal", r.mqtt, "\x10\x80\x00", "longer than it must"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := rawDial(t, tt.addr)
			if _, err := c.Write([]byte(tt.send)); err != nil {
				t.Fatal(err)
			}
			if e := r.event(); !strings.Contains(e.Cause, tt.cause) || e.Kind != "refused" {
				t.Errorf("event %+v, want a cause with %q", e, tt.cause)
			}
			if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection stays open")
			}
		})
	}
}

// TestSecondConnectAfterHalf wants a half-sent CONNECT to hold little: the buffer follows the bytes.
func TestConnectBufferFollowsBytes(t *testing.T) {
	a := &caller{srv: New(Options{}), stream: fixedConn{Reader: bytes.NewReader(append([]byte{0x10, 0xF0, 0xFF, 3}, make([]byte, 700)...))}}
	buf := make([]byte, 0, firstRead)
	var err error
	for err == nil {
		buf, err = a.readSome(buf)
	}
	if cap(buf) > 2048 {
		t.Errorf("704 bytes are held in %d", cap(buf))
	}
}

type fixedConn struct {
	net.Conn
	io.Reader
}

func (f fixedConn) Read(b []byte) (int, error) { return f.Reader.Read(b) }

func TestTLSVersions(t *testing.T) {
	r := newRig(t)
	for _, addr := range []string{r.mqtts, r.wss} {
		for v, good := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
			c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: r.ca.Pool(), ServerName: "localhost", MinVersion: v, MaxVersion: v})
			if (err == nil) != good {
				t.Errorf("%s with %s: %v, want success %v", addr, tls.VersionName(v), err, good)
			}
			if err == nil {
				c.Close()
			}
		}
	}
}

func TestAdmission(t *testing.T) {
	a := newAdmission(Options{PerAddress: 2, Waiting: 4, Connections: 6})
	one, two, local := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::"), netip.MustParseAddr("127.0.0.1")
	steps := []struct {
		name string
		do   func() error
		want error
	}{
		{"first", func() error { return a.enter(one) }, nil},
		{"second", func() error { return a.enter(one) }, nil},
		{"third of an address", func() error { return a.enter(one) }, errManyFromAddress},
		{"another address", func() error { return a.enter(two) }, nil},
		{"loopback", func() error { return a.enter(local) }, nil},
		{"fifth in all", func() error { return a.enter(two) }, errManyWaiting},
		{"one has logged in", func() error { a.known(one); return a.enter(one) }, nil},
		{"the rest, too", func() error {
			a.known(one)
			a.known(one)
			a.known(two)
			a.known(local)
			return a.enter(local)
		}, nil},
		{"the sixth of all", func() error { a.known(local); return a.enter(local) }, errManyInAll},
		{"one has gone", func() error { a.leave(); return a.enter(local) }, nil},
	}
	// two waiting of the same address at the end of "one has logged in": the counts below depend on the order above
	for _, s := range steps {
		if err := s.do(); !errors.Is(err, s.want) {
			t.Errorf("%s: %v, want %v", s.name, err, s.want)
		}
	}
	if len(a.address) != 1 {
		t.Errorf("%d addresses are remembered", len(a.address))
	}
}

func TestOrigin(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:1:2:3::4": "2001:db8:1:2::", "fe80::1%eth0": "fe80::", "::1": "::1",
	} {
		if got := origin(netip.MustParseAddr(in)).String(); got != want {
			t.Errorf("origin(%s) = %s, want %s", in, got, want)
		}
	}
}

// TestTooMany fills the gate with connections that say nothing; those who are in are served on.
func TestTooMany(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Waiting = 3 })
	c, _ := r.login("tcp")
	var idle []net.Conn
	for range 3 {
		idle = append(idle, rawDial(t, r.mqtt))
	}
	for !r.waiting(3) {
		time.Sleep(time.Millisecond)
	}
	if n, err := rawDial(t, r.mqtt).Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("one too many: %d, %v", n, err)
	}
	if _, err := c.Write(publish(1, 1)); err != nil {
		t.Fatal(err)
	}
	readPacket(t, c)
	idle[0].Close()
	for !r.waiting(2) {
		time.Sleep(time.Millisecond)
	}
	r.login("tls")
}

func (r *rig) waiting(n int) bool {
	r.admission.mu.Lock()
	defer r.admission.mu.Unlock()
	return r.admission.waits == n
}

// TestOutOfFiles has accept fail as it does without descriptors: the gate goes on when there are some again.
func TestOutOfFiles(t *testing.T) {
	r := newRig(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &failing{Listener: l, fails: 3}
	go r.ServePlain(f, true) // ends with the listener
	t.Cleanup(func() { l.Close() })
	c := rawDial(t, l.Addr().String())
	if _, err := c.Write(hello(mqtt.V5)); err != nil {
		t.Fatal(err)
	}
	readPacket(t, c)
}

// failing is a listener that has no descriptor for a while.
type failing struct {
	net.Listener
	fails int
}

func (f *failing) Accept() (net.Conn, error) {
	if f.fails > 0 {
		f.fails--
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return f.Listener.Accept()
}
