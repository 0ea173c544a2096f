package gate

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"testing"
	"time"

	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
)

// TestRoundTrip sends packets cut and joined in every way, over every transport, and wants each of them back.
func TestRoundTrip(t *testing.T) {
	r := newRig(t)
	sizes := []int{0, 1, 100, 127, 128, 5000, 16384, 40000, 65536, 70000, 300000, 1, 3, 0}
	cuts := map[string]func(n int) int{
		"whole":   func(n int) int { return n },
		"bytes":   func(n int) int { return min(n, 1+n/100) },
		"odd":     func(n int) int { return min(n, 1+rand.IntN(3000)) },
		"64K and": func(n int) int { return min(n, bufferSize+1) },
	}
	for _, kind := range transports {
		for name, cut := range cuts {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				c := r.dial(kind)
				if w, ok := c.(*wsClient); ok {
					w.cut = func(n int) int { return min(n, 1+rand.IntN(20000)) }
				}
				stream := hello(mqtt.V311)
				var want []byte
				for i, n := range sizes {
					want = append(want, publish(i, n)...)
				}
				stream = append(stream, want...)
				go func() { // ends when all is written, or with the connection
					for len(stream) > 0 {
						n := cut(len(stream))
						if _, err := c.Write(stream[:n]); err != nil {
							return
						}
						stream = stream[n:]
					}
				}()
				if ack := readPacket(t, c); ack[0] != 0x20 {
					t.Fatalf("CONNACK: %x", ack)
				}
				got := make([]byte, len(want))
				if _, err := io.ReadFull(c, got); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Error("what came back is not what was sent")
				}
			})
		}
	}
}

// TestManyTurns has many clients send at once, each over its own connection, in small pieces.
func TestManyTurns(t *testing.T) {
	r := newRig(t)
	for i := range 40 {
		kind := transports[i%len(transports)]
		t.Run(fmt.Sprint(kind, i), func(t *testing.T) {
			t.Parallel()
			c, _ := r.login(kind)
			for j := range 50 {
				want := publish(j, 50*i)
				if _, err := c.Write(want); err != nil {
					t.Fatal(err)
				}
				if got := readPacket(t, c); !bytes.Equal(got, want) {
					t.Fatalf("packet %d came back changed", j)
				}
			}
		})
	}
}

func TestHelloSaysWhoIsThere(t *testing.T) {
	r := newRig(t)
	tests := []struct {
		kind string
		want Hello
	}{
		{"tcp", Hello{Via: "mqtt"}},
		{"tls", Hello{Via: "mqtts", Secure: true, Host: "localhost", TLS: tls.VersionTLS13}},
		{"ws", Hello{Via: "ws", Host: "localhost", Instance: "inst"}},
		{"wss", Hello{Via: "wss", Secure: true, Host: "localhost", Instance: "inst", TLS: tls.VersionTLS13}},
		{"alpn", Hello{Via: "mqtts", Secure: true, Host: "localhost", TLS: tls.VersionTLS13}},
	}
	for _, tt := range tests {
		c, _ := r.login(tt.kind)
		got := r.door.last()
		tt.want.ClientID, tt.want.User, tt.want.HasUser, tt.want.HasPass = "c1", "inst:u1", true, true
		tt.want.Remote = c.LocalAddr().String()
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", tt.want) {
			t.Errorf("%s: hello %+v, want %+v", tt.kind, got, tt.want)
		}
	}
}

