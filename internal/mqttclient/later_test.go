package mqttclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// overTCP makes the server hand out real sockets, which Flush writes to by itself.
func (s *fakeServer) overTCP(ctx context.Context, _, _ string) (net.Conn, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	here, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return nil, err
	}
	there, err := l.Accept()
	if err != nil {
		return nil, err
	}
	select {
	case s.conns <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// answer is a Waiter that tells a channel.
type answer chan error

func (a answer) Finish(err error) { a <- err }

func TestPublishLater(t *testing.T) {
	for _, over := range []string{"socket", "pipe"} {
		t.Run(over, func(t *testing.T) {
			s := newFake(t)
			dial := s.dial
			if over == "socket" {
				dial = s.overTCP
			}
			up := make(chan struct{})
			c, err := New(Options{Addr: "b:1883", Dial: dial, ClientID: "c", OnConnect: func(*mqtt.Connack) { close(up) }})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			ran := later(func() error { return c.Run(ctx) })
			defer func() { cancel(); await(t, ran) }()
			p, _ := s.connect(mqtt.Connack{MaxQoS: 2})
			await(t, up)
			const n = 100
			a := make(answer, n)
			payload := make([]byte, 0, 20)
			for i := range n {
				payload = fmt.Appendf(payload[:0], "%d", i) // used again at once
				m := &Message{Topic: "t", Payload: payload}
				if i == 50 {
					m.QoS = 1
				}
				if err := c.PublishLater(m, a); err != nil {
					t.Fatal(err)
				}
			}
			finished := make(chan int, 1)
			go func() { finished <- len(c.Flush(nil)) }()
			for i := range n {
				m := p.expectPublish()
				if string(m.Payload) != fmt.Sprint(i) {
					t.Fatalf("message %d has the payload %s", i, m.Payload)
				}
				if m.QoS == 1 {
					p.ack(mqtt.PUBACK, m.PacketID, mqtt.Success)
				}
			}
			for range n - await(t, finished) {
				if err := await(t, a); err != nil {
					t.Error(err)
				}
			}
			if err := c.Drain(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// A server that stops reading holds nobody up, and what it doesn't take ends with its connection.
func TestFlushNeverWaits(t *testing.T) {
	s := newFake(t)
	up := make(chan struct{}, 1)
	c, err := New(Options{Addr: "b:1883", Dial: s.overTCP, ClientID: "c", OutboxBytes: 8 << 20, OutboxMessages: 1000, OnConnect: func(*mqtt.Connack) { up <- struct{}{} }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := later(func() error { return c.Run(ctx) })
	defer func() { cancel(); await(t, ran) }()
	p, _ := s.connect(mqtt.Connack{MaxQoS: 2})
	await(t, up)
	a := make(answer, 1000)
	sent, answered := 0, 0
	for {
		if err = c.PublishLater(&Message{Topic: "t", Payload: make([]byte, 64<<10)}, a); err != nil {
			break
		}
		sent++
		answered += len(c.Flush(nil))
	}
	wantError(t, err, ErrOutboxFull)
	p.conn.Close()
	for ; answered < sent; answered++ {
		if err := await(t, a); err != nil && !errors.Is(err, ErrConnectionLost) {
			t.Errorf("the answer is %v", err)
		}
	}
	p, _ = s.connect(mqtt.Connack{MaxQoS: 2}) // and the next connection begins anew
	await(t, up)
	if err := c.PublishLater(&Message{Topic: "again"}, a); err != nil {
		t.Fatal(err)
	}
	c.Flush(nil)
	if m := p.expectPublish(); string(m.Topic) != "again" {
		t.Errorf("%s came over from the connection before", m.Topic)
	}
}

func TestMessagesTogether(t *testing.T) {
	s := newFake(t)
	got := make(chan []string, 10)
	s.start(Options{ClientID: "c", OnMessages: func(all []*Message) {
		var topics []string
		for _, m := range all {
			topics = append(topics, m.Topic)
			if m.Topic == "refused" {
				m.Refuse()
			}
		}
		got <- topics
	}})
	p, _ := s.connect(mqtt.Connack{MaxQoS: 2})
	var b []byte
	for i, topic := range []string{"0", "1", "2"} {
		b = (&mqtt.Publish{QoS: byte(i), PacketID: uint16(i), Topic: []byte(topic)}).Append(b, mqtt.V311)
	}
	again := &mqtt.Publish{QoS: 2, PacketID: 2, Dup: true, Topic: []byte("2")}
	p.send(again.Append(b, mqtt.V311))
	if all := await(t, got); !slices.Equal(all, []string{"0", "1", "2"}) {
		t.Errorf("together came %q", all)
	}
	p.expectAck(mqtt.PUBACK, 1)
	p.expectAck(mqtt.PUBREC, 2)
	p.expectAck(mqtt.PUBREC, 2)
	b = b[:0]
	for i, topic := range []string{"a", "refused", "b"} {
		b = (&mqtt.Publish{QoS: 1, PacketID: uint16(10 + i), Topic: []byte(topic)}).Append(b, mqtt.V311)
	}
	p.send(b)
	p.expectAck(mqtt.PUBACK, 10)
	p.expect(mqtt.DISCONNECT)
	if all := await(t, got); len(all) != 3 || len(got) != 0 {
		t.Errorf("together came %q and %d more", all, len(got))
	}
}

// TestReuse: messages that were given back are filled again, with nothing left of what they were, and what was taken out
// of them stays.
func TestReuse(t *testing.T) {
	s := newFake(t)
	got := make(chan []*Message, 10)
	c := s.start(Options{ClientID: "c", OnMessages: func(all []*Message) { got <- all }})
	p, _ := s.connect(mqtt.Connack{})
	send := func(topics ...string) []*Message {
		var b []byte
		for _, topic := range topics {
			b = (&mqtt.Publish{QoS: 1, PacketID: 1, Topic: []byte(topic), Payload: []byte("of " + topic)}).Append(b, mqtt.V311)
		}
		p.send(b)
		for range topics {
			p.expectAck(mqtt.PUBACK, 1)
		}
		return await(t, got)
	}
	first := send("a", "b")
	kept, was := first[0].Payload, first[0]
	c.Reuse(first)
	if was.Topic != "" || was.Payload != nil {
		t.Errorf("a message that was given back still holds %q of %q", was.Payload, was.Topic)
	}
	second := send("c", "d", "e")
	if second[0] != was {
		t.Error("a message that was given back is not used again")
	}
	for i, topic := range []string{"c", "d", "e"} {
		if m := second[i]; m.Topic != topic || string(m.Payload) != "of "+topic {
			t.Errorf("message %d is %q of %q", i, m.Payload, m.Topic)
		}
	}
	if string(kept) != "of a" {
		t.Errorf("the payload that was kept became %q", kept)
	}
	if third := send("f"); third[0] == was {
		t.Error("a message that is in use is filled again")
	}
}

// TestPacerFindsPause: half of the pause is kept where it brings as much, twice of it where it brings more.
func TestPacerFindsPause(t *testing.T) {
	for _, tt := range []struct {
		what string
		each func(short int) int // messages a read
		want int
	}{
		{"a stream: the longer the pause, the more", func(short int) int { return 40 >> short }, 0},
		{"a window of 20: never more", func(int) int { return 20 }, maxPaceShort},
		{"a window of 20 that half the pause fills", func(short int) int { return min(20, 40>>short) }, 1},
	} {
		p := pacer{pause: time.Microsecond}
		count := map[int]int{}
		for range 500 {
			p.got, p.reads = 10*tt.each(p.short), 10
			p.judge(paceWindow)
			count[p.short]++
		}
		if count[tt.want] < 400 {
			t.Errorf("%s: halvings %v in 500 windows, want %d in most", tt.what, count, tt.want)
		}
	}
	p := pacer{pause: time.Microsecond, on: true, short: 2}
	p.got, p.reads = 100, 100
	if p.judge(paceWindow); !p.on || p.short != 0 {
		t.Errorf("on %v with %d halvings: want the longest pause before it gives up", p.on, p.short)
	}
}

func TestPacer(t *testing.T) {
	p := pacer{pause: time.Microsecond}
	window := func(messages, reads int) bool {
		p.got, p.reads = messages, reads
		p.judge(paceWindow)
		return p.on
	}
	if window(3, 3) {
		t.Error("it waits although little comes")
	}
	if !window(100, 100) {
		t.Error("it does not try where much comes")
	}
	if !window(100, 10) {
		t.Error("it stops where waiting helps")
	}
	window(100, 100) // perhaps it was the pause on trial
	if window(100, 100) {
		t.Error("it goes on where waiting does not help")
	}
	if window(100, 100) {
		t.Error("it tries again at once")
	}
	for range 8 {
		window(100, 100)
	}
	if !p.on {
		t.Error("it never tries again")
	}
}
