package broker

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

func TestSharedTurns(t *testing.T) {
	r := newRig(t, Limits{})
	a := r.simple("a")
	m := msg("t", "kept", 1, 1)
	m.Retain = true
	a.pub(m)
	a.wantAck(mqtt.PUBACK, 1)
	var members []*peer
	for i := range 3 {
		p := r.simple(fmt.Sprint("m", i))
		p.must((&mqtt.Subscribe{PacketID: 9, SubscriptionID: uint32(i + 1), Filters: []mqtt.Subscription{{Filter: []byte("$share/g/t"), QoS: byte(i)}}}).Append(nil, mqtt.V5))
		p.suback()
		p.nothing() // no retained messages for shared subscriptions
		members = append(members, p)
	}
	other := r.simple("other")
	other.sub("$share/h/#", 0)
	all := r.simple("all")
	all.sub("t", 0)
	all.want("t", "kept")
	for qos := range byte(3) {
		for i := range 6 {
			a.pub(msg("t", fmt.Sprint(i), qos, uint16(i+1)))
			if qos > 0 {
				a.frame()
			}
			other.want("t", fmt.Sprint(i))
			all.want("t", fmt.Sprint(i))
		}
		for i, p := range members {
			for range 2 {
				g := p.wantPublish()
				if g.QoS != min(qos, byte(i)) || !slices.Equal(g.Props.SubscriptionIDs, []uint32{uint32(i + 1)}) || g.Retain {
					t.Errorf("%+v", g)
				}
				switch g.QoS {
				case 1:
					p.ack(mqtt.PUBACK, g.PacketID)
				case 2:
					p.ack(mqtt.PUBREC, g.PacketID)
				}
			}
		}
	}
	var run []byte // consecutive messages go to members in turn, too
	for i := range 9 {
		g := msg("t", fmt.Sprint(i), 0, 0)
		run = g.Append(run, mqtt.V5)
	}
	a.must(run)
	for _, p := range members {
		for n := 0; n < 3; {
			if f := p.frame(); f.Type() == mqtt.PUBLISH {
				n++
			}
		}
	}
	members[0].gone()
	members[1].must((&mqtt.Unsubscribe{PacketID: 1, Filters: [][]byte{[]byte("$share/g/t")}}).Append(nil, mqtt.V5))
	members[1].frame()
	a.pub(msg("t", "last", 0, 0))
	for {
		if f := members[2].frame(); f.Type() == mqtt.PUBLISH {
			break
		}
	}
	members[2].gone()
	if n := len(r.b.groups); n != 1 {
		t.Errorf("%d groups are left", n)
	}
}

// TestSharedGoesBack: what a member has not acknowledged goes to another when it goes; what is slow waits for all.
func TestSharedGoesBack(t *testing.T) {
	for _, persistent := range []bool{false, true} {
		r := newRig(t, Limits{})
		connect := func(id string) *peer {
			p := connectPacket(id, mqtt.V5)
			if persistent {
				p = persistentPacket(id, mqtt.V5)
			}
			p.ReceiveMaximum = 3
			q, _ := r.connect(p)
			q.sub("$share/g/#", 1)
			return q
		}
		x, y := connect("x"), connect("y")
		a := r.simple("a")
		for i := range 20 {
			a.pub(msg("t", fmt.Sprint(i), 1, uint16(i+1)))
			a.wantAck(mqtt.PUBACK, uint16(i+1))
		}
		for range 3 {
			x.wantPublish()
		}
		x.nothing() // its window is full
		var got []string
		for len(got) < 20 {
			if len(got) == 17 { // the other has nothing to do any more
				y.nothing()
				x.gone()
			}
			m := y.wantPublish()
			got = append(got, string(m.Payload))
			y.ack(mqtt.PUBACK, m.PacketID)
		}
		y.nothing()
		slices.Sort(got)
		if got = slices.Compact(got); len(got) != 20 {
			t.Errorf("persistent %v: got %v", persistent, got)
		}
		r.waitWrites()
		if n := r.b.backlog.lowest(); n != 0 {
			t.Errorf("offset %d is still owed", n)
		}
	}
}

