package conformance

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"
)

// Slicing is how what a case sends is cut into segments, records and frames: to a stream it must make no difference.
type Slicing string

// The ways of cutting.
const (
	Whole  Slicing = "whole"  // each packet by itself
	Bytes  Slicing = "bytes"  // each byte by itself; over WebSocket in fragments with pings between them
	Merged Slicing = "merged" // all packets until something is expected at once
	Odd    Slicing = "odd"    // merged, then cut into pieces of changing size
)

// oddSizes are the pieces of Odd, in bytes.
var oddSizes = []int{1, 3, 2, 7, 5, 1, 19, 4, 11}

// stream is a connection of one of the transports, with its way of cutting.
type stream struct {
	net.Conn
	ws      *webSocket // nil: none
	slicing Slicing
	waiting []byte // Merged, Odd: what is to be written at the next flush
	turn    int    // in oddSizes
}

// open makes a connection to the target; protocols is for a WebSocket.
func open(ctx context.Context, t Target, protocols string) (*stream, error) {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", t.Addr)
	if err != nil {
		return nil, err
	}
	if t.TLS != nil {
		config := t.TLS.Clone()
		if config.ServerName == "" {
			config.ServerName, _, _ = net.SplitHostPort(t.Addr)
		}
		secure := tls.Client(c, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			c.Close()
			return nil, err
		}
		c = secure
	}
	s := &stream{Conn: c, slicing: t.Slicing}
	if t.WebSocket != "" {
		if s.ws, err = shake(ctx, c, t, protocols); err != nil {
			c.Close()
			return nil, err
		}
		s.Conn = s.ws
	}
	return s, nil
}

// send writes a packet, or keeps it for the next flush.
func (s *stream) send(b []byte) error {
	switch s.slicing {
	case Merged, Odd:
		s.waiting = append(s.waiting, b...)
		return nil
	case Bytes:
		return s.pieces(b, func() int { return 1 })
	}
	_, err := s.Write(b)
	return err
}

// flush writes what waits.
func (s *stream) flush() error {
	b := s.waiting
	if s.waiting = nil; len(b) == 0 {
		return nil
	}
	if s.slicing == Odd {
		return s.pieces(b, func() int {
			s.turn++
			return oddSizes[s.turn%len(oddSizes)]
		})
	}
	_, err := s.Write(b)
	return err
}

// pieces writes b in pieces. Go sets TCP_NODELAY: each is a segment of its own, or a TLS record.
func (s *stream) pieces(b []byte, size func() int) error {
	for i := 0; len(b) > 0; i++ {
		n := min(size(), len(b))
		if len(b) > 4096 { // a large payload: its inside is cut coarsely
			n = min(n*997, len(b))
		}
		var err error
		if s.ws != nil {
			err = s.ws.fragment(b[:n], i, n == len(b))
		} else {
			_, err = s.Write(b[:n])
		}
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// deadline is a time from now.
func deadline(d time.Duration) time.Time { return time.Now().Add(d) }

// Name says over which transport and how the target is spoken to.
func (t *Target) Name() string {
	name := "tcp"
	switch {
	case t.WebSocket != "" && t.TLS != nil:
		name = "wss"
	case t.WebSocket != "":
		name = "ws"
	case t.TLS != nil:
		name = "tls"
	}
	if t.Slicing == "" || t.Slicing == Whole {
		return name
	}
	return fmt.Sprintf("%s-%s", name, t.Slicing)
}

// fits says whether the case is run on the target: those that wait for time to pass run once, on what comes first.
func (c *Case) fits(t *Target) bool {
	if t.Name() == "tcp" {
		return true
	}
	for i := range c.steps {
		s := &c.steps[i]
		if _, _, within := s.args.without("within"); s.op == opPause || within {
			return false
		}
	}
	return true
}
