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
	net.Conn
	left bool // DISCONNECT was sent, or the server has closed
	buf  []byte
	used int
}

func dial(ctx context.Context, t Target) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	var d interface {
		DialContext(ctx context.Context, network, addr string) (net.Conn, error)
	} = &net.Dialer{}
	if t.TLS != nil {
		d = &tls.Dialer{Config: t.TLS}
	}
	c, err := d.DialContext(ctx, "tcp", t.Addr)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c}, nil
}

// next reads the next packet, whose bytes are its own.
func (c *conn) next(patience time.Duration) (mqtt.Frame, error) {
	c.SetReadDeadline(time.Now().Add(patience))
	for {
		f, err := mqtt.Cut(c.buf[c.used:], 16<<20)
		if err == nil {
			c.used += f.Size
			return f, nil
		}
		if !errors.Is(err, mqtt.ErrShort) {
			return f, fmt.Errorf("the broker sends nonsense: %w", err)
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
