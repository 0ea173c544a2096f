package broker

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tsunagi/internal/mqtt"
)

func TestSubscribeReasons(t *testing.T) {
	for _, v := range []mqtt.Version{mqtt.V311, mqtt.V5} {
		r := newRig(t, Limits{Subscriptions: 3})
		a, _ := r.connectAs(connectPacket("a", v), Identity{User: "u", Rights: rules{sub: not("secret/#")}})
		one := func(filter string, qos byte) mqtt.Subscription {
			return mqtt.Subscription{Filter: []byte(filter), QoS: qos}
		}
		got := a.subscribe(one("ok", 2), one("a/#/b", 0), one("secret/#", 1), one("$share/g+/t", 1), one("b", 1), one("ok", 0),
			one("c", 0), one(strings.Repeat("x", 5000), 0))
		want := []mqtt.Reason{mqtt.GrantedQoS2, mqtt.TopicFilterInvalid, mqtt.NotAuthorized, mqtt.GrantedQoS1, mqtt.GrantedQoS1, 0, 0, mqtt.TopicFilterInvalid}
		want[3] = mqtt.TopicFilterInvalid
		for i := range want {
			if v != mqtt.V5 && want[i].Failed() {
				want[i] = mqtt.UnspecifiedError
			}
			if got[i] != want[i] {
				t.Errorf("v%d filter %d: %v, want %v", v, i, got[i], want[i])
			}
		}
		if got := a.subscribe(one("d", 0))[0]; !got.Failed() {
			t.Errorf("a fourth subscription: %v", got)
		}
		if e, ok := r.event("denied"); !ok || e.Gate == "" || e.Cause == "" {
			t.Errorf("%+v", e)
		}
		packet := (&mqtt.Unsubscribe{PacketID: 4, Filters: [][]byte{[]byte("ok"), []byte("never")}}).Append(nil, v)
		a.must(packet)
		f := a.frame()
		k, err := mqtt.DecodeSuback(f, v)
		if err != nil || k.Type != mqtt.UNSUBACK || k.PacketID != 4 {
			t.Fatal(k, err)
		}
		if v == mqtt.V5 && (k.Reasons[0] != mqtt.Success || k.Reasons[1] != mqtt.NoSubscriptionExisted) {
			t.Error(k.Reasons)
		}
		a.pub(msg("ok", "x", 0, 0))
		a.nothing()
		if n := r.b.Stats().Subscriptions; n != 2 {
			t.Errorf("%d subscriptions", n)
		}
	}
}

func TestOverlap(t *testing.T) {
	r := newRig(t, Limits{})
	a, _ := r.connect(connectPacket("a", mqtt.V311))
	a.sub("t/#", 0)
	a.sub("t/+", 1)
	a.pub(msg("t/1", "x", 1, 1))
	if m := a.want("t/1", "x"); m.QoS != 1 {
		t.Error(m.QoS)
	}
	a.wantAck(mqtt.PUBACK, 1)
	a.nothing() // once
}

func TestSystemTopicsAreHidden(t *testing.T) {
	r := newRig(t, Limits{})
	a := r.simple("a")
	a.sub("#", 0)
	a.sub("+/x", 0)
	if err := r.b.Publish(t.Context(), "$SYS/x", []byte("1"), 0, false); err != nil {
		t.Fatal(err)
	}
	a.nothing()
	a.sub("$SYS/x", 0)
	if err := r.b.Publish(t.Context(), "$SYS/x", []byte("2"), 0, false); err != nil {
		t.Fatal(err)
	}
	a.want("$SYS/x", "2")
}

func TestRetainHandling(t *testing.T) {
	r := newRig(t, Limits{})
	a := r.simple("a")
	for i := range 3 {
		m := msg(fmt.Sprint("r/", i), "x", 1, 1)
		m.Retain = true
		a.pub(m)
		a.wantAck(mqtt.PUBACK, 1)
	}
	gone := msg("r/1", "", 0, 0)
	gone.Retain = true
	a.pub(gone)
	sub := func(handling byte) {
		a.subscribe(mqtt.Subscription{Filter: []byte("r/+"), QoS: 0, RetainHandling: handling})
	}
	sub(2)
	a.nothing()
	sub(1) // not new
	a.nothing()
	sub(0)
	a.want("r/0", "x")
	a.want("r/2", "x")
	a.nothing()
	b := r.simple("b")
	b.must((&mqtt.Subscribe{PacketID: 1, SubscriptionID: 7, Filters: []mqtt.Subscription{{Filter: []byte("r/0"), QoS: 2, RetainHandling: 1}}}).Append(nil, mqtt.V5))
	b.suback()
	if m := b.want("r/0", "x"); !m.Retain || m.QoS != 1 || len(m.Props.SubscriptionIDs) != 1 || m.Props.SubscriptionIDs[0] != 7 {
		t.Errorf("%+v", m)
	}
}

