package broker

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tsunagi/internal/mqtt"
)

func many(n int, filter func(i int) string) (list []mqtt.Subscription) {
	for i := range n {
		list = append(list, mqtt.Subscription{Filter: []byte(filter(i)), QoS: 1})
	}
	return list
}

func granted(reasons []mqtt.Reason) (n int) {
	for _, r := range reasons {
		if !r.Failed() {
			n++
		}
	}
	return n
}

// TestSubscriptionBomb is attack row 5: however filters are packed, no session and no instance has more than its plan
// allows, what is refused is 0x97, and flapping leaves nothing behind.
func TestSubscriptionBomb(t *testing.T) {
	for name, packet := range map[string]func(string, mqtt.Version) *mqtt.Connect{"clean": connectPacket, "persistent": persistentPacket} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Limits{Subscriptions: 100, AllSubscriptions: 150})
			a, _ := r.connect(packet("a", mqtt.V5))
			reasons := a.subscribe(many(10_000, func(i int) string { return fmt.Sprint("t/", i) })...)
			if n := granted(reasons); n != 100 || reasons[9999] != mqtt.QuotaExceeded {
				t.Errorf("%d of 10,000 filters in one packet are granted, the last with %v; want 100 and 0x97", n, reasons[9999])
			}
			b, _ := r.connect(packet("b", mqtt.V5))
			var packets [][]byte // all at once: none of them can see what the one before has stored
			for i := range 120 {
				packets = append(packets, (&mqtt.Subscribe{PacketID: uint16(i + 1), Filters: many(1, func(int) string { return fmt.Sprint("b/", i) })}).Append(nil, mqtt.V5))
			}
			b.must(packets...)
			n := 0
			for range packets {
				n += granted(b.suback())
			}
			if all := r.b.Stats().Subscriptions; n != 50 || all != 150 {
				t.Errorf("%d more are granted and there are %d, want 50 and 150", n, all)
			}
			if got := b.subscribe(many(3, func(int) string { return "b/1" })...); granted(got) != 3 {
				t.Errorf("replacing one's own: %v", got)
			}
			r.mu.Lock()
			events := len(r.events)
			r.mu.Unlock()
			if events > 200 {
				t.Errorf("%d events", events)
			}
			a.disconnect()
			b.disconnect()
			if name == "clean" && (r.b.Stats().Subscriptions != 0 || r.b.subsAsked.Load() != 0) {
				t.Errorf("%d subscriptions stay behind, %d asked for", r.b.Stats().Subscriptions, r.b.subsAsked.Load())
			}
		})
	}
}

// TestSubscribeRate is attack row 5: who subscribes and unsubscribes without end is held to the plan's rate, and others
// are not.
func TestSubscribeRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Limits{Subscriptions: 50, SubscribeRate: 10})
		defer r.stop()
		a, other := r.simple("a"), r.simple("other")
		flap := func() (ok int) {
			for range 200 {
				ok += granted(a.subscribe(mqtt.Subscription{Filter: []byte("t/+")}))
				a.must((&mqtt.Unsubscribe{PacketID: 5, Filters: [][]byte{[]byte("t/+")}}).Append(nil, mqtt.V5))
				a.frame()
			}
			return ok
		}
		if n := flap(); n != 50 {
			t.Errorf("%d at once, want 50", n)
		}
		if e, ok := r.event("denied"); !ok || e.Rule != "subscribe_rate" || e.Reason != mqtt.QuotaExceeded {
			t.Errorf("%+v", e)
		}
		time.Sleep(2 * time.Second)
		if n := flap(); n != 20 {
			t.Errorf("%d after two seconds, want 20", n)
		}
		other.sub("x", 0)
		if n := r.b.Stats().Subscriptions; n != 1 || len(r.b.tree.Match("t/1", nil)) != 0 {
			t.Errorf("%d subscriptions are left", n)
		}
	})
}

