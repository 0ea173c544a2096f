package broker

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"tsunagi/internal/mqtt"
)

// TestIDSet compares with a map, with identifiers that collide.
func TestIDSet(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var s idSet
	ref := map[uint16]byte{}
	for i := range 200_000 {
		id := uint16(rng.IntN(64)*1024 + rng.IntN(4))
		switch rng.IntN(3) {
		case 0:
			st := byte(1 + rng.IntN(3))
			s.put(id, st)
			ref[id] = st
		case 1:
			s.drop(id)
			delete(ref, id)
		default:
			if s.get(id) != ref[id] {
				t.Fatalf("step %d: %d is %d, want %d", i, id, s.get(id), ref[id])
			}
		}
		if s.n != len(ref) {
			t.Fatalf("%d, want %d", s.n, len(ref))
		}
	}
	n := 0
	s.each(func(id uint16, st byte) {
		n++
		if ref[id] != st {
			t.Errorf("%d is %d", id, st)
		}
	})
	if n != len(ref) {
		t.Error(n)
	}
	for id := range 0xFFFF { // all of them fit
		s.put(uint16(id+1), 1)
	}
	if s.n < 0xFFFF {
		t.Error(s.n)
	}
}

func TestSlots(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var s slotTable
	used := map[uint16]bool{}
	s.claim(3, slotReleased)
	used[3] = true
	for range 100_000 {
		if rng.IntN(2) == 0 {
			id, sl := s.take(50, slotSent1)
			if (id == 0) != (len(used) >= 50) {
				t.Fatal("limit", id, len(used))
			}
			if id == 0 {
				continue
			}
			if used[id] || s.at(id) != sl {
				t.Fatal("given out twice", id)
			}
			used[id] = true
			continue
		}
		for id := range used {
			s.free(id)
			delete(used, id)
			if s.at(id) != nil {
				t.Fatal("still there")
			}
			break
		}
	}
	if int(s.used) != len(used) || s.at(0) != nil || s.at(9999) != nil || len(s.slots) > 64 {
		t.Error(s.used, len(used), len(s.slots))
	}
	var all slotTable
	for range 0xFFFF {
		if id, _ := all.take(1<<20, slotSent1); id == 0 {
			t.Fatal("not all identifiers are given out")
		}
	}
}

