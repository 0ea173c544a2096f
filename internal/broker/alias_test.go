package broker

import (
	"fmt"
	"strings"
	"testing"

	"tsunagi/internal/mqtt"
)

// TestAliasesOut: a client that allows aliases is told each of its first topics once, at any QoS and size.
func TestAliasesOut(t *testing.T) {
	r := newRig(t, Limits{})
	a := r.simple("a")
	p := connectPacket("s", mqtt.V5)
	p.TopicAliasMax = 2
	s, _ := r.connect(p)
	s.sub("#", 2)
	const first, second, third = "the first topic", "the second topic", "the third topic"
	large := strings.Repeat("x", 3*shareFrom)
	tests := []struct {
		topic, payload string
		qos            byte
		told           string
		alias          uint16
	}{
		{first, "1", 0, first, 1},
		{first, "2", 0, "", 1},
		{second, large, 1, second, 2},
		{third, "no alias is left", 1, third, 0},
		{first, large, 2, "", 1},
		{second, "", 0, "", 2},
		{"t", "too short to be worth it", 0, "t", 0},
	}
	for _, tt := range tests {
		m := msg(tt.topic, tt.payload, tt.qos, 1)
		m.Props.ContentType = []byte("ct")
		a.pub(m)
		g := s.wantPublish()
		if string(g.Topic) != tt.told || g.Props.TopicAlias != tt.alias || string(g.Payload) != tt.payload || g.QoS != tt.qos ||
			string(g.Props.ContentType) != "ct" {
			t.Errorf("%s at QoS %d: topic %q, alias %d, %d bytes", tt.topic, tt.qos, g.Topic, g.Props.TopicAlias, len(g.Payload))
		}
		switch tt.qos {
		case 1:
			s.ack(mqtt.PUBACK, g.PacketID)
			a.frame()
		case 2:
			a.frame()
			a.ack(mqtt.PUBREL, 1)
			a.frame()
			s.ack(mqtt.PUBREC, g.PacketID)
			s.frame()
			s.ack(mqtt.PUBCOMP, g.PacketID)
		}
	}
	var run []byte
	for i := range 3 {
		m := msg(first, fmt.Sprint(i), 0, 0)
		run = m.Append(run, mqtt.V5)
	}
	a.must(run)
	for i := range 3 {
		if g := s.wantPublish(); len(g.Topic) != 0 || g.Props.TopicAlias != 1 || string(g.Payload) != fmt.Sprint(i) {
			t.Errorf("in a run: %+v", g)
		}
	}
}

// TestAliasFits: the first message with an alias is longer than without, which may be too much for the client.
func TestAliasFits(t *testing.T) {
	r := newRig(t, Limits{})
	a := r.simple("a")
	p := connectPacket("s", mqtt.V5)
	m := msg("some topic", "payload", 0, 0)
	p.TopicAliasMax, p.MaxPacket = 9, uint32(len(m.Append(nil, mqtt.V5)))
	s, _ := r.connect(p)
	s.sub("#", 0)
	for range 2 {
		a.pub(m)
		if g := s.want("some topic", "payload"); g.Props.TopicAlias != 0 {
			t.Errorf("alias %d", g.Props.TopicAlias)
		}
	}
}
