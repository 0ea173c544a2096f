package broker

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"tsunagi/internal/mqtt"
)

// TestAcknowledgedOnlyWhenDurable holds the store up and looks at what leaves meanwhile.
func TestAcknowledgedOnlyWhenDurable(t *testing.T) {
	store := newMemStore()
	r := rigOn(t, store, Options{})
	away, _ := r.connect(persistentPacket("away", mqtt.V5))
	away.sub("t", 2)
	live := r.simple("live")
	live.sub("t", 2)
	live.sub("u", 1)
	a := r.simple("a")
	store.gate = make(chan struct{})
	a.pub(msg("t", "1", 1, 1)) // is owed to a persistent session
	a.pub(msg("t", "2", 2, 2))
	a.pub(msg("u", "3", 1, 3)) // is owed to nobody who may be away, but waits behind
	a.pub(msg("u", "4", 0, 0)) // doesn't wait
	live.want("u", "4")
	live.nothing()
	a.nothing()
	away.must((&mqtt.Subscribe{PacketID: 9, Filters: []mqtt.Subscription{{Filter: []byte("x")}}}).Append(nil, mqtt.V5))
	away.nothing()
	connected := make(chan struct{})
	go func() {
		defer close(connected)
		_, _ = r.try(persistentPacket("other", mqtt.V5), Identity{})
	}()
	close(store.gate)
	a.wantAck(mqtt.PUBACK, 1)
	a.wantAck(mqtt.PUBREC, 2)
	a.wantAck(mqtt.PUBACK, 3)
	live.want("t", "1")
	live.want("t", "2")
	live.want("u", "3")
	away.want("t", "1")
	<-connected
}

func TestStoreFull(t *testing.T) {
	for _, v := range []mqtt.Version{mqtt.V311, mqtt.V5} {
		store := newMemStore()
		r := rigOn(t, store, Options{})
		away, _ := r.connect(persistentPacket("away", mqtt.V5))
		away.sub("t", 1)
		away.disconnect()
		r.waitWrites()
		store.mu.Lock()
		store.full = func(b *Batch) bool { return len(b.Log) > 0 || len(b.Retained) > 0 && b.Retained[0].Message != nil }
		store.mu.Unlock()
		live := r.simple("live")
		live.sub("#", 1)
		for qos := byte(1); qos < 3; qos++ {
			a, _ := r.connect(connectPacket("a", v))
			m := msg("t", "refused", qos, 1)
			a.must(m.Append(nil, v))
			if v == mqtt.V5 {
				kind := mqtt.PUBACK
				if qos == 2 {
					kind = mqtt.PUBREC
				}
				if k := a.wantAck(kind, 1); k.Reason != mqtt.QuotaExceeded {
					t.Error(k.Reason)
				}
			} else {
				r.waitWrites()
				if f, ok := a.next(0); ok || a.closed == nil {
					t.Errorf("got %d, closed %v", f.Type(), a.closed)
				}
			}
			a.gone()
		}
		a, _ := r.connect(connectPacket("a", v))
		a.pub(msg("t", "still", 0, 0)) // QoS 0 goes on
		live.want("t", "still")
		kept := msg("r", "live all the same", 0, 0)
		kept.Retain = true
		a.pub(kept)
		live.want("r", "live all the same")
		away, _ = r.connect(persistentPacket("away", mqtt.V5)) // what is only changed goes on, too
		away.must((&mqtt.Unsubscribe{PacketID: 1, Filters: [][]byte{[]byte("nothing")}}).Append(nil, mqtt.V5))
		if f := away.frame(); f.Type() != mqtt.UNSUBACK {
			t.Error(f.Type())
		}
		if e, ok := r.event("refused"); !ok || e.Gate != "store" {
			t.Errorf("%+v", e)
		}
		store.mu.Lock()
		store.full = nil
		store.mu.Unlock()
		a.pub(msg("t", "again", 1, 5))
		a.wantAck(mqtt.PUBACK, 5)
		away.want("t", "again")
		live.nothingBut("t", "again")
		r.stop()
	}
}

func (p *peer) nothingBut(topic, payload string) {
	p.t.Helper()
	p.want(topic, payload)
	p.nothing()
}

