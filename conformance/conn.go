package conformance

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"tsunagi/internal/mqtt"
)

// conn is one connection.
type conn struct {
	*stream
	referee referee
	left    bool // DISCONNECT was sent, or the server has closed
	refused int  // the status of an upgrade that was refused
	connack *mqtt.Connack
	buf     []byte
	used    int
}

// subprotocol is what MQTT is called over WebSocket.
const subprotocol = "mqtt"

func dial(ctx context.Context, t Target) (*conn, error) {
	s, err := open(ctx, t, subprotocol)
	if err != nil {
		return nil, err
	}
	return &conn{stream: s}, nil
}

// send sends a packet. When the server has closed already, that shows at what is expected next.
func (c *conn) send(b []byte, patience time.Duration) {
	c.referee.sent(b)
	c.SetWriteDeadline(deadline(patience))
	_ = c.stream.send(b)
}

// next reads the next packet, whose bytes are its own, and has the referee look at it.
func (c *conn) next(patience time.Duration) (mqtt.Frame, error) {
	f, err := c.read(patience)
	if err != nil {
		return f, err
	}
	if err := c.referee.came(f); err != nil {
		return f, &foul{fmt.Errorf("%s: %w", describe(f, c.referee.v), err)}
	}
	if f.Type() == mqtt.CONNACK {
		c.connack, _ = mqtt.DecodeConnack(f, c.referee.v) // the referee has decoded it
	}
	return c.referee.resolve(f), nil
}

func (c *conn) read(patience time.Duration) (mqtt.Frame, error) {
	c.SetReadDeadline(deadline(patience))
	for {
		f, err := mqtt.Cut(c.buf[c.used:], 16<<20)
		if err == nil {
			c.used += f.Size
			return f, nil
		}
		if !errors.Is(err, mqtt.ErrShort) {
			return f, &foul{fmt.Errorf("the broker sends nonsense: %w", err)}
		}
		c.buf, c.used = slices.Clone(c.buf[c.used:]), 0
		chunk := make([]byte, 4096)
		n, err := c.Read(chunk)
		c.buf = append(c.buf, chunk[:n]...)
		if n == 0 && err != nil {
			if errors.Is(err, io.EOF) {
				return f, fmt.Errorf("the broker has closed the connection")
			}
			return f, err
		}
	}
}

// foul is a packet that no case may see.
type foul struct{ error }

func (f *foul) Unwrap() error { return f.error }

// drop closes the connection as a device does that loses its power: without a word, also of TLS and WebSocket.
func (c *conn) drop() {
	if c.ws != nil {
		c.Conn = c.ws.Conn
	}
	if t, ok := c.Conn.(*tls.Conn); ok {
		t.NetConn().Close()
		return
	}
	c.Close()
}

// noConn stands for a WebSocket that was refused.
type noConn struct{ net.Conn }

func (noConn) Close() error                     { return nil }
func (noConn) SetWriteDeadline(time.Time) error { return nil }
func (noConn) SetReadDeadline(time.Time) error  { return nil }
func (noConn) Write(b []byte) (int, error)      { return len(b), nil }
func (noConn) Read([]byte) (int, error)         { return 0, io.EOF }