// TestOutbox writes and flushes at random, with writers that take little.
func TestOutbox(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	c := &Client{}
	o := &c.outbox
	o.client, o.limit = c, 1<<30
	var sent, got bytes.Buffer
	var turn Turn
	take := func(most int) func([][]byte) (int, error) {
		return func(parts [][]byte) (int, error) {
			if len(parts) > maxParts {
				t.Fatal("too many parts")
			}
			n := 0
			for _, p := range parts {
				k := min(len(p), most-n)
				got.Write(p[:k])
				n += k
			}
			return n, nil
		}
	}
	for i := range 800 {
		if rng.IntN(20) == 0 {
			if err := o.Flush(take([]int{0, 1, 100, 5000, 100_000, 1 << 30}[rng.IntN(6)])); err != nil {
				t.Fatal(err)
			}
			turn.Reset()
			continue
		}
		b := bytes.Repeat([]byte{byte(i)}, []int{1, 5, 70, 900, 4096, 70_000}[min(5, rng.IntN(12))])
		sent.Write(b)
		o.mu.Lock()
		if rng.IntN(4) == 0 {
			o.lend(b)
		} else {
			o.copyIn(b)
		}
		o.mark(&turn)
		o.mu.Unlock()
		if len(turn.Touched()) > 1 {
			t.Fatal("twice on a list")
		}
	}
	if err := o.Flush(take(1 << 30)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(sent.Bytes(), got.Bytes()) {
		t.Fatalf("%d bytes came out of %d, or others", got.Len(), sent.Len())
	}
	if o.Len() != 0 || o.open != nil {
		t.Error("an empty outbox holds memory")
	}
	boom := errors.New("boom")
	o.mu.Lock()
	o.copyIn([]byte("x"))
	o.mu.Unlock()
	if err := o.Flush(func([][]byte) (int, error) { return 0, boom }); !errors.Is(err, boom) || o.Len() != 1 {
		t.Error(err, o.Len())
	}
	o.close()
	if o.Len() != 0 {
		t.Error("a closed outbox holds bytes")
	}
}

// TestSlowConsumer: bounded memory, QoS 0 dropped and counted, QoS 1 kept; others are not disturbed.
func TestSlowConsumer(t *testing.T) {
	r := newRig(t, Limits{OutboxBytes: 10_000})
	slow, quick, a := r.simple("slow"), r.simple("quick"), r.simple("a")
	slow.sub("#", 1)
	quick.sub("#", 1)
	slow.setStuck(true)
	payload := strings.Repeat("x", 100)
	const n = 500
	for i := range n {
		a.pub(msg("zero", payload, 0, 0))
		a.pub(msg("one", fmt.Sprint(i), 1, 1))
		a.wantAck(mqtt.PUBACK, 1)
		quick.want("zero", payload)
		quick.ack(mqtt.PUBACK, quick.want("one", fmt.Sprint(i)).PacketID)
	}
	if got := slow.c.Outbox().Len(); got > 10_000 {
		t.Errorf("%d bytes wait", got)
	}
	if e, ok := r.event("dropped"); !ok || e.Client != "slow" || e.Rule != "outbox_bytes" {
		t.Errorf("%+v", e)
	}
	slow.setStuck(false)
	slow.Flush()
	for i := 0; i < n; {
		m := slow.wantPublish()
		if m.QoS == 0 {
			continue
		}
		if string(m.Payload) != fmt.Sprint(i) {
			t.Fatalf("got %s, want %d", m.Payload, i)
		}
		slow.ack(mqtt.PUBACK, m.PacketID)
		i++
	}
	if dropped := r.b.Stats().Dropped; dropped == 0 || dropped > n {
		t.Error(dropped)
	}
}

// TestNeverReads cuts off who makes the server answer without ever reading.
func TestNeverReads(t *testing.T) {
	r := newRig(t, Limits{OutboxBytes: 1000})
	a := r.simple("a")
	a.setStuck(true)
	for range 10_000 {
		if err := a.send([]byte{byte(mqtt.PINGREQ) << 4, 0}); err != nil {
			break
		}
	}
	if a.closed == nil || a.c.Outbox().Len() > 3000 {
		t.Error(a.closed, a.c.Outbox().Len())
	}
}

// TestMemoryQueue bounds what is kept for a connected client that acknowledges nothing.
func TestMemoryQueue(t *testing.T) {
	r := newRig(t, Limits{QueueMessages: 100})
	p := connectPacket("b", mqtt.V5)
	p.ReceiveMaximum = 1
	b, _ := r.connect(p)
	b.sub("#", 1)
	a := r.simple("a")
	for i := range 500 {
		a.pub(msg("t", fmt.Sprint(i), 1, 1))
		a.wantAck(mqtt.PUBACK, 1)
	}
	if q := r.b.Stats().Queued; q != 100 {
		t.Error(q)
	}
	b.ack(mqtt.PUBACK, b.want("t", "0").PacketID)
	b.want("t", "400")
}

func TestRedeliveryOrder(t *testing.T) {
	r := newRig(t, Limits{})
	p := persistentPacket("s", mqtt.V5)
	s, _ := r.connect(p)
	s.sub("#", 2)
	a := r.simple("a")
	var ids []uint16
	for i := range 20 {
		a.pub(msg("t", fmt.Sprint(i), byte(1+i/10), uint16(i+1)))
		a.frame()
	}
	for i := range 20 {
		ids = append(ids, s.want("t", fmt.Sprint(i)).PacketID)
	}
	for _, i := range []int{12, 10} { // released in this order
		s.ack(mqtt.PUBREC, ids[i])
		s.wantAck(mqtt.PUBREL, ids[i])
	}
	p.ReceiveMaximum = 5
	s.gone()
	s, _ = r.connect(p)
	s.wantAck(mqtt.PUBREL, ids[10])
	s.wantAck(mqtt.PUBREL, ids[12])
	for i := range 5 {
		s.want("t", fmt.Sprint(i))
	}
	s.nothing() // the smaller Receive Maximum holds
	for _, id := range ids[:5] {
		s.ack(mqtt.PUBACK, id)
	}
	for i := 5; i < 20; {
		f := s.frame()
		if f.Type() == mqtt.PUBREL {
			var k mqtt.Ack
			if err := mqtt.DecodeAck(&k, f, mqtt.V5); err != nil {
				t.Fatal(err)
			}
			s.ack(mqtt.PUBCOMP, k.PacketID)
			continue
		}
		var m mqtt.Publish
		if err := mqtt.DecodePublish(&m, f, mqtt.V5); err != nil {
			t.Fatal(f.Type(), err)
		}
		if i == 10 || i == 12 {
			i++
		}
		if string(m.Payload) != fmt.Sprint(i) || m.PacketID != ids[i] || !m.Dup {
			t.Errorf("message %d came as %s, id %d, dup %v", i, m.Payload, m.PacketID, m.Dup)
		}
		if i++; m.QoS == 1 {
			s.ack(mqtt.PUBACK, m.PacketID)
		} else {
			s.ack(mqtt.PUBREC, m.PacketID)
		}
	}
}
