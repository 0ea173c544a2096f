package network_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// fakeBroker takes connections on loopback and lets the test see and answer every packet.
type fakeBroker struct {
	t     *testing.T
	l     net.Listener
	ack   mqtt.Connack
	conns chan *peer
}

// peer is one connection of a client.
type peer struct {
	t       *testing.T
	conn    net.Conn
	connect *mqtt.Connect
	packets chan mqtt.Frame // what the client sent, pings aside
	mu      sync.Mutex
}

func newBroker(t *testing.T) *fakeBroker {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveBroker(t, l)
}

func serveBroker(t *testing.T, l net.Listener) *fakeBroker {
	b := &fakeBroker{t: t, l: l, conns: make(chan *peer, 10)}
	b.ack.MaxQoS = 2
	t.Cleanup(func() { _ = l.Close() })
	go b.serve()
	return b
}

func (b *fakeBroker) port() string {
	_, port, _ := net.SplitHostPort(b.l.Addr().String())
	return port
}

func (b *fakeBroker) serve() {
	for {
		conn, err := b.l.Accept()
		if err != nil {
			return
		}
		go b.talk(conn)
	}
}

// talk answers CONNECT, subscriptions, pings and acknowledgements by itself.
func (b *fakeBroker) talk(conn net.Conn) {
	defer conn.Close()
	p := &peer{t: b.t, conn: conn, packets: make(chan mqtt.Frame, 1000)}
	defer close(p.packets)
	in := bufio.NewReader(conn)
	for {
		f, err := readFrame(in)
		if err != nil {
			return
		}
		if f.Type() == mqtt.CONNECT {
			if p.connect, err = mqtt.DecodeConnect(f); err != nil {
				return
			}
			p.send(b.ack.Append(nil, p.connect.Version))
			b.conns <- p
			continue
		}
		p.answer(f)
		if f.Type() != mqtt.PINGREQ {
			p.packets <- f
		}
	}
}

func (p *peer) answer(f mqtt.Frame) {
	v := p.connect.Version
	switch f.Type() {
	case mqtt.SUBSCRIBE:
		s, err := mqtt.DecodeSubscribe(f, v)
		if err == nil {
			reasons := make([]mqtt.Reason, len(s.Filters))
			p.send((&mqtt.Suback{Type: mqtt.SUBACK, PacketID: s.PacketID, Reasons: reasons}).Append(nil, v))
		}
	case mqtt.UNSUBSCRIBE:
		u, err := mqtt.DecodeUnsubscribe(f, v)
		if err == nil {
			p.send((&mqtt.Suback{Type: mqtt.UNSUBACK, PacketID: u.PacketID, Reasons: make([]mqtt.Reason, len(u.Filters))}).Append(nil, v))
		}
	case mqtt.PUBLISH:
		var m mqtt.Publish
		if mqtt.DecodePublish(&m, f, v) == nil {
			switch m.QoS {
			case 1:
				p.send((&mqtt.Ack{Type: mqtt.PUBACK, PacketID: m.PacketID}).Append(nil, v))
			case 2:
				p.send((&mqtt.Ack{Type: mqtt.PUBREC, PacketID: m.PacketID}).Append(nil, v))
			}
		}
	case mqtt.PUBREL:
		var a mqtt.Ack
		if mqtt.DecodeAck(&a, f, v) == nil {
			p.send((&mqtt.Ack{Type: mqtt.PUBCOMP, PacketID: a.PacketID}).Append(nil, v))
		}
	case mqtt.PINGREQ:
		p.send(mqtt.AppendPing(nil, mqtt.PINGRESP))
	}
}

func (p *peer) send(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.conn.SetWriteDeadline(time.Now().Add(time.Minute))
	if _, err := p.conn.Write(b); err != nil && !errors.Is(err, net.ErrClosed) {
		p.t.Log("fake broker:", err)
	}
}

func readFrame(in *bufio.Reader) (mqtt.Frame, error) {
	var buf []byte
	for {
		c, err := in.ReadByte()
		if err != nil {
			return mqtt.Frame{}, err
		}
		buf = append(buf, c)
		if len(buf) > 1 && c < 0x80 {
			break
		}
	}
	n := 0
	for i, c := range buf[1:] {
		n |= int(c&0x7F) << (7 * i)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(in, body); err != nil {
		return mqtt.Frame{}, err
	}
	return mqtt.Cut(append(buf, body...), 1<<28)
}

const patience = 10 * time.Second

// accept waits for the next connection.
func (b *fakeBroker) accept() *peer {
	b.t.Helper()
	select {
	case p := <-b.conns:
		return p
	case <-time.After(patience):
		b.t.Fatal("the node does not connect")
		return nil
	}
}

// next waits for the next packet of a type, and returns false when the connection ends first.
func (p *peer) next(want mqtt.Type) (mqtt.Frame, bool) {
	p.t.Helper()
	for {
		select {
		case f, ok := <-p.packets:
			if !ok || f.Type() == want {
				return f, ok
			}
		case <-time.After(patience):
			p.t.Fatalf("no packet of type %v", want)
		}
	}
}

func (p *peer) subscribe() *mqtt.Subscribe {
	p.t.Helper()
	f, ok := p.next(mqtt.SUBSCRIBE)
	if !ok {
		p.t.Fatal("the connection ended")
	}
	s, err := mqtt.DecodeSubscribe(f, p.connect.Version)
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

func (p *peer) publish() mqtt.Publish {
	p.t.Helper()
	f, ok := p.next(mqtt.PUBLISH)
	if !ok {
		p.t.Fatal("the connection ended")
	}
	var m mqtt.Publish
	if err := mqtt.DecodePublish(&m, f, p.connect.Version); err != nil {
		p.t.Fatal(err)
	}
	return m
}

// give sends a message to the client.
func (p *peer) give(topic, payload string, change ...func(*mqtt.Publish)) {
	m := mqtt.Publish{Topic: []byte(topic), Payload: []byte(payload)}
	for _, f := range change {
		f(&m)
	}
	p.send(m.Append(nil, p.connect.Version))
}
