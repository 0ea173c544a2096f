package mqttclient

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"tsunagi/internal/mqtt"
)

func TestPublishQoS(t *testing.T) {
	for _, v := range []mqtt.Version{mqtt.V31, mqtt.V311, mqtt.V5} {
		s := newFake(t)
		c := s.start(Options{Version: v, ClientID: "c", Clean: true})
		p, _ := s.connect(ok)
		send := func(qos byte) <-chan error {
			return later(func() error {
				return c.Publish(context.Background(), &Message{Topic: "t", QoS: qos, Payload: []byte("x")})
			})
		}
		sent := send(0)
		if m := p.expectPublish(); m.QoS != 0 || string(m.Payload) != "x" {
			t.Errorf("%+v", m)
		}
		if err := await(t, sent); err != nil {
			t.Error(err)
		}
		sent = send(1)
		m := p.expectPublish()
		p.ack(mqtt.PUBACK, m.PacketID, mqtt.Success)
		if err := await(t, sent); err != nil {
			t.Error(err)
		}
		sent = send(2)
		m = p.expectPublish()
		p.ack(mqtt.PUBREC, m.PacketID, mqtt.Success)
		p.expectAck(mqtt.PUBREL, m.PacketID)
		select {
		case err := <-sent:
			t.Errorf("done before PUBCOMP: %v", err)
		default:
		}
		p.ack(mqtt.PUBCOMP, m.PacketID, mqtt.Success)
		if err := await(t, sent); err != nil {
			t.Error(err)
		}
		if err := c.Drain(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

func TestPublishRefused(t *testing.T) {
	s := newFake(t)
	c := s.start(Options{Version: mqtt.V5, Clean: true})
	p, _ := s.connect(ok)
	for qos, ack := range map[byte]mqtt.Type{1: mqtt.PUBACK, 2: mqtt.PUBREC} {
		sent := later(func() error { return c.Publish(context.Background(), &Message{Topic: "t", QoS: qos}) })
		p.ack(ack, p.expectPublish().PacketID, mqtt.NotAuthorized)
		wantError(t, await(t, sent), mqtt.NotAuthorized)
	}
}

// What the server says it can't take is not sent to it.
func TestPublishWithinServersLimits(t *testing.T) {
	s := newFake(t)
	c := s.start(Options{Version: mqtt.V5, Clean: true})
	p, _ := s.connect(mqtt.Connack{MaxQoS: 1, RetainUnavailable: true, MaxPacket: 64})
	ctx := context.Background()
	wantError(t, c.Publish(ctx, &Message{Topic: "t", QoS: 2}), mqtt.QoSNotSupported)
	wantError(t, c.Publish(ctx, &Message{Topic: "t", Retain: true}), mqtt.RetainNotSupported)
	wantError(t, c.Publish(ctx, &Message{Topic: "t", Payload: make([]byte, 64)}), ErrTooLarge)
	sent := later(func() error { return c.Publish(ctx, &Message{Topic: "t"}) })
	p.expectPublish()
	if err := await(t, sent); err != nil {
		t.Error(err)
	}
}

func TestPublishInvalid(t *testing.T) {
	c, err := New(Options{Addr: "h", Clean: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []Message{{}, {Topic: "a/+"}, {Topic: "#"}, {Topic: "\xff"}, {Topic: "\x00"}, {Topic: "t", QoS: 3},
		{Topic: "t", PayloadFormat: 2}, {Topic: "t", ResponseTopic: "+"}, {Topic: "t", ContentType: "\xff"},
		{Topic: "t", UserProps: []mqtt.Pair{{Key: "\xff"}}}, {Topic: strings.Repeat("a", 65536)},
		{Topic: "t", Correlation: make([]byte, 65536)}} {
		wantError(t, c.PublishAsync(&m, nil), ErrMessage)
	}
}

func TestWindow(t *testing.T) {
	s := newFake(t)
	c := s.start(Options{Version: mqtt.V5, Clean: true, Inflight: 10})
	p, _ := s.connect(mqtt.Connack{MaxQoS: 2, ReceiveMaximum: 2})
	done := make(chan int, 5)
	for i := range 5 {
		if err := c.PublishAsync(&Message{Topic: fmt.Sprint(i), QoS: 1}, func(error) { done <- i }); err != nil {
			t.Fatal(err)
		}
	}
	a, b := p.expectPublish(), p.expectPublish()
	p.send(mqtt.AppendPing(nil, mqtt.PINGRESP))
	p.ack(mqtt.PUBACK, a.PacketID, mqtt.Success)
	if m := p.expectPublish(); string(m.Topic) != "2" { // only after one was acknowledged
		t.Errorf("got %q", m.Topic)
	}
	p.ack(mqtt.PUBACK, b.PacketID, mqtt.Success)
	if m := p.expectPublish(); string(m.Topic) != "3" {
		t.Errorf("got %q", m.Topic)
	}
	if await(t, done) != 0 || await(t, done) != 1 {
		t.Error("answers out of order")
	}
}

func TestOutboxIsBounded(t *testing.T) {
	s := newFake(t)
	c := s.start(Options{Clean: true, OutboxMessages: 3, OutboxBytes: 1000})
	add := func(n int) error { return c.PublishAsync(&Message{Topic: "t", QoS: 1, Payload: make([]byte, n)}, nil) }
	if err := errors.Join(add(5000)); err != nil { // alone it may be larger
		t.Fatal(err)
	}
	wantError(t, add(1), ErrOutboxFull)
	p, _ := s.connect(ok)
	p.ack(mqtt.PUBACK, p.expectPublish().PacketID, mqtt.Success)
	if err := c.Drain(context.Background()); err != nil {
		t.Fatal(err)
	}
	p.conn.Close()
	p, _ = s.connect(ok)
	for p.conn.Close(); c.Connected(); {
		s.accept()
	}
	for range 3 {
		if err := add(1); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, add(1), ErrOutboxFull)
}

func TestNothingWaitsOffline(t *testing.T) {
	s := newFake(t)
	c := s.start(Options{Clean: true, OutboxMessages: -1})
	wantError(t, c.PublishAsync(&Message{Topic: "t"}, nil), ErrNotConnected)
}

func TestPublishGivenUp(t *testing.T) {
	s := newFake(t)
	c := s.start(Options{Clean: true})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	wantError(t, c.Publish(ctx, &Message{Topic: "not sent"}), context.Canceled)
	if err := c.PublishAsync(&Message{Topic: "sent"}, nil); err != nil {
		t.Fatal(err)
	}
	p, _ := s.connect(ok)
	if m := p.expectPublish(); string(m.Topic) != "sent" {
		t.Errorf("got %q", m.Topic)
	}
}

// With a session that goes on, all that is open is repeated with its identifiers, in order.
func TestResume(t *testing.T) {
	s := newFake(t)
	c := s.start(Options{ClientID: "c"})
	p, first := s.connect(ok)
	answers := make(chan string, 3)
	publish := func(topic string, qos byte) mqtt.Publish {
		err := c.PublishAsync(&Message{Topic: topic, QoS: qos}, func(err error) { answers <- fmt.Sprint(topic, err) })
		if err != nil {
			t.Fatal(err)
		}
		m := p.expectPublish()
		m.Topic = nil
		return m
	}
	one, two, three := publish("one", 1), publish("two", 2), publish("three", 1)
	p.ack(mqtt.PUBREC, two.PacketID, mqtt.Success)
	p.expectAck(mqtt.PUBREL, two.PacketID)
	p.conn.Close()

	p, second := s.connect(mqtt.Connack{SessionPresent: true, MaxQoS: 2})
	if first.Clean || second.Clean {
		t.Error("asked for a clean session")
	}
	p.expectAck(mqtt.PUBREL, two.PacketID)
	for _, want := range []mqtt.Publish{one, three} {
		if m := p.expectPublish(); m.PacketID != want.PacketID || !m.Dup {
			t.Errorf("repeated %+v, want identifier %d with DUP", m, want.PacketID)
		}
		p.ack(mqtt.PUBACK, want.PacketID, mqtt.Success)
	}
	p.ack(mqtt.PUBCOMP, two.PacketID, mqtt.Success)
	got := map[string]bool{await(t, answers): true, await(t, answers): true, await(t, answers): true}
	for _, topic := range []string{"one", "two", "three"} {
		if !got[topic+"<nil>"] {
			t.Errorf("%s has no good answer: %v", topic, got)
		}
	}
}

// A server without the session gets the open messages as new ones, and what it had confirmed is done.
func TestRestart(t *testing.T) {
	s := newFake(t)
	c := s.start(Options{Version: mqtt.V5, ClientID: "c", Clean: true, SessionExpiry: 60})
	p, _ := s.connect(ok)
	done := make(chan error, 2)
	finish := func(err error) { done <- err }
	if err := errors.Join(c.PublishAsync(&Message{Topic: "one", QoS: 2}, finish),
		c.PublishAsync(&Message{Topic: "two", QoS: 2}, finish)); err != nil {
		t.Fatal(err)
	}
	one := p.expectPublish()
	p.expectPublish()
	p.ack(mqtt.PUBREC, one.PacketID, mqtt.Success)
	p.expectAck(mqtt.PUBREL, one.PacketID)
	p.conn.Close()
	p, again := s.connect(ok)
	if again.Clean {
		t.Error("the session is thrown away on a reconnect")
	}
	if err := await(t, done); err != nil {
		t.Error(err)
	}
	m := p.expectPublish()
	if string(m.Topic) != "two" || m.Dup {
		t.Errorf("got %+v", m)
	}
	p.ack(mqtt.PUBREC, m.PacketID, mqtt.Success)
	p.expectAck(mqtt.PUBREL, m.PacketID)
	p.ack(mqtt.PUBCOMP, m.PacketID, mqtt.Success)
	if err := await(t, done); err != nil {
		t.Error(err)
	}
}

func TestUnknownPubrec(t *testing.T) {
	s := newFake(t)
	s.start(Options{Version: mqtt.V5, Clean: true})
	p, _ := s.connect(ok)
	p.ack(mqtt.PUBREC, 77, mqtt.Success)
	if a := p.expectAck(mqtt.PUBREL, 77); a.Reason != mqtt.PacketIdentifierNotFound {
		t.Errorf("%+v", a)
	}
	p.ack(mqtt.PUBACK, 78, mqtt.Success) // nothing comes of these two
	p.ack(mqtt.PUBCOMP, 79, mqtt.Success)
	p.send((&mqtt.Publish{QoS: 1, Topic: []byte("t"), PacketID: 5}).Append(nil, p.v))
	p.expectAck(mqtt.PUBACK, 5)
}

func TestOutgoingAlias(t *testing.T) {
	s := newFake(t)
	c := s.start(Options{Version: mqtt.V5, Clean: true})
	p, _ := s.connect(mqtt.Connack{MaxQoS: 2, TopicAliasMax: 1})
	want := []struct {
		topic string
		alias uint16
		wire  string
		with  uint16
	}{{"a", 1, "a", 1}, {"a", 1, "", 1}, {"b", 1, "b", 1}, {"a", 2, "a", 0}, {"b", 1, "", 1}}
	for i, tt := range want {
		if err := c.PublishAsync(&Message{Topic: tt.topic, TopicAlias: tt.alias}, nil); err != nil {
			t.Fatal(err)
		}
		if m := p.expectPublish(); string(m.Topic) != tt.wire || m.Props.TopicAlias != tt.with {
			t.Errorf("%d: %q with alias %d", i, m.Topic, m.Props.TopicAlias)
		}
	}
	p.conn.Close()
	p, _ = s.connect(mqtt.Connack{MaxQoS: 2, TopicAliasMax: 1}) // aliases end with the connection
	c.PublishAsync(&Message{Topic: "b", TopicAlias: 1}, nil)
	if m := p.expectPublish(); string(m.Topic) != "b" {
		t.Errorf("%q", m.Topic)
	}
}
