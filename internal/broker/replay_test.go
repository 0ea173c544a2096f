package broker

import (
	"fmt"
	"testing"

	"tsunagi/internal/mqtt"
)

// TestReplayAndLive: what is retained while a subscription's retained messages are still being sent comes once, as the
// live message that it is.
func TestReplayAndLive(t *testing.T) {
	for _, qos := range []byte{0, 1} {
		r := newRig(t, Limits{})
		a := r.simple("a")
		const many = 2 * replayStep
		keep := func(i int, q byte) {
			m := msg(fmt.Sprintf("t/%03d", i), "x", q, 1)
			m.Retain = true
			a.pub(m)
			if q > 0 {
				a.wantAck(mqtt.PUBACK, 1)
			}
		}
		for i := range many {
			keep(i, 1)
		}
		p := connectPacket("s", mqtt.V5)
		p.ReceiveMaximum = 1
		s, _ := r.connect(p)
		s.sub("t/#", 1)
		keep(many, qos) // sorts behind what is still to be sent
		retained, live := 0, 0
		for retained+live < many+1 {
			m := s.wantPublish()
			if m.QoS > 0 {
				s.ack(mqtt.PUBACK, m.PacketID)
			}
			if m.Retain {
				retained++
			} else {
				live++
			}
		}
		s.nothing()
		if retained != many || live != 1 {
			t.Errorf("QoS %d: %d retained and %d live messages, want %d and 1", qos, retained, live, many)
		}
	}
}

// TestAnswersFit: no answer is larger than the client's Maximum Packet Size [MQTT-3.1.2-24].
func TestAnswersFit(t *testing.T) {
	r := newRig(t, Limits{})
	p := connectPacket("s", mqtt.V5)
	p.MaxPacket = 40
	s, _ := r.connect(p)
	var filters []mqtt.Subscription
	for i := range 40 {
		filters = append(filters, mqtt.Subscription{Filter: fmt.Append(nil, i)})
	}
	_ = s.send((&mqtt.Subscribe{PacketID: 1, Filters: filters}).Append(nil, mqtt.V5))
	f, ok := s.next(0)
	if !ok || f.Type() != mqtt.DISCONNECT {
		t.Fatalf("%v %v, want DISCONNECT", f, ok)
	}
	if d, err := mqtt.DecodeDisconnect(f, mqtt.V5); err != nil || d.Reason != mqtt.PacketTooLarge {
		t.Errorf("%+v, %v", d, err)
	}
	p = connectPacket("t", mqtt.V5)
	p.MaxPacket = 5
	if _, err := r.try(p, Identity{}); mqtt.ReasonOf(err) != mqtt.PacketTooLarge {
		t.Errorf("a CONNACK that does not fit: %v", err)
	}
}
