package broker

import (
	"fmt"
	"testing"

	"tsunagi/internal/mqtt"
)

// keepRig has a session "keeper" that keeps all of t/#, at most two messages, and is away.
func keepRig(t *testing.T, lift bool) *rig {
	r := rigOn(t, newMemStore(), Options{Keep: "keeper", KeepQoS0: lift, Limits: Limits{KeepMessages: 2, QueueMessages: 1}})
	k, _ := r.connect(persistentPacket("keeper", mqtt.V5))
	k.sub("t/#", 2)
	k.disconnect()
	r.waitWrites()
	return r
}

// TestKeptIsNotDropped fills the queue of the session that keeps everything: what comes then is refused, not dropped, and
// other topics and sessions go on.
func TestKeptIsNotDropped(t *testing.T) {
	r := keepRig(t, false)
	other, _ := r.connect(persistentPacket("other", mqtt.V5))
	other.sub("u", 1)
	other.disconnect()
	p := r.simple("p")
	for i := uint16(1); i <= 2; i++ {
		p.pub(msg("t/a", fmt.Sprint(i), byte(i), i))
		p.wantAck([]mqtt.Type{mqtt.PUBACK, mqtt.PUBREC}[i-1], i)
	}
	for i, kind := range []mqtt.Type{mqtt.PUBACK, mqtt.PUBREC} {
		p.pub(msg("t/a", "refused", byte(i+1), uint16(10+i)))
		if a := p.wantAck(kind, uint16(10+i)); a.Reason != mqtt.QuotaExceeded {
			t.Errorf("%v over the bound: %v", kind, a.Reason)
		}
	}
	again := msg("t/a", "2", 2, 2) // it was accepted: it must not be told otherwise now
	again.Dup = true
	p.pub(again)
	if a := p.wantAck(mqtt.PUBREC, 2); a.Reason.Failed() {
		t.Errorf("a QoS 2 message that comes again: %v", a.Reason)
	}
	if e, ok := r.event("refused"); !ok || e.Gate != "queue" || e.Rule != "keep" {
		t.Errorf("event: %+v", e)
	}
	old, _ := r.connect(connectPacket("old", mqtt.V311))
	if err := old.send((&mqtt.Publish{QoS: 1, PacketID: 1, Topic: []byte("t/a")}).Append(nil, mqtt.V311)); err == nil {
		t.Error("MQTT 3 was not told that its message was refused")
	}
	for i := uint16(20); i < 22; i++ {
		p.pub(msg("u", fmt.Sprint(i), 1, i))
		if a := p.wantAck(mqtt.PUBACK, i); a.Reason.Failed() {
			t.Errorf("another topic: %v", a.Reason)
		}
	}
	other, _ = r.connect(persistentPacket("other", mqtt.V5))
	other.want("u", "21")
	r.waitWrites()
	r.stop()
	r = rigOn(t, r.store, Options{Keep: "keeper", Limits: Limits{KeepMessages: 2, QueueMessages: 1}})
	k, _ := r.connect(persistentPacket("keeper", mqtt.V5))
	k.want("t/a", "1")
	k.want("t/a", "2")
}

// TestKeptQoS0 keeps QoS 0 messages and wills for that session, at QoS 1 and in order, while others get them at QoS 0.
func TestKeptQoS0(t *testing.T) {
	r := keepRig(t, true)
	live, _ := r.connect(persistentPacket("live", mqtt.V5))
	live.sub("#", 2)
	p := r.simple("p")
	p.pub(msg("t/a", "1", 0, 0))
	p.pub(msg("t/a", "2", 1, 1))
	p.wantAck(mqtt.PUBACK, 1)
	p.pub(msg("t/a", "3", 0, 0)) // there is no room: it is lost to the keeper alone
	for i, qos := range []byte{0, 1, 0} {
		m := live.want("t/a", fmt.Sprint(i+1))
		if m.QoS != qos {
			t.Errorf("message %d at QoS %d", i+1, m.QoS)
		}
		if qos == 1 {
			live.ack(mqtt.PUBACK, m.PacketID)
		}
	}
	if n := r.lost("keeper"); n["queue_bytes"] != 1 {
		t.Errorf("lost: %v", n)
	}
	k, _ := r.connect(persistentPacket("keeper", mqtt.V5))
	for _, want := range []string{"1", "2"} {
		m := k.want("t/a", want)
		if m.QoS != 1 {
			t.Errorf("kept %s at QoS %d", want, m.QoS)
		}
		k.ack(mqtt.PUBACK, m.PacketID)
	}
	p.pub(msg("t/a", "4", 0, 0))
	if m := k.want("t/a", "4"); m.QoS != 1 {
		t.Errorf("while it is there: QoS %d", m.QoS)
	}
	will := connectPacket("w", mqtt.V5)
	will.Will = &mqtt.Will{Topic: []byte("t/will"), Payload: []byte("gone")}
	w, _ := r.connect(will)
	w.gone()
	if m := k.want("t/will", "gone"); m.QoS != 1 {
		t.Errorf("will: QoS %d", m.QoS)
	}
}
