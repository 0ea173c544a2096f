package broker

import (
	"bytes"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"tsunagi/internal/mqtt"
)

// rules are rights from functions; nil allows.
type rules struct {
	gen  *atomic.Uint64
	pub  func(topic string) bool
	sub  func(filter string) bool
	recv func(topic string) bool
}

func (r rules) Generation() uint64 {
	if r.gen == nil {
		return 1
	}
	return r.gen.Load()
}

func judge(f func(string) bool, s string) Verdict {
	if f == nil || f(s) {
		return Verdict{true, "allow"}
	}
	return Verdict{false, "deny " + s}
}

func (r rules) MayPublish(topic, _ string, _ byte, _ bool) Verdict { return judge(r.pub, topic) }
func (r rules) MaySubscribe(filter, _ string) Verdict              { return judge(r.sub, filter) }
func (r rules) MayReceive(topic, _ string) Verdict                 { return judge(r.recv, topic) }

func not(s string) func(string) bool { return func(x string) bool { return x != s } }

// reason is the code of the DISCONNECT that waits for the client.
func (p *peer) reason() mqtt.Reason {
	p.t.Helper()
	f := p.frame()
	if f.Type() != mqtt.DISCONNECT {
		p.t.Fatalf("got packet type %d, want DISCONNECT", f.Type())
	}
	d, err := mqtt.DecodeDisconnect(f, p.v)
	if err != nil {
		p.t.Fatal(err)
	}
	return d.Reason
}

func TestRefusedPackets(t *testing.T) {
	five := func(p mqtt.Publish) []byte { return p.Append(nil, mqtt.V5) }
	tests := []struct {
		spec   string
		packet []byte
		want   mqtt.Reason
	}{
		{"MQTT-3.3.2-2 wildcard in a name", five(msg("a/+", "", 0, 0)), mqtt.TopicNameInvalid},
		{"MQTT-1.5.4-1 not UTF-8", five(msg("a/\xff", "", 1, 1)), mqtt.TopicNameInvalid},
		{"MQTT-3.3.2-9 alias over the maximum", five(mqtt.Publish{Topic: []byte("a"), Props: mqtt.PublishProps{TopicAlias: 33}}), mqtt.TopicAliasInvalid},
		{"3.3.2.3.4 alias never set", five(mqtt.Publish{Props: mqtt.PublishProps{TopicAlias: 3}}), mqtt.ProtocolError},
		{"MQTT-3.3.4-6 subscription identifier from a client", five(mqtt.Publish{Topic: []byte("a"), Props: mqtt.PublishProps{SubscriptionIDs: []uint32{1}}}), mqtt.ProtocolError},
		{"MQTT-3.1.0-2 second CONNECT", connectPacket("x", mqtt.V5).Append(nil), mqtt.ProtocolError},
		{"MQTT-4.12.0-6 AUTH", (&mqtt.Auth{Reason: mqtt.ReAuthenticate, Method: "x"}).Append(nil), mqtt.ProtocolError},
		{"server's packet", []byte{0xD0, 0}, mqtt.ProtocolError},
		{"longer than 128 levels", five(msg(strings.Repeat("/", 200), "", 0, 0)), mqtt.TopicNameInvalid},
		{"longer than 4096 bytes", five(msg(strings.Repeat("x", 5000), "", 0, 0)), mqtt.TopicNameInvalid},
		{"MQTT-3.1.2-24 too large", []byte{0x30, 0x80, 0x80, 0x80, 0x01}, mqtt.PacketTooLarge},
		{"MQTT-3.3.1-4 QoS 3", []byte{0x36, 3, 0, 1, 'a'}, mqtt.MalformedPacket},
		{"3.14.2.2.2 session expiry raised from 0", (&mqtt.Disconnect{SessionExpiry: 5, HasSessionExpiry: true}).Append(nil, mqtt.V5), mqtt.ProtocolError},
	}
	for _, tt := range tests {
		t.Run(tt.spec, func(t *testing.T) {
			r := newRig(t, Limits{MaxPacket: 100_000})
			a := r.simple("a")
			if err := a.send(tt.packet); err == nil {
				t.Fatal("was accepted")
			}
			if got := a.reason(); got != tt.want {
				t.Errorf("reason %v, want %v", got, tt.want)
			}
			if err := a.send([]byte{0xC0, 0}); err == nil {
				t.Error("the connection went on")
			}
		})
	}
}

