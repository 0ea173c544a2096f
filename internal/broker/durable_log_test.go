package broker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tsunagi/internal/mqtt"
)

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