// TestFlappingLeavesNothing is attack rows 5 and 6: memory after many subscribe and unsubscribe, shared ones too, is what
// it was.
func TestFlappingLeavesNothing(t *testing.T) {
	r := newRig(t, Limits{})
	a, pub := r.simple("a"), r.simple("pub")
	round := func(n int) {
		for i := range n {
			f := fmt.Sprintf("deep/%d/a/b/c/+/#", i%1000)
			g := fmt.Sprintf("$share/group%d/%s", i, f)
			a.sub(f, 0)
			a.sub(g, 1)
			pub.pub(msg(fmt.Sprintf("deep/%d/a/b/c/d", i%1000), "x", 0, 0))
			a.wantPublish()
			a.wantPublish()
			a.must((&mqtt.Unsubscribe{PacketID: 5, Filters: [][]byte{[]byte(f), []byte(g)}}).Append(nil, mqtt.V5))
			a.frame()
		}
	}
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	round(1000)
	before := heap()
	round(5000)
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("%d bytes more after flapping", grown)
	}
	if n := r.b.Stats().Subscriptions; n != 0 || len(r.b.groups) != 0 {
		t.Errorf("%d subscriptions and %d groups are left", n, len(r.b.groups))
	}
}

// TestShareBomb is attack row 6: group names are plain words, a group counts as a subscription, and an empty one goes.
func TestShareBomb(t *testing.T) {
	r := newRig(t, Limits{Subscriptions: 100})
	a := r.simple("a")
	for _, bad := range []string{"$share", "$share/", "$share//t", "$share/g", "$share/g/", "$share/+/t", "$share/g#/t", "$share/#", "$share/a+b/t", "$share/g/a/#/b"} {
		if got := a.subscribe(mqtt.Subscription{Filter: []byte(bad)}); got[0] != mqtt.TopicFilterInvalid && bad != "$share" && bad != "$share/" {
			t.Errorf("%s: %v", bad, got[0])
		}
	}
	a.must((&mqtt.Unsubscribe{PacketID: 5, Filters: [][]byte{[]byte("$share"), []byte("$share/")}}).Append(nil, mqtt.V5))
	a.frame()
	reasons := a.subscribe(many(5000, func(i int) string { return fmt.Sprintf("$share/g%d/t", i) })...)
	if n := granted(reasons); n != 100 || len(r.b.groups) != 100 {
		t.Errorf("%d groups are granted and %d made, want 100", n, len(r.b.groups))
	}
	// A normal subscription and a shared one with the same filter are two: each goes alone.
	b := r.simple("b")
	b.sub("t", 0)
	b.sub("$share/own/t", 0)
	leave := func(f string) {
		b.must((&mqtt.Unsubscribe{PacketID: 5, Filters: [][]byte{[]byte(f)}}).Append(nil, mqtt.V5))
		b.frame()
	}
	pub := r.simple("pub")
	leave("t")
	pub.pub(msg("t", "1", 0, 0))
	b.want("t", "1")
	leave("$share/own/t")
	pub.pub(msg("t", "2", 0, 0))
	b.nothing()
	a.disconnect()
	if len(r.b.groups) != 0 {
		t.Errorf("%d empty groups are left", len(r.b.groups))
	}
	c := r.simple("c")
	noLocal := (&mqtt.Subscribe{PacketID: 1, Filters: []mqtt.Subscription{{Filter: []byte("$share/g/t"), NoLocal: true}}}).Append(nil, mqtt.V5)
	if err := c.send(noLocal); !errors.Is(err, mqtt.ProtocolError) { // [MQTT-3.8.3-4]
		t.Errorf("a shared subscription with No Local: %v", err)
	}
}

