package mqttclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"tsunagi/internal/mqtt"
)

// Wire is one connection after its CONNACK for who speaks the packets himself and keeps the packet identifiers
// somewhere else, as bridges do. Next belongs to one goroutine, Write to one other; Close may come from everywhere.
type Wire struct {
	Connack   *mqtt.Connack
	Version   mqtt.Version
	KeepAlive time.Duration // as the server wants it; 0: off
	conn      net.Conn
	in        *packetReader
	host      string
	timeout   time.Duration
}

// Open dials and shakes hands as a Client with these options would; its callbacks, retries and outbox are not used. ctx
// bounds the attempt, not the connection. A refusal is a *ServerError.
func Open(ctx context.Context, o Options) (*Wire, error) {
	c, err := New(o)
	if err != nil {
		return nil, err
	}
	l, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	return &Wire{Connack: l.connack, Version: l.version, KeepAlive: l.keepAlive, conn: l.conn, in: l.in, host: c.to.host,
		timeout: c.o.WriteTimeout}, nil
}

// Next is the next packet, valid until the next call. patience bounds the wait for it (0: for ever); ErrNoAnswer says
// that it is over. A DISCONNECT of the server is a *ServerError.
func (w *Wire) Next(patience time.Duration) (mqtt.Frame, error) {
	for {
		f, whole, err := w.in.cut()
		switch {
		case err != nil:
			return f, err
		case whole && f.Type() == mqtt.DISCONNECT && w.Version == mqtt.V5:
			return f, (&link{version: w.Version}).dismissed(f)
		case whole:
			return f, nil
		}
		if patience > 0 {
			w.conn.SetReadDeadline(time.Now().Add(patience))
		}
		if err := w.in.fill(); err != nil {
			return f, w.unread(err)
		}
	}
}

func (w *Wire) unread(err error) error {
	var late net.Error
	switch {
	case errors.Is(err, io.EOF):
		return closedBy(w.host)
	case errors.As(err, &late) && late.Timeout():
		return ErrNoAnswer
	}
	return fmt.Errorf("reading from %s: %w", w.host, err)
}

// Write waits until the socket has taken b, WriteTimeout at most.
func (w *Wire) Write(b []byte) error {
	w.conn.SetWriteDeadline(time.Now().Add(w.timeout))
	if _, err := w.conn.Write(b); err != nil {
		return fmt.Errorf("writing to %s: %w", w.host, err)
	}
	return nil
}

// Close ends the connection without a word.
func (w *Wire) Close() { w.conn.Close() }
