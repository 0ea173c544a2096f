package link

import (
	"context"
	"net"
	"sync"
	"time"
)

// slotted is a stream that counts against a bound until it is closed.
type slotted struct {
	net.Conn
	once  sync.Once
	slots chan struct{}
}

func (s *slotted) Close() error {
	err := s.Conn.Close()
	s.once.Do(func() { <-s.slots })
	return err
}

// serve takes one stream of the platform.
func (c *Client) serve(ctx context.Context, s *slotted) {
	_ = s.SetReadDeadline(time.Now().Add(questionTime)) // on a closed stream the read fails, too
	var kind [1]byte
	if _, err := s.Read(kind[:]); err != nil {
		s.Close()
		return
	}
	_ = s.SetReadDeadline(time.Time{})
	switch kind[0] {
	case kindHTTP:
		c.pass(ctx, c.conns, s)
	case kindDoor:
		c.pass(ctx, c.doors, s)
	case kindPages:
		c.pass(ctx, c.visits.conns, s)
	case kindNotice:
		if err := answer(s, func(m message) message { return c.notice(ctx, m) }); err != nil {
			c.o.Log.Debug("notice of the platform not taken", "error", err)
		}
	default:
		s.Close()
	}
}

// pass gives a stream to the HTTP server that it is for, which closes it.
func (c *Client) pass(ctx context.Context, to chan net.Conn, s *slotted) {
	select {
	case to <- s:
	case <-ctx.Done():
		s.Close()
	}
}

// notice takes a notice of the platform.
func (c *Client) notice(ctx context.Context, m message) message {
	switch m.Op {
	case opEnded:
		c.visits.ended(m.Session)
		c.o.Ended(m.Session)
	case opRotate:
		go func() { // ends with the question, or with the tunnel
			if err := c.rotate(ctx); err != nil {
				c.o.Log.Error("key not changed", "error", err)
			} else {
				c.o.Log.Info("this device has another key")
			}
		}()
	case opAgain:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.again = true
	case opUnpair:
		if err := Forget(c.o.Dir); err != nil {
			c.o.Log.Error("pairing not deleted", "error", err)
		}
		c.mu.Lock()
		select {
		case <-c.gone:
		default:
			close(c.gone)
		}
		c.mu.Unlock()
	}
	return message{}
}

// Listener has the connections to the editor that the platform opens, of one tunnel after the other.
func (c *Client) Listener() net.Listener {
	return &listener{conns: c.conns, closed: make(chan struct{})}
}

// DoorListener has those to the door for the panel. What comes there, the panel itself has sent.
func (c *Client) DoorListener() net.Listener {
	return &listener{conns: c.doors, closed: make(chan struct{})}
}

// PagesListener has those to the flows' pages; see GuardPages.
func (c *Client) PagesListener() net.Listener {
	return &listener{conns: c.visits.conns, closed: make(chan struct{})}
}

type listener struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return address{} }

// address is the tunnel's.
type address struct{}

func (address) Network() string { return "tunnel" }
func (address) String() string  { return "platform" }