func TestAlias(t *testing.T) {
	r := newRig(t, Limits{})
	gen := &atomic.Uint64{}
	a, _ := r.connectAs(connectPacket("a", mqtt.V5), Identity{User: "u", Rights: rules{gen: gen, pub: not("secret")}})
	b := r.simple("b")
	b.sub("#", 0)
	set := msg("x/y", "1", 0, 0)
	set.Props.TopicAlias = 2
	use := msg("", "2", 0, 0)
	use.Props.TopicAlias = 2
	a.pub(set)
	a.pub(use)
	a.pub(use)
	b.want("x/y", "1")
	if m := b.want("x/y", "2"); m.Props.TopicAlias != 0 {
		t.Error("the alias of one connection was sent to another")
	}
	b.want("x/y", "2")
	set.Topic = []byte("secret") // the access list sees the real topic
	a.pub(set)
	use.QoS, use.PacketID = 1, 9
	a.pub(use)
	if k := a.wantAck(mqtt.PUBACK, 9); k.Reason != mqtt.NotAuthorized {
		t.Error(k.Reason)
	}
	b.nothing()
}

func TestDeniedPublish(t *testing.T) {
	tests := []struct {
		name    string
		v       mqtt.Version
		qos     byte
		topic   string
		closed  bool
		refusal mqtt.Type
	}{
		{"v5 QoS 0", mqtt.V5, 0, "secret", false, 0},
		{"v5 QoS 1", mqtt.V5, 1, "secret", false, mqtt.PUBACK},
		{"v5 QoS 2", mqtt.V5, 2, "secret", false, mqtt.PUBREC},
		{"v3 QoS 0", mqtt.V311, 0, "secret", false, 0},
		{"v3 QoS 1", mqtt.V311, 1, "secret", true, 0},
		{"v3 QoS 2", mqtt.V311, 2, "secret", true, 0},
		{"$SYS", mqtt.V5, 1, "$SYS/x", false, mqtt.PUBACK},
		{"$SYS v3", mqtt.V311, 0, "$SYS/x", false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, Limits{})
			a, _ := r.connectAs(connectPacket("a", tt.v), Identity{User: "u", Rights: rules{pub: not("secret")}})
			b := r.simple("b")
			b.sub("#", 2)
			b.sub("$SYS/x", 2)
			p := msg(tt.topic, "x", tt.qos, 5)
			err := a.send(p.Append(nil, tt.v))
			if (err != nil) != tt.closed {
				t.Fatalf("err %v", err)
			}
			if tt.refusal != 0 {
				if k := a.wantAck(tt.refusal, 5); k.Reason != mqtt.NotAuthorized || k.ReasonString == "" {
					t.Errorf("%+v", k)
				}
			}
			e, ok := r.event("denied")
			if !ok || e.Gate != "acl" || e.Rule == "" || e.Topic != tt.topic || e.Client != "a" {
				t.Errorf("event %+v", e)
			}
			b.nothing()
		})
	}
}

func TestRuleChangesHoldAtOnce(t *testing.T) {
	r := newRig(t, Limits{})
	gen := &atomic.Uint64{}
	var mayPub, mayRecv atomic.Bool
	mayPub.Store(true)
	mayRecv.Store(true)
	who := Identity{User: "u", Rights: rules{gen: gen, pub: func(string) bool { return mayPub.Load() }, recv: func(string) bool { return mayRecv.Load() }}}
	a, _ := r.connectAs(connectPacket("a", mqtt.V5), who)
	b, _ := r.connectAs(connectPacket("b", mqtt.V5), who)
	b.sub("t", 1)
	for qos := range byte(2) {
		a.pub(msg("t", "x", qos, 1))
		if qos == 1 {
			a.wantAck(mqtt.PUBACK, 1)
		}
		m := b.want("t", "x")
		if qos == 1 {
			b.ack(mqtt.PUBACK, m.PacketID)
		}
		mayRecv.Store(false)
		gen.Add(1)
		a.pub(msg("t", "hidden", qos, 2))
		if qos == 1 {
			a.wantAck(mqtt.PUBACK, 2)
		}
		b.nothing()
		mayRecv.Store(true)
		mayPub.Store(false)
		gen.Add(1)
		a.pub(msg("t", "refused", qos, 3))
		if qos == 1 {
			if k := a.wantAck(mqtt.PUBACK, 3); k.Reason != mqtt.NotAuthorized {
				t.Error(k.Reason)
			}
		}
		b.nothing()
		mayPub.Store(true)
		gen.Add(1)
	}
}