// TestEnds looks at how connections end, and what the broker is told.
func TestEnds(t *testing.T) {
	r := newRig(t)
	for _, kind := range transports {
		t.Run(kind+" disconnect", func(t *testing.T) {
			c, e := r.login(kind)
			if _, err := c.Write([]byte{0xE0, 0}); err != nil {
				t.Fatal(err)
			}
			if cause := ended(t, e); !errors.Is(cause, broker.ErrDisconnected) {
				t.Errorf("cause %v", cause)
			}
			wantClosed(t, c)
		})
		t.Run(kind+" peer closes", func(t *testing.T) {
			c, e := r.login(kind)
			c.Close()
			if cause := ended(t, e); !lost(cause) {
				t.Errorf("cause %v", cause)
			}
		})
		t.Run(kind+" broker closes with last words", func(t *testing.T) {
			c, e := r.login(kind)
			words := publish(7, 3000)
			e.put(words)
			e.link.Close(mqtt.SessionTakenOver)
			if got := readPacket(t, c); !bytes.Equal(got, words) {
				t.Errorf("last words %x", got)
			}
			wantClosed(t, c)
			if cause := ended(t, e); !errors.Is(cause, mqtt.SessionTakenOver) {
				t.Errorf("cause %v", cause)
			}
			if w, ok := c.(*wsClient); ok && w.code != closePolicy {
				t.Errorf("close code %d", w.code)
			}
		})
		t.Run(kind+" malformed", func(t *testing.T) {
			c, e := r.login(kind)
			if _, err := c.Write([]byte{0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}); err != nil {
				t.Fatal(err)
			}
			if cause := ended(t, e); !errors.Is(cause, mqtt.MalformedPacket) {
				t.Errorf("cause %v", cause)
			}
			wantClosed(t, c)
		})
	}
}

// ended waits for the cause that the broker was told.
func ended(t testing.TB, e *echo) error {
	t.Helper()
	select {
	case cause := <-e.end:
		return cause
	case <-time.After(time.Minute):
		t.Fatal("the connection did not end")
		return nil
	}
}

// wantClosed wants the server's end of the stream, without a reset.
func wantClosed(t testing.TB, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 10)); !errors.Is(err, io.EOF) {
		t.Errorf("read %d bytes, %v; want the end", n, err)
	}
	c.Close()
}

// TestPanicEndsOne has the broker fail in one connection; another must not notice.
func TestPanicEndsOne(t *testing.T) {
	r := newRig(t)
	other, _ := r.login("tcp")
	c, e := r.login("tls")
	e.panic.Store(true)
	if _, err := c.Write(publish(1, 1)); err != nil {
		t.Fatal(err)
	}
	if cause := ended(t, e); !errors.Is(cause, errPanic) {
		t.Errorf("cause %v", cause)
	}
	wantClosed(t, c)
	if _, err := other.Write(publish(1, 1)); err != nil {
		t.Fatal(err)
	}
	readPacket(t, other)
}

// TestNothingWaitsForTheUpgrade sends the request, CONNECT and more in one write: what the HTTP server had read
// already must not be lost.
func TestNothingWaitsForTheUpgrade(t *testing.T) {
	r := newRig(t)
	want := bytes.Repeat(publish(1, 200), 14) // with all else less than the HTTP server's buffer of 4 KiB
	head := "GET /mqtt HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
	for _, cut := range []int{0, 1, 300, 2000} { // left out of the first write
		stream := append([]byte(head), frame(0x80|opBinary, append(hello(mqtt.V311), want...))...)
		for _, secure := range []bool{false, true} {
			var c net.Conn = rawDial(t, r.ws)
			if secure {
				c = tls.Client(rawDial(t, r.wss), &tls.Config{RootCAs: r.ca.Pool(), ServerName: "localhost"})
			}
			if _, err := c.Write(stream[:len(stream)-cut]); err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(c)
			res, err := http.ReadResponse(in, nil)
			if err != nil || res.StatusCode != 101 {
				t.Fatalf("upgrade: %v, %v", res, err)
			}
			if _, err := c.Write(stream[len(stream)-cut:]); err != nil {
				t.Fatal(err)
			}
			ws := &wsClient{Conn: c, r: in}
			readPacket(t, ws)
			got := make([]byte, len(want))
			if _, err := io.ReadFull(ws, got); err != nil || !bytes.Equal(got, want) {
				t.Errorf("TLS %v, %d bytes later: %v", secure, cut, err)
			}
		}
	}
}