// TestOverlapBomb is attack row 5: a thousand filters of one client that all match are one receiver.
func TestOverlapBomb(t *testing.T) {
	r := newRig(t, Limits{})
	a, pub := r.simple("a"), r.simple("pub")
	levels := func(i int) string { // 1,024 filters that all match the same name
		f := make([]string, 10)
		for k := range f {
			if f[k] = "x"; i>>k&1 == 1 {
				f[k] = "+"
			}
		}
		return strings.Join(f, "/")
	}
	if n := granted(a.subscribe(many(1024, levels)...)); n != 1024 {
		t.Fatal(n)
	}
	name := strings.Repeat("x/", 9) + "x"
	pub.pub(msg(name, "once", 1, 1))
	if m := a.want(name, "once"); m.QoS != 1 {
		t.Errorf("QoS %d", m.QoS)
	}
	a.nothing()
}

// TestTopicBomb is attack row 4, for names, filters and wills alike.
func TestTopicBomb(t *testing.T) {
	bad := map[string]string{
		"65,535 bytes": strings.Repeat("x", 65_535), "10,000 levels": strings.Repeat("/", 10_000), "129 levels": strings.Repeat("x/", 128) + "x",
		"4,097 bytes": strings.Repeat("x", 4097), "NUL": "a\x00b", "not UTF-8": "a/\xff", "surrogate": "a/\xed\xa0\x80", "overlong": "a\xc0\xafb", "empty": "",
	}
	for name, s := range bad {
		for _, v := range []mqtt.Version{mqtt.V311, mqtt.V5} {
			t.Run(fmt.Sprintf("%s v%d", name, v), func(t *testing.T) {
				r := newRig(t, Limits{})
				p := connectPacket("w", v)
				p.Will = &mqtt.Will{Topic: []byte(s)}
				if _, err := r.try(p, Identity{User: "u"}); err == nil {
					t.Error("as a will")
				}
				a, _ := r.connect(connectPacket("a", v))
				q := msg(s, "x", 1, 1)
				if err := a.send(q.Append(nil, v)); err == nil {
					t.Error("as a name")
				} else if got := mqtt.ReasonOf(err); got != mqtt.TopicNameInvalid && got != mqtt.MalformedPacket && got != mqtt.ProtocolError {
					t.Errorf("as a name: %v", got)
				}
				for _, f := range []string{s, s + "/#", "$share/g/" + s, strings.Repeat("+/", 200) + "#"} {
					if f == "/#" {
						continue // the empty one becomes a good one
					}
					b, _ := r.connect(connectPacket("b", v))
					err := b.send((&mqtt.Subscribe{PacketID: 1, Filters: []mqtt.Subscription{{Filter: []byte(f)}}}).Append(nil, v))
					if err != nil {
						continue
					}
					if got := b.suback(); !got[0].Failed() {
						t.Errorf("as a filter of %d bytes: %v", len(f), got)
					}
				}
				if n := r.b.Stats().Subscriptions; n != 0 {
					t.Errorf("%d subscriptions", n)
				}
			})
		}
	}
}

// TestRetainedBomb is attack row 12: count and bytes are bounded, also for what comes faster than it is stored.
func TestRetainedBomb(t *testing.T) {
	retained := func(topic, payload string, qos byte, id uint16) []byte {
		m := msg(topic, payload, qos, id)
		m.Retain = true
		return m.Append(nil, mqtt.V5)
	}
	for qos := range byte(3) {
		for _, l := range []Limits{{RetainedMessages: 10}, {RetainedBytes: 10 * 1150}} {
			t.Run(fmt.Sprintf("QoS %d of %d", qos, l.RetainedMessages), func(t *testing.T) {
				r := newRig(t, l)
				a, _ := r.connect(connectPacket("a", mqtt.V5))
				var all [][]byte
				for i := range 500 {
					all = append(all, retained(fmt.Sprint("bomb/", i), strings.Repeat("x", 1000), qos, uint16(i+1)))
				}
				a.must(all...)
				refused := 0
				for range 500 * int(min(qos, 1)) {
					f := a.frame()
					var k mqtt.Ack
					if err := mqtt.DecodeAck(&k, f, mqtt.V5); err != nil {
						t.Fatal(err)
					}
					if k.Reason == mqtt.QuotaExceeded {
						refused++
					}
				}
				if s := r.b.Stats(); s.Retained > 10 || l.RetainedBytes > 0 && r.b.retBytes.Load() > int64(l.RetainedBytes) || s.Retained < 5 || qos > 0 && refused != 500-s.Retained {
					t.Errorf("%d are retained and %d refused, want 10 at most", s.Retained, refused)
				}
				all = all[:0]
				for i := range 200 { // one topic again and again needs no more room
					all = append(all, retained("bomb/0", fmt.Sprint(i), qos, uint16(i+1)))
				}
				a.must(all...)
				for range 200 * int(min(qos, 1)) {
					var k mqtt.Ack
					if err := mqtt.DecodeAck(&k, a.frame(), mqtt.V5); err != nil || k.Reason == mqtt.QuotaExceeded {
						t.Fatal(k, err)
					}
				}
				if k := &r.b.retAsked; k.names != nil || k.bytes != 0 {
					t.Errorf("%d names still wait", len(k.names))
				}
			})
		}
	}
}