func TestReceiveMaximum(t *testing.T) {
	r := newRig(t, Limits{ReceiveMaximum: 3})
	a, ack := r.connect(connectPacket("a", mqtt.V5))
	if ack.ReceiveMaximum != 3 {
		t.Errorf("told %d", ack.ReceiveMaximum)
	}
	for id := range uint16(3) {
		a.pub(msg("t", "x", 2, id+1))
		a.wantAck(mqtt.PUBREC, id+1)
	}
	a.ack(mqtt.PUBREL, 2)
	a.wantAck(mqtt.PUBCOMP, 2)
	a.pub(msg("t", "x", 1, 9))
	a.wantAck(mqtt.PUBACK, 9)
	a.pub(msg("t", "x", 2, 10))
	a.wantAck(mqtt.PUBREC, 10)
	m := msg("t", "x", 2, 11)
	if err := a.send(m.Append(nil, mqtt.V5)); !errors.Is(err, mqtt.ReceiveMaximumExceeded) {
		t.Errorf("the fourth: %v", err)
	}
}

func TestWindowTowardsClient(t *testing.T) {
	r := newRig(t, Limits{})
	p := connectPacket("b", mqtt.V5)
	p.ReceiveMaximum = 2
	b, _ := r.connect(p)
	b.sub("t", 2)
	a := r.simple("a")
	for i := range 6 {
		qos := byte(1 + i%2)
		a.pub(msg("t", string(rune('0'+i)), qos, uint16(i+1)))
		a.frame()
	}
	m0, m1 := b.want("t", "0"), b.want("t", "1")
	b.nothing()
	b.ack(mqtt.PUBREC, m1.PacketID)
	b.wantAck(mqtt.PUBREL, m1.PacketID)
	b.nothing() // QoS 2 is open until PUBCOMP
	b.ack(mqtt.PUBACK, m0.PacketID)
	m2 := b.want("t", "2")
	b.nothing()
	b.ack(mqtt.PUBCOMP, m1.PacketID)
	m3 := b.want("t", "3")
	refused := (&mqtt.Ack{Type: mqtt.PUBREC, PacketID: m3.PacketID, Reason: mqtt.QuotaExceeded}).Append(nil, mqtt.V5)
	b.must(refused) // ends it
	m4 := b.want("t", "4")
	b.ack(mqtt.PUBACK, m2.PacketID)
	m5 := b.want("t", "5")
	b.ack(mqtt.PUBACK, m4.PacketID)
	b.ack(mqtt.PUBREC, m5.PacketID)
	b.wantAck(mqtt.PUBREL, m5.PacketID)
	b.ack(mqtt.PUBCOMP, m5.PacketID)
	b.nothing()
	if n := b.c.s.out.used; n != 0 {
		t.Errorf("%d identifiers are still in use", n)
	}
	b.ack(mqtt.PUBREC, 77) // one that was never used
	if k := b.wantAck(mqtt.PUBREL, 77); k.Reason != mqtt.PacketIdentifierNotFound {
		t.Error(k.Reason)
	}
	a.ack(mqtt.PUBREL, 78)
	if k := a.wantAck(mqtt.PUBCOMP, 78); k.Reason != mqtt.PacketIdentifierNotFound {
		t.Error(k.Reason)
	}
}

