package mqttclient

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"tsunagi/internal/mqtt"
)

func TestReceive(t *testing.T) {
	s := newFake(t)
	got := make(chan *Message, 10)
	s.start(Options{Version: mqtt.V5, Clean: true, TopicAliasMax: 2, OnMessage: func(m *Message) { got <- m }})
	p, _ := s.connect(ok)
	send := func(m mqtt.Publish) { p.send(m.Append(nil, mqtt.V5)) }

	send(mqtt.Publish{Topic: []byte("a"), Retain: true, Payload: []byte("x"), Props: mqtt.PublishProps{TopicAlias: 2,
		PayloadFormat: 1, HasExpiry: true, Expiry: 5, ResponseTopic: []byte("r"), Correlation: []byte{1}, HasCorrelation: true,
		ContentType: []byte("ct"), SubscriptionIDs: []uint32{3}, User: mqtt.AppendUserProperty(nil, "k", "v")}})
	want := &Message{Topic: "a", Retain: true, Payload: []byte("x"), TopicAlias: 2, PayloadFormat: 1, HasExpiry: true,
		Expiry: 5, ResponseTopic: "r", Correlation: []byte{1}, ContentType: "ct", SubscriptionIDs: []uint32{3},
		UserProps: []mqtt.Pair{{Key: "k", Value: "v"}}}
	if m := await(t, got); !reflect.DeepEqual(m, want) {
		t.Errorf("got %+v\nwant %+v", m, want)
	}
	send(mqtt.Publish{QoS: 1, PacketID: 9, Props: mqtt.PublishProps{TopicAlias: 2}})
	p.expectAck(mqtt.PUBACK, 9)
	if m := await(t, got); m.Topic != "a" || m.QoS != 1 {
		t.Errorf("%+v", m)
	}
	two := mqtt.Publish{QoS: 2, PacketID: 9, Topic: []byte("b")}
	for range 2 { // a repetition before PUBREL is not a second message [MQTT-4.3.3-10]
		send(two)
		p.expectAck(mqtt.PUBREC, 9)
		two.Dup = true
	}
	p.ack(mqtt.PUBREL, 9, mqtt.Success)
	if a := p.expectAck(mqtt.PUBCOMP, 9); a.Reason != mqtt.Success {
		t.Errorf("%+v", a)
	}
	p.ack(mqtt.PUBREL, 9, mqtt.Success)
	if a := p.expectAck(mqtt.PUBCOMP, 9); a.Reason != mqtt.PacketIdentifierNotFound {
		t.Errorf("%+v", a)
	}
	if m := await(t, got); m.Topic != "b" || len(got) != 0 {
		t.Errorf("%+v and %d more", m, len(got))
	}
}

// The memory of QoS 2 identifiers outlives the connection as long as the session does.
func TestReceiveTwiceOverReconnect(t *testing.T) {
	s := newFake(t)
	got := make(chan *Message, 10)
	s.start(Options{ClientID: "c", OnMessage: func(m *Message) { got <- m }})
	for i, present := range []bool{false, true, false} {
		p, _ := s.connect(mqtt.Connack{SessionPresent: present, MaxQoS: 2})
		p.send((&mqtt.Publish{QoS: 2, PacketID: 4, Topic: []byte(fmt.Sprint(i))}).Append(nil, p.v))
		p.expectAck(mqtt.PUBREC, 4)
		p.conn.Close()
	}
	if a, b := await(t, got), await(t, got); a.Topic != "0" || b.Topic != "2" || len(got) != 0 {
		t.Errorf("%s, %s", a.Topic, b.Topic)
	}
}