func TestSharedDenied(t *testing.T) {
	r := newRig(t, Limits{})
	x, _ := r.connectAs(connectPacket("x", mqtt.V5), Identity{User: "x", Rights: rules{recv: not("secret")}})
	y := r.simple("y")
	for _, p := range []*peer{x, y} {
		p.sub("$share/g/#", 1)
	}
	a := r.simple("a")
	for i := range 6 {
		a.pub(msg("secret", fmt.Sprint(i), byte(i%2), 1))
		y.want("secret", fmt.Sprint(i))
	}
	x.nothing()
	denied, _ := r.connectAs(connectPacket("d", mqtt.V5), Identity{User: "d", Rights: rules{sub: not("secret")}})
	if got := denied.subscribe(mqtt.Subscription{Filter: []byte("$share/g/secret")}); got[0] != mqtt.NotAuthorized {
		t.Error(got) // the rules see the filter without its group
	}
}

// TestSharedModel: members of groups come and go and the server crashes: of what was published while somebody persistent
// was a member nothing is lost, and QoS 2 comes once.
func TestSharedModel(t *testing.T) {
	runs := 60
	if n, err := strconv.Atoi(os.Getenv("MODEL_RUNS")); err == nil { // make torture
		runs = n
	}
	for seed := range runs {
		store := newMemStore()
		if seed%2 == 0 {
			store.bodies, store.carryLag = 1000, 5
		}
		m := &sharedModel{t: t, seed: seed, rng: rand.New(rand.NewPCG(uint64(seed), 3)), r: rigOn(t, store, Options{Limits: Limits{OutboxBytes: 3000}}),
			peers: map[string]*peer{}, recs: map[string]map[uint16]string{}, got: map[string]int{}, want: map[string]byte{}}
		for _, id := range []string{"a", "b", "c"} { // always members
			m.connect(id)
			m.peers[id].sub("$share/g/t/#", 2)
		}
		for range 200 {
			m.step()
		}
		m.finish()
		m.r.stop()
		if t.Failed() {
			return
		}
	}
}

type sharedModel struct {
	t     *testing.T
	seed  int
	rng   *rand.Rand
	r     *rig
	peers map[string]*peer
	recs  map[string]map[uint16]string // identifiers that a member has answered with PUBREC
	got   map[string]int
	want  map[string]byte
	n     int
}

func (m *sharedModel) connect(id string) {
	p := persistentPacket(id, mqtt.V5)
	p.ReceiveMaximum = uint16(1 + m.rng.IntN(5))
	q, ack := m.r.connect(p)
	if !ack.SessionPresent {
		m.recs[id] = map[uint16]string{}
	}
	m.peers[id] = q
}

func (m *sharedModel) step() {
	id := string(rune('a' + m.rng.IntN(3)))
	p := m.peers[id]
	switch n := m.rng.IntN(20); {
	case p == nil:
		if n < 10 {
			m.connect(id)
		}
	case n < 9:
		m.n++
		qos := byte(m.rng.IntN(3))
		payload := fmt.Sprint(m.n) + strings.Repeat(" ", m.rng.IntN(2)*1200)
		if qos > 0 {
			m.want[payload] = qos
		}
		pub := m.r.simple("pub")
		pub.pub(msg("t/x", payload, qos, 1))
		if qos > 0 {
			pub.frame()
		}
		pub.gone()
	case n < 11:
		p.gone()
		m.peers[id] = nil
	case n < 12:
		m.r.waitWrites()
	case n < 13 && m.rng.IntN(3) == 0:
		m.r = m.r.restart()
		for id := range m.peers {
			m.peers[id] = nil
		}
	default:
		m.read(id, m.rng.IntN(3) > 0)
	}
}

