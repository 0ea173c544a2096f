package broker

import (
	"fmt"
	"testing"

	"tsunagi/internal/mqtt"
)

// TestCarry: a lost session with a few old messages doesn't hold back the log, and gets them in order when it comes,
// also after crashes in between.
func TestCarry(t *testing.T) {
	store := newMemStore()
	store.carryLag, store.bodies = 100, 2000
	r := rigOn(t, store, Options{})
	lost := persistentPacket("lost", mqtt.V5)
	p, _ := r.connect(lost)
	p.sub("rare", 1)
	p.sub("twice", 2)
	p.gone()
	rare := 0
	busy := func(n int) {
		b, _ := r.connect(persistentPacket("busy", mqtt.V5))
		b.sub("#", 1)
		a := r.simple("a")
		for i := range n {
			topic := "usual"
			switch i % 150 {
			case 70:
				topic, rare = "rare", rare+1
			case 71:
				topic, rare = "twice", rare+1
			}
			m := msg(topic, fmt.Sprint(rare), 2, 1)
			m.Props.HasExpiry, m.Props.Expiry = i%2 == 0, 1000
			a.pub(m)
			a.wantAck(mqtt.PUBREC, 1)
			a.ack(mqtt.PUBREL, 1)
			a.wantAck(mqtt.PUBCOMP, 1)
			b.ack(mqtt.PUBACK, b.want(topic, fmt.Sprint(rare)).PacketID)
			if i%25 == 0 {
				r.waitWrites()
			}
		}
		r.waitWrites()
		b.disconnect()
	}
	for range 3 {
		busy(700)
		if n := store.length(); n > 300 {
			t.Errorf("the log has %d records", n)
		}
		r = r.restart()
	}
	busy(100)
	p, ack := r.connect(lost)
	if !ack.SessionPresent || rare < 20 {
		t.Fatal("session lost, or nothing tried")
	}
	next := map[string]int{"rare": 1, "twice": 2} // of one topic and QoS in order
	for n := 0; n < rare; {
		f := p.frame()
		if f.Type() == mqtt.PUBREL {
			var k mqtt.Ack
			if err := mqtt.DecodeAck(&k, f, mqtt.V5); err != nil {
				t.Fatal(err)
			}
			p.ack(mqtt.PUBCOMP, k.PacketID)
			continue
		}
		var m mqtt.Publish
		if err := mqtt.DecodePublish(&m, f, mqtt.V5); err != nil {
			t.Fatal(err)
		}
		if string(m.Payload) != fmt.Sprint(next[string(m.Topic)]) {
			t.Fatalf("%s: %s, want %d", m.Topic, m.Payload, next[string(m.Topic)])
		}
		next[string(m.Topic)] += 2
		n++
		if m.QoS == 1 {
			p.ack(mqtt.PUBACK, m.PacketID)
		} else {
			p.ack(mqtt.PUBREC, m.PacketID)
		}
	}
	for r.store.releases() > 0 {
		if f, ok := p.next(0); ok && f.Type() == mqtt.PUBREL {
			var k mqtt.Ack
			_ = mqtt.DecodeAck(&k, f, mqtt.V5)
			p.ack(mqtt.PUBCOMP, k.PacketID)
		}
		r.waitWrites()
	}
	p.nothing()
	r.waitWrites()
	r.waitWrites()
	if n := store.length(); n > 0 {
		t.Errorf("%d records are left", n)
	}
}

func (s *memStore) length() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.log)
}

// releases is how many packet identifiers are stored.
func (s *memStore) releases() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pkt)
}
