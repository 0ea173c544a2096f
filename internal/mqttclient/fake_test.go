package mqttclient

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// fakeServer hands the test the server's end of every connection that the client makes.
type fakeServer struct {
	t     *testing.T
	conns chan net.Conn
}

func newFake(t *testing.T) *fakeServer { return &fakeServer{t: t, conns: make(chan net.Conn)} }

// dial is Options.Dial: a pipe, which blocks durably in a synctest bubble.
func (s *fakeServer) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case s.conns <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// peer is one connection, seen by the server.
type peer struct {
	t *testing.T
	v mqtt.Version
	*packetReader
}

func (s *fakeServer) accept() *peer {
	s.t.Helper()
	select {
	case c := <-s.conns:
		s.t.Cleanup(func() { c.Close() })
		return &peer{t: s.t, packetReader: &packetReader{conn: c, max: 1 << 24}}
	case <-time.After(time.Minute):
		s.t.Fatal("the client does not connect")
		return nil
	}
}

// connect accepts a connection and its CONNECT, and answers with a.
func (s *fakeServer) connect(a mqtt.Connack) (*peer, *mqtt.Connect) {
	s.t.Helper()
	p := s.accept()
	c, err := mqtt.DecodeConnect(p.expect(mqtt.CONNECT))
	if err != nil {
		s.t.Fatal(err)
	}
	p.v = c.Version
	p.send(a.Append(nil, p.v))
	return p, c
}

func (p *peer) expect(want mqtt.Type) mqtt.Frame {
	p.t.Helper()
	p.conn.SetReadDeadline(time.Now().Add(time.Minute))
	f, err := p.next()
	if err != nil || f.Type() != want {
		p.t.Fatalf("waiting for packet type %d: got %d, %v", want, f.Type(), err)
	}
	return f
}

func (p *peer) expectPublish() mqtt.Publish {
	p.t.Helper()
	var m mqtt.Publish
	if err := mqtt.DecodePublish(&m, p.expect(mqtt.PUBLISH), p.v); err != nil {
		p.t.Fatal(err)
	}
	return m
}

func (p *peer) expectAck(want mqtt.Type, id uint16) mqtt.Ack {
	p.t.Helper()
	var a mqtt.Ack
	if err := mqtt.DecodeAck(&a, p.expect(want), p.v); err != nil || a.PacketID != id {
		p.t.Fatalf("acknowledgement %+v, %v: want identifier %d", a, err, id)
	}
	return a
}

// expectEnd wants the connection closed without another packet.
func (p *peer) expectEnd() {
	p.t.Helper()
	p.conn.SetReadDeadline(time.Now().Add(time.Minute))
	if f, err := p.next(); err == nil {
		p.t.Fatalf("got packet type %d instead of the end", f.Type())
	}
}

func (p *peer) send(b []byte) {
	p.t.Helper()
	p.conn.SetWriteDeadline(time.Now().Add(time.Minute))
	if _, err := p.conn.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) ack(kind mqtt.Type, id uint16, reason mqtt.Reason) {
	p.t.Helper()
	p.send((&mqtt.Ack{Type: kind, PacketID: id, Reason: reason}).Append(nil, p.v))
}

// start runs a client of s until the end of the test and checks that Run returns.
func (s *fakeServer) start(o Options) *Client {
	s.t.Helper()
	o.Addr, o.Dial = "broker:1883", s.dial
	if o.RetryMin == 0 {
		o.RetryMin = time.Millisecond
	}
	c, err := New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- c.Run(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		select {
		case err := <-ran:
			if err != nil && o.Retry == nil {
				s.t.Errorf("Run ended with %v", err)
			}
		case <-time.After(time.Minute):
			s.t.Error("Run does not end")
		}
	})
	return c
}

// later calls f aside and hands its answer over.
func later(f func() error) <-chan error {
	ch := make(chan error, 1)
	go func() { ch <- f() }()
	return ch
}

func await[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(time.Minute):
		t.Fatal("nothing came")
		panic("not reached")
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}
