package broker

import (
	"testing"

	"tsunagi/internal/mqtt"
)

func TestQoS0(t *testing.T) {
	r := newRig(t, Limits{})
	for _, v := range []mqtt.Version{mqtt.V31, mqtt.V311, mqtt.V5} {
		for _, w := range []mqtt.Version{mqtt.V311, mqtt.V5} {
			a, _ := r.connect(connectPacket("a", v))
			b, _ := r.connect(connectPacket("b", w))
			b.sub("x/+", 0)
			a.pub(msg("x/1", "one", 0, 0))
			b.want("x/1", "one")
			one, two, three := msg("x/1", "eins", 0, 0), msg("x/1", "zwei", 0, 0), msg("x/2", "drei", 0, 0)
			a.must(one.Append(nil, v), two.Append(nil, v), three.Append(nil, v))
			b.want("x/1", "eins")
			b.want("x/1", "zwei")
			b.want("x/2", "drei")
			b.nothing()
			a.disconnect()
			b.disconnect()
		}
	}
}

func TestQoS1BetweenConnected(t *testing.T) {
	r := newRig(t, Limits{})
	a, b := r.simple("a"), r.simple("b")
	b.sub("t", 1)
	a.pub(msg("t", "hello", 1, 7))
	if k := a.wantAck(mqtt.PUBACK, 7); k.Reason != mqtt.Success {
		t.Error(k.Reason)
	}
	m := b.want("t", "hello")
	if m.QoS != 1 || m.PacketID == 0 || m.Dup {
		t.Errorf("%+v", m)
	}
	b.ack(mqtt.PUBACK, m.PacketID)
	a.pub(msg("nobody", "hello", 1, 8))
	if k := a.wantAck(mqtt.PUBACK, 8); k.Reason != mqtt.NoMatchingSubscribers {
		t.Error(k.Reason)
	}
	if r.store.writes != 0 {
		t.Error("the store was touched although nobody is away")
	}
}

func TestPersistentSessionAwayAndRestart(t *testing.T) {
	r := newRig(t, Limits{})
	b, ack := r.connect(persistentPacket("b", mqtt.V5))
	if ack.SessionPresent {
		t.Error("session present on a new session")
	}
	b.sub("t/#", 1)
	b.disconnect()
	a := r.simple("a")
	a.pub(msg("t/1", "one", 1, 1))
	a.pub(msg("t/2", "two", 1, 2))
	a.wantAck(mqtt.PUBACK, 1)
	a.wantAck(mqtt.PUBACK, 2)
	r = r.restart()
	b, ack = r.connect(persistentPacket("b", mqtt.V5))
	if !ack.SessionPresent {
		t.Error("no session after the restart")
	}
	m := b.want("t/1", "one")
	b.ack(mqtt.PUBACK, m.PacketID)
	m2 := b.want("t/2", "two")
	b.gone()
	b, _ = r.connect(persistentPacket("b", mqtt.V5))
	m3 := b.want("t/2", "two")
	if !m3.Dup || m3.PacketID != m2.PacketID {
		t.Errorf("sent again as %+v", m3)
	}
	b.ack(mqtt.PUBACK, m3.PacketID)
	b.nothing()
}

func TestQoS2(t *testing.T) {
	r := newRig(t, Limits{})
	a, b := r.simple("a"), r.simple("b")
	b.sub("t", 2)
	a.pub(msg("t", "x", 2, 5))
	a.wantAck(mqtt.PUBREC, 5)
	again := msg("t", "x", 2, 5)
	again.Dup = true
	a.pub(again)
	a.wantAck(mqtt.PUBREC, 5)
	a.ack(mqtt.PUBREL, 5)
	a.wantAck(mqtt.PUBCOMP, 5)
	m := b.want("t", "x")
	b.ack(mqtt.PUBREC, m.PacketID)
	b.wantAck(mqtt.PUBREL, m.PacketID)
	b.ack(mqtt.PUBCOMP, m.PacketID)
	b.nothing()
}

func TestRetained(t *testing.T) {
	r := newRig(t, Limits{})
	a := r.simple("a")
	m := msg("r/1", "kept", 1, 1)
	m.Retain = true
	a.pub(m)
	a.wantAck(mqtt.PUBACK, 1)
	b := r.simple("b")
	b.sub("r/+", 1)
	if m := b.want("r/1", "kept"); !m.Retain || m.QoS != 1 {
		t.Errorf("%+v", m)
	}
	r = r.restart()
	b = r.simple("b")
	b.sub("#", 0)
	if m := b.want("r/1", "kept"); !m.Retain || m.QoS != 0 {
		t.Errorf("%+v", m)
	}
}
