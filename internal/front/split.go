package front

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// Bounds of connections that have not said yet what they speak.
const (
	splitTime  = 10 * time.Second
	splitPlace = 64
)

// Split parts the connections of one port: those that begin as TLS does, and all others. Closing one of the two closes
// both.
func Split(l net.Listener) (tls, plain net.Listener) {
	s := &split{Listener: l, done: make(chan struct{}), places: make(chan struct{}, splitPlace)}
	a, b := &half{s, make(chan net.Conn)}, &half{s, make(chan net.Conn)}
	go s.run(a.conns, b.conns) // ends with the listener
	return a, b
}

type split struct {
	net.Listener
	once   sync.Once
	done   chan struct{} // closed when nothing more is accepted
	places chan struct{}
}

func (s *split) run(tls, plain chan net.Conn) {
	defer s.once.Do(func() { close(s.done) })
	for {
		c, err := s.Accept()
		if err != nil {
			return
		}
		select {
		case s.places <- struct{}{}:
		default:
			c.Close() // too many that say nothing
			continue
		}
		go func() { // ends within splitTime
			defer func() { <-s.places }()
			first := make([]byte, 1)
			_ = c.SetReadDeadline(time.Now().Add(splitTime)) // on a closed connection the read fails, too
			if _, err := io.ReadFull(c, first); err != nil {
				c.Close()
				return
			}
			_ = c.SetReadDeadline(time.Time{})
			to := plain
			if first[0] == 0x16 { // a handshake record
				to = tls
			}
			select {
			case to <- &begun{c, bytes.NewReader(first)}:
			case <-s.done:
				c.Close()
			}
		}()
	}
}

// half is one of the two listeners.
type half struct {
	*split
	conns chan net.Conn
}

func (h *half) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

func (h *half) Close() error {
	h.once.Do(func() { close(h.done) })
	if err := h.Listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// begun is a connection whose first byte has been read.
type begun struct {
	net.Conn
	first *bytes.Reader
}

func (b *begun) Read(p []byte) (int, error) {
	if b.first.Len() > 0 {
		return b.first.Read(p)
	}
	return b.Conn.Read(p)
}
