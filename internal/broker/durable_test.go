package broker

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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

// TestBodiesReadBack: with hardly any memory for bodies all messages arrive, in order, and the log is trimmed behind them.
func TestBodiesReadBack(t *testing.T) {
	for _, restart := range []bool{false, true} {
		store := newMemStore()
		store.bodies = 3000
		r := rigOn(t, store, Options{})
		p := persistentPacket("s", mqtt.V5)
		p.ReceiveMaximum = 7
		sub, _ := r.connect(p)
		sub.sub("t", 2)
		sub.gone()
		a := r.simple("a")
		const n = 500
		for i := range n {
			m := msg("t", fmt.Sprint(i, strings.Repeat("x", 100)), byte(1+i%2), 1)
			a.pub(m)
			if f := a.frame(); i%2 == 1 {
				a.ack(mqtt.PUBREL, 1)
				a.wantAck(mqtt.PUBCOMP, 1)
			} else if f.Type() != mqtt.PUBACK {
				t.Fatal(f.Type())
			}
		}
		if restart {
			r = r.restart()
		}
		sub, _ = r.connect(p)
		got := make([]string, 0, n)
		for len(got) < n {
			f := sub.frame()
			switch f.Type() {
			case mqtt.PUBLISH:
				var m mqtt.Publish
				if err := mqtt.DecodePublish(&m, f, mqtt.V5); err != nil {
					t.Fatal(err)
				}
				got = append(got, strings.TrimRight(string(m.Payload), "x"))
				if m.QoS == 1 {
					sub.ack(mqtt.PUBACK, m.PacketID)
				} else {
					sub.ack(mqtt.PUBREC, m.PacketID)
				}
				if len(got) == n/2 { // in the middle of it the connection breaks
					sub.gone()
					sub, _ = r.connect(p)
				}
			case mqtt.PUBREL:
				var k mqtt.Ack
				if err := mqtt.DecodeAck(&k, f, mqtt.V5); err != nil {
					t.Fatal(err)
				}
				sub.ack(mqtt.PUBCOMP, k.PacketID)
			}
			got = slices.Compact(got)
		}
		seen := map[string]int{}
		for _, s := range got {
			seen[s]++
		}
		for i := range n {
			if c := seen[fmt.Sprint(i)]; c == 0 || c > 1 && i%2 == 1 {
				t.Errorf("message %d came %d times", i, c)
			}
		}
		if r.store.readAts == 0 {
			t.Error("nothing was read back")
		}
	}
}

func TestQueueLimits(t *testing.T) {
	for _, l := range []Limits{{QueueMessages: 5}, {QueueBytes: 5 * 280}} {
		r := newRig(t, l)
		p := persistentPacket("s", mqtt.V5)
		sub, _ := r.connect(p)
		sub.sub("t", 1)
		sub.gone()
		a := r.simple("a")
		for i := range 20 {
			a.pub(msg("t", fmt.Sprintf("%02d%s", i, strings.Repeat("x", 200)), 1, 1))
			a.wantAck(mqtt.PUBACK, 1)
		}
		e, ok := r.event("dropped")
		if !ok || e.Client != "s" || e.Gate != "queue" {
			t.Errorf("%+v", e)
		}
		if got := r.b.Stats(); got.Dropped < 15 || got.Queued > 5 {
			t.Errorf("%+v", got)
		}
		r = r.restart()
		sub, _ = r.connect(p)
		first := sub.wantPublish()
		if string(first.Payload[:2]) < "15" {
			t.Errorf("first %s", first.Payload[:2])
		}
		sub.gone()
		r.stop()
	}
}

func TestTrim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Limits{})
		p := persistentPacket("s", mqtt.V5)
		sub, _ := r.connect(p)
		sub.sub("t", 1)
		a := r.simple("a")
		for i := range 10 {
			a.pub(msg("t", fmt.Sprint(i), 1, 1))
			a.wantAck(mqtt.PUBACK, 1)
		}
		var ids []uint16
		for i := range 10 {
			ids = append(ids, sub.want("t", fmt.Sprint(i)).PacketID)
		}
		for _, id := range ids[:4] {
			sub.ack(mqtt.PUBACK, id)
		}
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		if n := len(r.store.log); n != 6 {
			t.Errorf("%d records are kept, want 6", n)
		}
		if got, _ := r.k.Pinned(); len(got) != 1 {
			t.Error(got)
		}
		for _, id := range ids[4:] {
			sub.ack(mqtt.PUBACK, id)
		}
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		if n := len(r.store.log); n != 0 {
			t.Errorf("%d records are kept", n)
		}
		if got, _ := r.k.Pinned(); len(got) != 0 {
			t.Error(got)
		}
		r.stop()
	})
}

// TestTrimOfOthers: an instance that isn't in memory keeps what it needs.
func TestTrimOfOthers(t *testing.T) {
	r := newRig(t, Limits{})
	sub, _ := r.connect(persistentPacket("s", mqtt.V5))
	sub.sub("t", 1)
	sub.disconnect()
	a := r.simple("a")
	a.pub(msg("t", "kept", 1, 1))
	a.wantAck(mqtt.PUBACK, 1)
	if err := r.b.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	other, err := New(Options{ID: "i2", Committer: r.k})
	if err != nil {
		t.Fatal(err)
	}
	first := r.b
	r.b = other
	sub2, _ := r.connect(persistentPacket("s", mqtt.V5))
	sub2.sub("#", 1)
	b := r.simple("b")
	for range 20 {
		b.pub(msg("t", "other", 1, 1))
		b.wantAck(mqtt.PUBACK, 1)
		sub2.ack(mqtt.PUBACK, sub2.want("t", "other").PacketID)
	}
	r.waitWrites()
	r.waitWrites()
	r.b = first
	r = r.restart()
	sub, _ = r.connect(persistentPacket("s", mqtt.V5))
	sub.want("t", "kept")
	sub.nothing()
}

func TestDrop(t *testing.T) {
	r := newRig(t, Limits{})
	sub, _ := r.connect(persistentPacket("s", mqtt.V5))
	sub.sub("t", 1)
	sub.disconnect()
	a := r.simple("a")
	a.pub(msg("t", "x", 1, 1))
	a.wantAck(mqtt.PUBACK, 1)
	if err := r.b.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, _ := r.k.Pinned(); len(got) != 1 {
		t.Error(got)
	}
	if err := r.k.Drop(t.Context(), "i1"); err != nil {
		t.Fatal(err)
	}
	if got, _ := r.k.Pinned(); len(got) != 0 {
		t.Error(got)
	}
}

func TestPanicEndsOneClient(t *testing.T) {
	r := newRig(t, Limits{})
	a, _ := r.connectAs(connectPacket("a", mqtt.V5), Identity{User: "u", Rights: rules{pub: func(s string) bool {
		if s == "boom" {
			panic("boom")
		}
		return true
	}}})
	b := r.simple("b")
	b.sub("#", 1)
	m := msg("boom", "x", 1, 1)
	if err := a.send(m.Append(nil, mqtt.V5)); err == nil {
		t.Error("no error")
	}
	a.gone()
	c := r.simple("c")
	c.pub(msg("t", "x", 1, 1))
	c.wantAck(mqtt.PUBACK, 1)
	b.want("t", "x")
}