func TestServerBreaksRules(t *testing.T) {
	publish := func(m mqtt.Publish) []byte { return m.Append(nil, mqtt.V5) }
	tests := []struct {
		name string
		wire []byte
		want mqtt.Reason
	}{
		{"MQTT-3.1.2-26 alias too high", publish(mqtt.Publish{Topic: []byte("t"), Props: mqtt.PublishProps{TopicAlias: 2}}), mqtt.TopicAliasInvalid},
		{"alias without topic", publish(mqtt.Publish{Props: mqtt.PublishProps{TopicAlias: 1}}), mqtt.ProtocolError},
		{"MQTT-3.3.2-2 wildcard", publish(mqtt.Publish{Topic: []byte("a/#")}), mqtt.TopicNameInvalid},
		{"MQTT-3.3.2-1 UTF-8", publish(mqtt.Publish{Topic: []byte("\xff")}), mqtt.TopicNameInvalid},
		{"QoS 3", []byte{0x36, 4, 0, 1, 't', 0}, mqtt.MalformedPacket},
		{"a packet of clients", []byte{0xC0, 0}, mqtt.ProtocolError},
		{"second CONNACK", ok.Append(nil, mqtt.V5), mqtt.ProtocolError},
		{"SUBACK of nothing", []byte{0x90, 4, 0, 1, 0, 0}, mqtt.ProtocolError},
		{"too large", []byte{0x30, 0xFF, 0xFF, 0x7F}, mqtt.PacketTooLarge},
		{"MQTT-3.3.4-9 receive maximum", append(publish(mqtt.Publish{QoS: 2, PacketID: 1, Topic: []byte("t")}),
			publish(mqtt.Publish{QoS: 2, PacketID: 2, Topic: []byte("t")})...), mqtt.ReceiveMaximumExceeded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newFake(t)
			heard := make(chan error, 1)
			s.start(Options{Version: mqtt.V5, Clean: true, TopicAliasMax: 1, ReceiveMaximum: 1, MaxPacket: 1000,
				Retry: func(error) bool { return false }, OnDisconnect: func(err error) { heard <- err }})
			p, _ := s.connect(ok)
			sent := later(func() error { _, err := p.conn.Write(tt.wire); return err })
			for {
				f, err := p.next()
				if err != nil {
					t.Fatalf("no DISCONNECT: %v", err)
				}
				if f.Type() == mqtt.PUBREC {
					continue
				}
				d, err := mqtt.DecodeDisconnect(f, mqtt.V5)
				if err != nil || d.Reason != tt.want {
					t.Errorf("%+v, %v, want %v", d, err, tt.want)
				}
				break
			}
			<-sent
			wantError(t, await(t, heard), tt.want)
		})
	}
}

// A refused message is not acknowledged; what came before it is, and it comes again.
func TestRefuse(t *testing.T) {
	for qos := byte(1); qos <= 2; qos++ {
		s := newFake(t)
		got := make(chan string, 10)
		take := false
		s.start(Options{ClientID: "c", OnMessage: func(m *Message) {
			if m.Topic == "b" && !take {
				take = true
				m.Refuse()
				return
			}
			got <- m.Topic
		}})
		p, _ := s.connect(ok)
		a := mqtt.Publish{Topic: []byte("a"), QoS: qos, PacketID: 1}
		b := mqtt.Publish{Topic: []byte("b"), QoS: qos, PacketID: 2}
		c := mqtt.Publish{Topic: []byte("c"), QoS: qos, PacketID: 3}
		sent := later(func() error {
			_, err := p.conn.Write(c.Append(b.Append(a.Append(nil, p.v), p.v), p.v))
			return err
		})
		ack := mqtt.PUBACK
		if qos == 2 {
			ack = mqtt.PUBREC
		}
		p.expectAck(ack, 1)
		p.expect(mqtt.DISCONNECT)
		if err := await(t, sent); err != nil {
			t.Error(err)
		}
		p.conn.Close()
		p, _ = s.connect(mqtt.Connack{SessionPresent: true, MaxQoS: 2})
		p.send(b.Append(nil, p.v))
		p.expectAck(ack, 2)
		if x, y := await(t, got), await(t, got); x != "a" || y != "b" {
			t.Errorf("got %s, %s", x, y)
		}
	}
}