func TestStoreFailed(t *testing.T) {
	store := newMemStore()
	r := rigOn(t, store, Options{})
	away, _ := r.connect(persistentPacket("away", mqtt.V5))
	away.sub("t", 1)
	a, b := r.simple("a"), r.simple("b")
	store.mu.Lock()
	store.fail = ErrStoreFailed
	store.mu.Unlock()
	a.pub(msg("t", "x", 1, 1))
	<-r.k.Failed()
	if !errors.Is(r.k.Err(), ErrStoreFailed) {
		t.Error(r.k.Err())
	}
	a.nothing()
	away.nothing()
	m := msg("t", "x", 1, 2)
	if err := b.send(m.Append(nil, mqtt.V5)); err == nil {
		t.Error("taken after the store has failed")
	}
	if f, ok := b.next(0); !ok || f.Type() != mqtt.DISCONNECT {
		t.Error("no DISCONNECT")
	}
}

// TestBackPressure: publishers wait when the store is slower than they are, and others go on.
func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		r := rigOn(t, store, Options{})
		away, _ := r.connect(persistentPacket("away", mqtt.V5))
		away.sub("t", 1)
		away.disconnect()
		r.waitWrites()
		a, b := r.simple("a"), r.simple("b")
		store.gate = make(chan struct{})
		big := msg("t", strings.Repeat("x", 1<<20), 1, 1)
		sent := 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 40 {
				a.pub(big)
				sent++
			}
		}()
		synctest.Wait()
		if sent < 5 || sent > 12 {
			t.Errorf("%d MiB wait for the store", sent)
		}
		b.pub(msg("x", "y", 0, 0)) // another client isn't held up
		b.nothing()
		close(store.gate)
		<-done
		for range 40 {
			a.wantAck(mqtt.PUBACK, 1)
		}
		r.stop()
	})
}

// TestGroupCommit: what comes while a write is under way goes into one write together.
func TestGroupCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		r := rigOn(t, store, Options{})
		away, _ := r.connect(persistentPacket("away", mqtt.V5))
		away.sub("#", 1)
		away.disconnect()
		r.waitWrites()
		var peers []*peer
		for i := range 50 {
			peers = append(peers, r.simple(fmt.Sprint("p", i)))
		}
		before := store.writes
		store.gate = make(chan struct{})
		for i, p := range peers {
			for id := range uint16(10) {
				p.pub(msg(fmt.Sprint("t/", i), fmt.Sprint(id), 1, id+1))
			}
		}
		synctest.Wait()
		close(store.gate)
		for _, p := range peers {
			for id := range uint16(10) {
				p.wantAck(mqtt.PUBACK, id+1)
			}
		}
		if n := store.writes - before; n > 3 {
			t.Errorf("%d writes", n)
		}
		r = r.restart()
		away, _ = r.connect(persistentPacket("away", mqtt.V5))
		next := map[string]int{}
		for range 500 {
			m := away.wantPublish()
			if want := fmt.Sprint(next[string(m.Topic)]); string(m.Payload) != want {
				t.Fatalf("%s: %s, want %s: order of one publisher", m.Topic, m.Payload, want)
			}
			next[string(m.Topic)]++
			away.ack(mqtt.PUBACK, m.PacketID)
		}
		away.nothing()
		r.stop()
	})
}

// TestQoS2Durable crashes between any two steps of both handshakes: exactly once on both sides.
func TestQoS2Durable(t *testing.T) {
	for crash := range 7 {
		t.Run(fmt.Sprint("crash before step ", crash), func(t *testing.T) {
			r := newRig(t, Limits{})
			p, s := persistentPacket("p", mqtt.V5), persistentPacket("s", mqtt.V5)
			pub, _ := r.connect(p)
			sub, _ := r.connect(s)
			sub.sub("t", 2)
			var received []string
			var id uint16
			again := false
			at := func(step int) {
				if step == crash {
					r = r.restart()
					pub, _ = r.connect(p)
					sub, _ = r.connect(s)
					again = true
				}
			}
			m := msg("t", "once", 2, 7)
			at(0)
			pub.pub(m)
			pub.wantAck(mqtt.PUBREC, 7)
			at(1)
			if again { // the publisher doesn't know whether PUBREC was sent
				m.Dup = true
				pub.pub(m)
				pub.wantAck(mqtt.PUBREC, 7)
			}
			again = false
			pub.ack(mqtt.PUBREL, 7)
			pub.wantAck(mqtt.PUBCOMP, 7)
			at(2)
			if again {
				pub.ack(mqtt.PUBREL, 7)
				if k := pub.wantAck(mqtt.PUBCOMP, 7); k.Reason != mqtt.PacketIdentifierNotFound {
					t.Error(k.Reason)
				}
			}
			again = false
			g := sub.want("t", "once")
			id = g.PacketID
			received = append(received, "once")
			at(3)
			if again {
				g = sub.want("t", "once")
				if g.PacketID != id || !g.Dup {
					t.Errorf("sent again as %d dup %v, want %d", g.PacketID, g.Dup, id)
				}
			}
			again = false
			sub.ack(mqtt.PUBREC, id)
			sub.wantAck(mqtt.PUBREL, id)
			at(4)
			if again {
				sub.wantAck(mqtt.PUBREL, id) // not the message
			}
			again = false
			sub.ack(mqtt.PUBCOMP, id)
			sub.nothing()
			r.waitWrites()
			at(5)
			sub.nothing()
			pub.pub(msg("t", "next", 2, 8))
			pub.wantAck(mqtt.PUBREC, 8)
			sub.want("t", "next")
			at(6)
			if len(received) != 1 {
				t.Error(received)
			}
		})
	}
}