// TestOpenIdentifiers is attack row 14: all 65,535 QoS 2 identifiers of a client that releases none take little, and
// there are no more.
func TestOpenIdentifiers(t *testing.T) {
	r := newRig(t, Limits{})
	a, _ := r.connect(connectPacket("a", mqtt.V311)) // which knows no Receive Maximum
	var got int
	for round := range 2 {
		for id := 1; id <= 0xFFFF; id += 255 {
			var all [][]byte
			for k := range 255 {
				m := msg("t", "x", 2, uint16(id+k))
				m.Dup = round > 0
				all = append(all, m.Append(nil, mqtt.V311))
			}
			a.must(all...)
			for range all {
				if f := a.frame(); f.Type() == mqtt.PUBREC {
					got++
				}
			}
		}
	}
	s := a.c.s
	if got != 2*0xFFFF || s.in.n != 0xFFFF || len(s.in.slots) > 1<<17 {
		t.Errorf("%d answers, %d open identifiers in %d places", got, s.in.n, len(s.in.slots))
	}
	for _, packet := range [][]byte{{0x34, 6, 0, 1, 't', 0, 0, 'x'}, {0x32, 6, 0, 1, 't', 0, 0, 'x'}, {0x82, 6, 0, 0, 0, 1, 't', 0}, {0x62, 2, 0, 0}, {0x40, 2, 0, 0}} {
		b, _ := r.connect(connectPacket("b", mqtt.V311))
		if err := b.send(packet); err == nil {
			t.Errorf("%x: identifier 0 was taken", packet)
		}
		b.gone()
	}
}

// TestPropertyBomb is attack row 15: thousands of user properties cost what their bytes cost, reach 5.0 in order and
// whole, and 3.1.1 not at all.
func TestPropertyBomb(t *testing.T) {
	r := newRig(t, Limits{MaxPacket: 1 << 20})
	a, five := r.simple("a"), r.simple("five")
	old, _ := r.connect(connectPacket("old", mqtt.V311))
	five.sub("t", 0)
	old.sub("t", 0)
	bomb := func(n int) []byte {
		m := msg("t", "x", 0, 0)
		for i := range n {
			v := fmt.Sprintf("%05d", i)
			m.Props.User = append(append(m.Props.User, 0x26, 0, 1, 'k', 0, 5), v...)
		}
		return m.Append(nil, mqtt.V5)
	}
	a.must(bomb(10_000))
	got := five.want("t", "x")
	if u := got.Props.User; len(u) != 10_000*11 || string(u[len(u)-5:]) != "09999" {
		t.Errorf("%d bytes of user properties", len(u))
	}
	old.want("t", "x")
	p := connectPacket("c", mqtt.V5)
	for range 5000 {
		p.UserProps = append(p.UserProps, mqtt.Pair{Key: "k", Value: "v"})
	}
	if _, err := r.try(p, Identity{User: "u"}); err != nil {
		t.Error(err)
	}
}
