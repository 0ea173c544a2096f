package gate

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

var transports = []string{"tcp", "tls", "ws", "wss", "alpn"}

// dial connects to the rig and returns a stream of MQTT bytes.
func (r *rig) dial(kind string) net.Conn {
	r.t.Helper()
	conf := &tls.Config{RootCAs: r.ca.Pool(), ServerName: "localhost"}
	var c net.Conn
	var err error
	switch kind {
	case "tcp":
		c, err = net.Dial("tcp", r.mqtt)
	case "tls":
		c, err = tls.Dial("tcp", r.mqtts, conf)
	case "alpn":
		conf.NextProtos = []string{"mqtt"}
		c, err = tls.Dial("tcp", r.wss, conf)
	case "ws":
		if c, err = net.Dial("tcp", r.ws); err == nil {
			c, err = upgrade(c, "/mqtt/inst")
		}
	case "wss":
		if c, err = tls.Dial("tcp", r.wss, conf); err == nil {
			c, err = upgrade(c, "/mqtt/inst")
		}
	}
	if err != nil {
		r.t.Fatalf("dial %s: %v", kind, err)
	}
	r.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return c
}

// login connects and reads the CONNACK.
func (r *rig) login(kind string) (net.Conn, *echo) {
	r.t.Helper()
	c := r.dial(kind)
	if _, err := c.Write(hello(mqtt.V311)); err != nil {
		r.t.Fatal(err)
	}
	if got := readPacket(r.t, c); got[0] != 0x20 || got[3] != 0 {
		r.t.Fatalf("answer to CONNECT: %x", got)
	}
	return c, r.session()
}

func hello(v mqtt.Version) []byte {
	p := mqtt.Connect{Version: v, Clean: true, ClientID: []byte("c1"), HasUser: true, User: []byte("inst:u1"),
		HasPassword: true, Password: []byte("secret"), RequestProblem: true}
	return p.Append(nil)
}

// publish is a QoS 0 PUBLISH of about n bytes, told apart by its number.
func publish(number, n int) []byte {
	p := mqtt.Publish{Topic: fmt.Appendf(nil, "t/%d", number), Payload: make([]byte, n)}
	for i := range p.Payload {
		p.Payload[i] = byte(number + i)
	}
	return p.Append(nil, mqtt.V311)
}

func readPacket(t testing.TB, c io.Reader) []byte {
	t.Helper()
	b, err := tryPacket(c)
	if err != nil {
		t.Fatalf("read a packet: %v (after %x)", err, b)
	}
	return b
}

func tryPacket(c io.Reader) ([]byte, error) {
	b := make([]byte, 2, 16)
	if _, err := io.ReadFull(c, b); err != nil {
		return nil, err
	}
	n, shift := int(b[1]&0x7F), 7
	for b[len(b)-1] >= 0x80 {
		b = append(b, 0)
		if _, err := io.ReadFull(c, b[len(b)-1:]); err != nil {
			return b, err
		}
		n |= int(b[len(b)-1]&0x7F) << shift
		shift += 7
	}
	head := len(b)
	b = append(b, make([]byte, n)...)
	_, err := io.ReadFull(c, b[head:])
	return b, err
}

// wsClient is the client's side of a WebSocket: it writes masked frames and reads unmasked ones.
type wsClient struct {
	net.Conn
	r     *bufio.Reader
	left  int
	cut   func(n int) int // length of the next frame for n bytes; nil: all
	pongs int             // seen
	code  int             // of the close frame that came
}

func upgrade(c net.Conn, path string) (net.Conn, error) {
	_, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: other, mqtt\r\nCookie: a=b\r\n\r\n", path)
	if err != nil {
		return nil, err
	}
	r := bufio.NewReader(c)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != 101 || res.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" ||
		res.Header.Get("Sec-WebSocket-Protocol") != "mqtt" || strings.Contains(res.Header.Get("Sec-WebSocket-Extensions"), "deflate") {
		return nil, fmt.Errorf("answer to the upgrade: %v", res)
	}
	return &wsClient{Conn: c, r: r}, nil
}

// frame makes a masked frame.
func frame(first byte, payload []byte) []byte {
	b := appendFrameHead(nil, 0, len(payload))
	b[0] = first
	b[1] |= 0x80
	mask := [4]byte{0x12, 0x34, 0x56, byte(len(payload))}
	b = append(b, mask[:]...)
	for i, c := range payload {
		b = append(b, c^mask[i&3])
	}
	return b
}

func (w *wsClient) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := len(rest)
		if w.cut != nil {
			n = w.cut(n)
		}
		var out []byte
		switch rand.IntN(8) {
		case 0:
			out = append(frame(0x80|opPing, []byte("hi")), frame(0x80|opBinary, rest[:n])...)
		case 1: // fragmented, with a ping between
			k := n / 2
			out = append(frame(opBinary, rest[:k]), frame(0x80|opPing, nil)...)
			out = append(out, frame(opContinue, nil)...)
			out = append(out, frame(0x80|opContinue, rest[k:n])...)
		default:
			out = frame(0x80|opBinary, rest[:n])
		}
		if _, err := w.Conn.Write(out); err != nil {
			return 0, err
		}
		rest = rest[n:]
	}
	return len(p), nil
}

func (w *wsClient) Read(p []byte) (int, error) {
	for w.left == 0 {
		if err := w.next(); err != nil {
			return 0, err
		}
	}
	n, err := w.r.Read(p[:min(len(p), w.left)])
	w.left -= n
	return n, err
}

// next reads the head of a frame, and the whole of a control frame.
func (w *wsClient) next() error {
	var h [2]byte
	if _, err := io.ReadFull(w.r, h[:]); err != nil {
		return err
	}
	n := int(h[1])
	if n >= 126 {
		long := make([]byte, 2+6*(n-126))
		if _, err := io.ReadFull(w.r, long); err != nil {
			return err
		}
		n = 0
		for _, b := range long {
			n = n<<8 | int(b)
		}
	}
	if h[0] == 0x80|opBinary {
		w.left = n
		return nil
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(w.r, b); err != nil {
		return err
	}
	switch h[0] {
	case 0x80 | opPong:
		w.pongs++
		return nil
	case 0x80 | opClose:
		w.code = closeNoCode
		if n >= 2 {
			w.code = int(binary.BigEndian.Uint16(b))
		}
		return io.EOF
	}
	return fmt.Errorf("unexpected frame %x", h[0])
}