// TestCursor: out of order acknowledgements survive a crash once they are written, unacknowledged messages always do.
func TestCursor(t *testing.T) {
	r := newRig(t, Limits{})
	p := persistentPacket("s", mqtt.V5)
	sub, _ := r.connect(p)
	sub.sub("t", 1)
	a := r.simple("a")
	for i := range 10 {
		a.pub(msg("t", fmt.Sprint(i), 1, uint16(i+1)))
		a.wantAck(mqtt.PUBACK, uint16(i+1))
	}
	var ids []uint16
	for i := range 10 {
		ids = append(ids, sub.want("t", fmt.Sprint(i)).PacketID)
	}
	for _, i := range []int{0, 1, 3, 4, 8} {
		sub.ack(mqtt.PUBACK, ids[i])
	}
	r.waitWrites()
	sub.ack(mqtt.PUBACK, ids[9]) // not written any more
	r = r.restart()
	sub, _ = r.connect(p)
	for _, i := range []int{2, 5, 6, 7, 9} {
		m := sub.want("t", fmt.Sprint(i))
		if !m.Dup {
			t.Errorf("%d without DUP", i)
		}
		sub.ack(mqtt.PUBACK, m.PacketID)
	}
	sub.nothing()
	sub.disconnect()
	r.waitWrites()
	a = r.simple("a")
	a.pub(msg("t", "new", 1, 1))
	a.wantAck(mqtt.PUBACK, 1)
	r = r.restart()
	sub, _ = r.connect(p)
	if m := sub.want("t", "new"); m.Dup {
		t.Error("DUP although it can't have been sent")
	}
	sub.nothing()
}

// TestSubscriptionBegins: what was published before is not received, also after a crash; unsubscribing ends it.
func TestSubscriptionBegins(t *testing.T) {
	r := newRig(t, Limits{})
	keep, _ := r.connect(persistentPacket("keep", mqtt.V5)) // has everything stored
	keep.sub("#", 1)
	keep.gone()
	p := persistentPacket("s", mqtt.V5)
	sub, _ := r.connect(p)
	a := r.simple("a")
	say := func(what string) {
		a.pub(msg("t", what, 1, 1))
		a.wantAck(mqtt.PUBACK, 1)
	}
	say("before")
	sub.sub("t", 1)
	sub.gone()
	say("one")
	r = r.restart()
	a = r.simple("a")
	say("two")
	sub, _ = r.connect(p)
	sub.ack(mqtt.PUBACK, sub.want("t", "one").PacketID)
	sub.ack(mqtt.PUBACK, sub.want("t", "two").PacketID)
	sub.must((&mqtt.Unsubscribe{PacketID: 3, Filters: [][]byte{[]byte("t")}}).Append(nil, mqtt.V5))
	sub.frame()
	say("between")
	sub.sub("t", 1)
	sub.nothing()
	sub.disconnect()
	r.waitWrites()
	r = r.restart()
	sub, _ = r.connect(p)
	sub.nothing()
	keep, _ = r.connect(persistentPacket("keep", mqtt.V5))
	for _, what := range []string{"before", "one", "two", "between"} {
		keep.want("t", what)
	}
}