func TestLargeMessages(t *testing.T) {
	s := newFake(t)
	got := make(chan *Message, 10)
	c := s.start(Options{Clean: true, OnMessage: func(m *Message) { got <- m }})
	p, _ := s.connect(ok)
	for _, n := range []int{1, 4090, 4096, 70_000, 3 << 20, 2} {
		sent := later(func() error { return c.Publish(context.Background(), &Message{Topic: "t", Payload: make([]byte, n)}) })
		m := p.expectPublish()
		if len(m.Payload) != n {
			t.Errorf("%d bytes became %d", n, len(m.Payload))
		}
		p.send(m.Append(nil, p.v))
		if m := await(t, got); len(m.Payload) != n {
			t.Errorf("%d bytes came back as %d", n, len(m.Payload))
		}
		if err := await(t, sent); err != nil {
			t.Error(err)
		}
	}
}

func TestSubscribe(t *testing.T) {
	s := newFake(t)
	refused := make(chan string, 1)
	c := s.start(Options{Version: mqtt.V5, Clean: true, OnRefused: func(f string, why mqtt.Reason) { refused <- fmt.Sprint(f, " ", why) }})
	type answer struct {
		reasons []mqtt.Reason
		err     error
	}
	answers := make(chan answer, 1)
	subscribe := func(subs ...Subscription) {
		go func() { r, err := c.Subscribe(context.Background(), subs...); answers <- answer{r, err} }()
	}
	read := func(p *peer) *mqtt.Subscribe {
		t.Helper()
		r, err := mqtt.DecodeSubscribe(p.expect(mqtt.SUBSCRIBE), p.v)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	suback := func(p *peer, kind mqtt.Type, id uint16, reasons ...mqtt.Reason) {
		p.send((&mqtt.Suback{Type: kind, PacketID: id, Reasons: reasons}).Append(nil, p.v))
	}
	subscribe(Subscription{Filter: "a/#", QoS: 2, NoLocal: true, RetainAsPublished: true, RetainHandling: 1, ID: 7},
		Subscription{Filter: "b", ID: 7}, Subscription{Filter: "c"})
	p, _ := s.connect(ok)
	r := read(p)
	if r.SubscriptionID != 7 || len(r.Filters) != 2 || !reflect.DeepEqual(r.Filters[0], mqtt.Subscription{
		Filter: []byte("a/#"), QoS: 2, NoLocal: true, RetainAsPublished: true, RetainHandling: 1}) {
		t.Errorf("%+v", r)
	}
	p.conn.Close() // unanswered requests are made again
	p, _ = s.connect(ok)
	suback(p, mqtt.SUBACK, read(p).PacketID, mqtt.GrantedQoS1, mqtt.NotAuthorized)
	suback(p, mqtt.SUBACK, read(p).PacketID, mqtt.Success)
	a := await(t, answers)
	var why *ServerError
	if !reflect.DeepEqual(a.reasons, []mqtt.Reason{1, mqtt.NotAuthorized, 0}) || !errors.As(a.err, &why) || why.Filter != "b" {
		t.Errorf("%+v", a)
	}
	p.conn.Close() // granted ones are restored, the refused one is not
	p, _ = s.connect(ok)
	r = read(p)
	if len(r.Filters) != 1 || string(r.Filters[0].Filter) != "a/#" || r.Filters[0].QoS != 2 {
		t.Errorf("%+v", r)
	}
	suback(p, mqtt.SUBACK, r.PacketID, mqtt.QuotaExceeded)
	if f := await(t, refused); f != "a/# quota exceeded" {
		t.Error(f)
	}
	suback(p, mqtt.SUBACK, read(p).PacketID, mqtt.Success)
	gone := later(func() error { _, err := c.Unsubscribe(context.Background(), "c", "x"); return err })
	u, err := mqtt.DecodeUnsubscribe(p.expect(mqtt.UNSUBSCRIBE), p.v)
	if err != nil || len(u.Filters) != 2 {
		t.Fatalf("%+v, %v", u, err)
	}
	suback(p, mqtt.UNSUBACK, u.PacketID, mqtt.Success, mqtt.NoSubscriptionExisted)
	if err := await(t, gone); err != nil {
		t.Error(err)
	}
	p.conn.Close() // nothing is left to restore
	p, _ = s.connect(ok)
	p.send((&mqtt.Publish{QoS: 1, Topic: []byte("t"), PacketID: 5}).Append(nil, p.v))
	p.expectAck(mqtt.PUBACK, 5)
}

func TestUnsubscribeV311(t *testing.T) {
	s := newFake(t)
	c := s.start(Options{Clean: true})
	gone := later(func() error { _, err := c.Unsubscribe(context.Background(), "a"); return err })
	p, _ := s.connect(ok)
	u, _ := mqtt.DecodeUnsubscribe(p.expect(mqtt.UNSUBSCRIBE), p.v)
	p.send((&mqtt.Suback{Type: mqtt.UNSUBACK, PacketID: u.PacketID}).Append(nil, p.v))
	if err := await(t, gone); err != nil {
		t.Error(err)
	}
}

func TestSubscribeInvalid(t *testing.T) {
	c, _ := New(Options{Addr: "h", Clean: true})
	for _, s := range []Subscription{{}, {Filter: "\xff"}, {Filter: "a", QoS: 3}, {Filter: "a", RetainHandling: 3}, {Filter: "a", ID: 1 << 28}} {
		_, err := c.Subscribe(context.Background(), s)
		wantError(t, err, ErrFilter)
	}
}

// A callback may publish and subscribe without waiting.
func TestCallbacksMayAct(t *testing.T) {
	s := newFake(t)
	var c *Client
	ready := make(chan struct{})
	c = s.start(Options{Clean: true,
		OnConnect: func(*mqtt.Connack) { <-ready; c.PublishAsync(&Message{Topic: "birth", QoS: 1}, nil) },
		OnMessage: func(m *Message) { c.PublishAsync(&Message{Topic: "echo", QoS: 1}, nil) }})
	close(ready)
	p, _ := s.connect(ok)
	if m := p.expectPublish(); string(m.Topic) != "birth" {
		t.Errorf("%q", m.Topic)
	}
	p.send((&mqtt.Publish{Topic: []byte("t")}).Append(nil, p.v))
	if m := p.expectPublish(); string(m.Topic) != "echo" {
		t.Errorf("%q", m.Topic)
	}
}

// Requests that don't wait keep their order, so that a filter can be given up and subscribed anew.
func TestUnsubscribeAsync(t *testing.T) {
	s := newFake(t)
	c := s.start(Options{Version: mqtt.V5, Clean: true})
	p, _ := s.connect(ok)
	answers := make(chan error, 2)
	done := func(_ []mqtt.Reason, err error) { answers <- err }
	if err := errors.Join(c.UnsubscribeAsync(done, "a"), c.SubscribeAsync(done, Subscription{Filter: "a"})); err != nil {
		t.Fatal(err)
	}
	u, err := mqtt.DecodeUnsubscribe(p.expect(mqtt.UNSUBSCRIBE), p.v)
	if err != nil {
		t.Fatal(err)
	}
	r, err := mqtt.DecodeSubscribe(p.expect(mqtt.SUBSCRIBE), p.v)
	if err != nil {
		t.Fatal(err)
	}
	p.send((&mqtt.Suback{Type: mqtt.UNSUBACK, PacketID: u.PacketID, Reasons: []mqtt.Reason{mqtt.NotAuthorized}}).Append(nil, p.v))
	p.send((&mqtt.Suback{Type: mqtt.SUBACK, PacketID: r.PacketID, Reasons: []mqtt.Reason{mqtt.Success}}).Append(nil, p.v))
	wantError(t, await(t, answers), mqtt.NotAuthorized)
	wantError(t, await(t, answers), nil)
}