func (m *sharedModel) read(id string, answer bool) {
	p := m.peers[id]
	for {
		f, ok := p.next(0)
		if !ok {
			return
		}
		switch f.Type() {
		case mqtt.PUBLISH:
			var g mqtt.Publish
			if err := mqtt.DecodePublish(&g, f, mqtt.V5); err != nil {
				m.t.Fatal(err)
			}
			payload := string(g.Payload)
			if g.QoS == 2 {
				if m.recs[id][g.PacketID] == payload {
					if answer {
						p.ack(mqtt.PUBREC, g.PacketID)
					}
					continue
				}
				m.recs[id][g.PacketID] = payload
			}
			if m.got[payload]++; g.QoS == 2 && m.got[payload] > 1 || m.want[payload] != g.QoS && g.QoS > 0 {
				m.t.Errorf("seed %d: %s got %s QoS %d for the %d. time", m.seed, id, strings.TrimSpace(payload), g.QoS, m.got[payload])
			}
			if answer && g.QoS == 1 {
				p.ack(mqtt.PUBACK, g.PacketID)
			} else if answer && g.QoS == 2 {
				p.ack(mqtt.PUBREC, g.PacketID)
			}
		case mqtt.PUBREL:
			var k mqtt.Ack
			_ = mqtt.DecodeAck(&k, f, mqtt.V5)
			delete(m.recs[id], k.PacketID)
			if answer {
				p.ack(mqtt.PUBCOMP, k.PacketID)
			}
		}
	}
}

func (m *sharedModel) finish() {
	for id, p := range m.peers { // what was read and never answered is asked for again on a new connection
		if p != nil {
			p.gone()
		}
		m.connect(id)
	}
	missing := func() (list []string) {
		for payload := range m.want {
			if m.got[payload] == 0 {
				list = append(list, strings.TrimSpace(payload))
			}
		}
		slices.Sort(list)
		return list
	}
	end := time.Now().Add(time.Minute)
	for quiet := 0; quiet < 3 && time.Now().Before(end); quiet++ {
		for id := range m.peers {
			m.read(id, true)
		}
		m.r.waitWrites()
		if len(missing()) > 0 || m.r.b.backlog.lowest() != 0 {
			quiet = 0
		}
	}
	if list := missing(); len(list) > 0 {
		m.t.Errorf("seed %d: missing %v", m.seed, list)
	}
	if n := m.r.b.backlog.lowest(); n != 0 {
		m.t.Errorf("seed %d: offset %d is still owed", m.seed, n)
	}
}

// TestSharedDeniedDoesNotBlock is attack row 10: a message that no member may receive goes, and what is behind it comes;
// one that an absent member may receive waits for that one.
func TestSharedDeniedDoesNotBlock(t *testing.T) {
	denied, all := rules{recv: not("secret")}, rules{}
	r := rigOn(t, newMemStore(), Options{Rights: func(user string) (Rights, bool) {
		if user == "all" {
			return all, true
		}
		return denied, true
	}})
	pub := r.simple("pub")
	send := func(topic, payload string) {
		t.Helper()
		pub.pub(msg(topic, payload, 1, 1))
		pub.wantAck(mqtt.PUBACK, 1)
	}
	x, _ := r.connectAs(connectPacket("x", mqtt.V5), Identity{User: "x", Rights: denied})
	x.sub("$share/g/#", 1)
	take := func(payload string) {
		t.Helper()
		x.ack(mqtt.PUBACK, x.want("open", payload).PacketID)
	}
	for i := range 20 {
		send("secret", "never")
		send("open", fmt.Sprint(i))
		take(fmt.Sprint(i))
	}
	away, _ := r.connectAs(persistentPacket("away", mqtt.V5), Identity{User: "y", Rights: denied})
	away.sub("$share/g/#", 1)
	away.gone()
	send("secret", "never")
	send("open", "with one away")
	take("with one away")

	may, _ := r.connectAs(persistentPacket("may", mqtt.V5), Identity{User: "all", Rights: all})
	may.sub("$share/g/#", 1)
	may.gone()
	send("secret", "for the one who may")
	may, _ = r.connectAs(persistentPacket("may", mqtt.V5), Identity{User: "all", Rights: all})
	may.want("secret", "for the one who may")
	if e, ok := r.event("dropped"); !ok || e.Rule != "acl" {
		t.Errorf("%+v", e)
	}
}