// TestVariants sends one message to receivers of every kind.
func TestVariants(t *testing.T) {
	for _, size := range []int{3, 3000} {
		for _, v := range []mqtt.Version{mqtt.V311, mqtt.V5} {
			for qos := range byte(3) {
				r := newRig(t, Limits{})
				a, _ := r.connect(connectPacket("a", v))
				old, _ := r.connect(connectPacket("old", mqtt.V311))
				old.sub("t", 1)
				plain := r.simple("plain")
				plain.sub("t", 2)
				rap := r.simple("rap")
				rap.subscribe(mqtt.Subscription{Filter: []byte("t"), QoS: 1, RetainAsPublished: true})
				ids := r.simple("ids")
				for i, f := range []string{"t", "#", "+"} {
					ids.must((&mqtt.Subscribe{PacketID: 9, SubscriptionID: uint32(i + 1), Filters: []mqtt.Subscription{{Filter: []byte(f), QoS: byte(i)}}}).Append(nil, mqtt.V5))
					ids.suback()
				}
				small := connectPacket("small", mqtt.V5)
				small.MaxPacket = 30
				tiny, _ := r.connect(small)
				tiny.sub("t", 1)

				m := msg("t", strings.Repeat("x", size), qos, 5)
				m.Retain = true
				m.Props = mqtt.PublishProps{HasExpiry: true, Expiry: 100, ContentType: []byte("text"), User: []byte{0x26, 0, 1, 'k', 0, 1, 'v'}}
				a.pub(m)
				want := func(p *peer, q byte, retain bool, n int, props bool) {
					t.Helper()
					g := p.want("t", string(m.Payload))
					if g.QoS != q || g.Retain != retain || len(g.Props.SubscriptionIDs) != n || g.Dup {
						t.Errorf("size %d v%d QoS %d: %+v", size, v, qos, g)
					}
					if props && v == mqtt.V5 && (string(g.Props.ContentType) != "text" || !bytes.Equal(g.Props.User, m.Props.User) || g.Props.Expiry != 100) {
						t.Errorf("properties %+v", g.Props)
					}
				}
				want(old, min(qos, 1), false, 0, false)
				want(plain, qos, false, 0, true)
				want(rap, min(qos, 1), true, 0, true)
				want(ids, qos, false, 3, true)
				if size > 30 {
					tiny.nothing()
					if _, ok := r.event("dropped"); !ok {
						t.Error("no event about the message that was too large")
					}
				}
				r.stop()
			}
		}
	}
}

func TestNoLocal(t *testing.T) {
	r := newRig(t, Limits{})
	a, b := r.simple("a"), r.simple("b")
	for _, p := range []*peer{a, b} {
		p.subscribe(mqtt.Subscription{Filter: []byte("t"), QoS: 1, NoLocal: true})
	}
	a.pub(msg("t", "0", 0, 0))
	a.pub(msg("t", "1", 1, 1))
	a.wantAck(mqtt.PUBACK, 1)
	a.nothing()
	b.want("t", "0")
	b.want("t", "1")
	a.subscribe(mqtt.Subscription{Filter: []byte("#"), QoS: 0}) // this one lets it through
	a.pub(msg("t", "2", 0, 0))
	if m := a.want("t", "2"); m.QoS != 0 {
		t.Error(m.QoS)
	}
	a.pub(msg("t", "3", 1, 2))
	if m := a.want("t", "3"); m.QoS != 0 {
		t.Error(m.QoS)
	}
	a.wantAck(mqtt.PUBACK, 2)
}

func TestRunAcrossKinds(t *testing.T) {
	r := newRig(t, Limits{})
	for _, v := range []mqtt.Version{mqtt.V311, mqtt.V5} {
		a, _ := r.connect(connectPacket("a", v))
		old, _ := r.connect(connectPacket("old", mqtt.V311))
		plain := r.simple("plain")
		small := connectPacket("small", mqtt.V5)
		small.MaxPacket = 20
		tiny, _ := r.connect(small)
		ids := r.simple("ids")
		ids.must((&mqtt.Subscribe{PacketID: 9, SubscriptionID: 200, Filters: []mqtt.Subscription{{Filter: []byte("t")}}}).Append(nil, mqtt.V5))
		ids.suback()
		for _, p := range []*peer{old, plain, tiny} {
			p.sub("t", 0)
		}
		for _, sizes := range [][]int{{1, 2, 3}, {1, 200, 20000, 5}, {126, 127, 128, 129, 16383, 16384}} {
			var buf []byte
			for _, n := range sizes {
				m := msg("t", strings.Repeat("y", n), 0, 0)
				buf = m.Append(buf, v)
			}
			a.must(buf)
			for _, p := range []*peer{old, plain, ids, tiny} {
				for _, n := range sizes {
					if p == tiny && n > 10 {
						continue
					}
					if m := p.wantPublish(); len(m.Payload) != n {
						t.Errorf("%s got %d bytes, want %d", p.c.ID(), len(m.Payload), n)
					}
				}
				p.nothing()
			}
		}
	}
}