// TestRetainedOverOutbox replays more than the outbox holds to a client that begins by not reading.
func TestRetainedOverOutbox(t *testing.T) {
	for _, qos := range []byte{0, 1} {
		r := newRig(t, Limits{OutboxBytes: 2000})
		a := r.simple("a")
		const n = 1000
		for i := range n {
			m := msg(fmt.Sprintf("r/%04d", i), strings.Repeat("x", 50), 1, 1)
			m.Retain = true
			a.pub(m)
			a.wantAck(mqtt.PUBACK, 1)
		}
		b := r.simple("b")
		b.setStuck(true)
		b.must((&mqtt.Subscribe{PacketID: 99, Filters: []mqtt.Subscription{{Filter: []byte("r/#"), QoS: qos}}}).Append(nil, mqtt.V5))
		if got := b.c.Outbox().Len(); got > 2100 {
			t.Errorf("%d bytes wait", got)
		}
		b.setStuck(false)
		b.Flush()
		b.suback()
		for i := range n {
			m := b.want(fmt.Sprintf("r/%04d", i), strings.Repeat("x", 50))
			if qos > 0 {
				b.ack(mqtt.PUBACK, m.PacketID)
			}
		}
		b.nothing()
	}
}

func (p *peer) setStuck(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stuck = on
}

func TestRetainedLimits(t *testing.T) {
	r := newRig(t, Limits{RetainedMessages: 2})
	a := r.simple("a")
	put := func(topic string, v mqtt.Reason) {
		t.Helper()
		m := msg(topic, "x", 1, 1)
		m.Retain = true
		a.pub(m)
		if k := a.wantAck(mqtt.PUBACK, 1); k.Reason != v {
			t.Errorf("%s: %v, want %v", topic, k.Reason, v)
		}
	}
	put("a", mqtt.NoMatchingSubscribers)
	put("b", mqtt.NoMatchingSubscribers)
	put("c", mqtt.QuotaExceeded)
	put("a", mqtt.NoMatchingSubscribers) // replaces
	m := msg("a", "", 1, 1)
	m.Retain = true
	a.pub(m)
	a.wantAck(mqtt.PUBACK, 1)
	put("c", mqtt.NoMatchingSubscribers)
	if e, ok := r.event("refused"); !ok || e.Gate != "limits" || e.Topic != "c" {
		t.Errorf("%+v", e)
	}
}

func TestRetainedSourceRevoked(t *testing.T) {
	mayPub := true
	store := newMemStore()
	r := rigOn(t, store, Options{Rights: func(user string) (Rights, bool) {
		if user == "gone" {
			return nil, false
		}
		return rules{pub: func(string) bool { return mayPub }}, true
	}})
	for _, user := range []string{"gone", "here"} {
		a, _ := r.connectAs(connectPacket("a", mqtt.V5), Identity{User: user})
		m := msg(user, "x", 1, 1)
		m.Retain = true
		a.pub(m)
		a.wantAck(mqtt.PUBACK, 1)
	}
	b := r.simple("b")
	b.sub("#", 0)
	b.want("here", "x")
	b.nothing()
	mayPub = false
	b.sub("#", 0)
	b.nothing()
}

func TestSystemNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigOn(t, newMemStore(), Options{Node: "tsunagi test"})
		a := r.simple("a")
		a.sub("$SYS/broker/clients/#", 0)
		for range 3 {
			a.want("$SYS/broker/clients/connected", "1")
			a.want("$SYS/broker/clients/disconnected", "0")
			a.want("$SYS/broker/clients/active", "1")
			a.want("$SYS/broker/clients/inactive", "0")
			a.want("$SYS/broker/clients/total", "1")
			begin := time.Now()
			if a.nothing(); time.Since(begin) > time.Second {
				t.Error("the numbers keep the clock busy")
			}
			time.Sleep(systemEvery)
		}
		a.gone()
		time.Sleep(2 * systemEvery)
		if r.b.system.subs != 0 {
			t.Error(r.b.system.subs)
		}
		r.stop()
	})
}
