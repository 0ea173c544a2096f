package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"tsunagi/internal/mqtt"
)

// readSize is what one read takes at most, in bytes; a larger packet makes the buffer grow.
const readSize = 64 << 10

// link is one connection to the broker. One goroutine reads; writes are under mu.
type link struct {
	conn    net.Conn
	version mqtt.Version
	buf     []byte // what has been read and not handled is buf[:have]
	have    int

	mu  sync.Mutex
	out []byte // the next write, built by whoever holds mu
}

const handshakeTime = 20 * time.Second

// login is what differs from client to client.
type login struct {
	id         string
	number     int  // chooses the TLS session that is resumed
	persistent bool // the session outlives the connection
	keepAlive  time.Duration
}

// connect dials, logs in and takes the CONNACK.
func connect(ctx context.Context, d *dialer, o *options, who login) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	conn, err := d.dial(ctx, who.number)
	if err != nil {
		return nil, err
	}
	l := &link{conn: conn, version: o.protocol()}
	p := mqtt.Connect{Version: l.version, Clean: !who.persistent, ClientID: []byte(who.id), RequestProblem: true, ReceiveMaximum: 0xFFFF,
		User: []byte(o.user), HasUser: o.user != "", Password: []byte(o.password), HasPassword: o.password != ""}
	p.KeepAlive = uint16(who.keepAlive / time.Second)
	if who.persistent && l.version == mqtt.V5 {
		p.SessionExpiry, p.HasSessionExpiry = uint32(sessionTime/time.Second), true
	}
	f, err := l.ask(p.Append(nil))
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("connect: %w", err)
	}
	ack, err := mqtt.DecodeConnack(f, l.version)
	if err == nil && ack.Reason != mqtt.Success {
		err = ack.Reason
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("connect: %w", err)
	}
	return l, nil
}

// ask sends a packet and waits for the answer, before the link is in use. The answer views a buffer of its own.
func (l *link) ask(packet []byte) (mqtt.Frame, error) {
	if err := l.conn.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
		return mqtt.Frame{}, err
	}
	if _, err := l.conn.Write(packet); err != nil {
		return mqtt.Frame{}, err
	}
	for {
		f, err := mqtt.Cut(l.buf[:l.have], 0)
		if err == nil {
			body := append([]byte(nil), f.Body...)
			l.have = copy(l.buf, l.buf[f.Size:l.have])
			f.Body = body
			return f, l.conn.SetDeadline(time.Time{})
		}
		if !errors.Is(err, mqtt.ErrShort) {
			return f, err
		}
		if err := l.more(256); err != nil {
			return f, err
		}
	}
}

// more reads once, behind what is there, into a buffer of at least the given size.
func (l *link) more(size int) error {
	if l.have == len(l.buf) || len(l.buf) < size {
		l.buf = append(make([]byte, 0, max(size, 2*l.have)), l.buf[:l.have]...)
		l.buf = l.buf[:cap(l.buf)]
	}
	n, err := l.conn.Read(l.buf[l.have:])
	l.have += n
	if n > 0 {
		return nil
	}
	return err
}

// subscribe asks for filters, many at a time.
func (l *link) subscribe(filters []string, qos byte) error {
	const atOnce = 200
	for id := uint16(1); len(filters) > 0; id++ {
		n := min(len(filters), atOnce)
		p := mqtt.Subscribe{PacketID: id}
		for _, f := range filters[:n] {
			p.Filters = append(p.Filters, mqtt.Subscription{Filter: []byte(f), QoS: qos})
		}
		filters = filters[n:]
		f, err := l.ask(p.Append(nil, l.version))
		if err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
		ack, err := mqtt.DecodeSuback(f, l.version)
		if err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
		for _, r := range ack.Reasons {
			if r >= 0x80 {
				return fmt.Errorf("subscribe: %w", r)
			}
		}
	}
	return nil
}

// read calls handle for every packet, and done when a batch has been handled, until the connection ends.
func (l *link) read(handle func(f mqtt.Frame) error, done func() error) error {
	for {
		n := 0
		for {
			f, err := mqtt.Cut(l.buf[n:l.have], 0)
			if errors.Is(err, mqtt.ErrShort) {
				break
			}
			if err == nil {
				err = handle(f)
			}
			if err != nil {
				return err
			}
			n += f.Size
		}
		if n > 0 {
			l.have = copy(l.buf, l.buf[n:l.have])
			if err := done(); err != nil {
				return err
			}
		}
		if err := l.more(readSize); err != nil {
			return err
		}
	}
}

// flush writes what was built. The caller holds mu.
func (l *link) flush() error {
	if len(l.out) == 0 {
		return nil
	}
	_, err := l.conn.Write(l.out)
	l.out = l.out[:0]
	return err
}

// ack builds an acknowledgement of two bytes. The caller holds mu.
func (l *link) ack(t mqtt.Type, id uint16) {
	first := byte(t) << 4
	if t == mqtt.PUBREL {
		first |= 2
	}
	l.out = binary.BigEndian.AppendUint16(append(l.out, first, 2), id)
}
