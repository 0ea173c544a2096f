package broker

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
	"tsunagi/internal/topic"
)

// TestModel runs random clients against a broker and against a reference that keeps lists: what each session must get,
// what it may get, how often and in which order, across disconnections, takeovers and crashes.
func TestModel(t *testing.T) {
	runs, steps := 150, 250
	if testing.Short() {
		runs = 20
	}
	if n, err := strconv.Atoi(os.Getenv("MODEL_RUNS")); err == nil { // make torture
		runs = n
	}
	first := 0
	if n, err := strconv.Atoi(os.Getenv("MODEL_SEED")); err == nil { // that one alone
		first, runs = n, n+1
	}
	for seed := first; seed < runs; seed++ {
		store := newMemStore()
		if seed%2 == 0 { // bodies are read back, and old messages carried forward
			store.bodies, store.carryLag = 2000, 6
		}
		fast := seed%4 == 3 // crashes come after the second that may be lost
		m := &model{t: t, rng: rand.New(rand.NewPCG(uint64(seed), 7)), seed: seed, fast: fast,
			kept: map[string]string{}}
		m.r = rigOn(t, store, Options{Limits: Limits{OutboxBytes: 4000, Fast: fast}, Now: func() time.Time { return time.Now().Add(time.Duration(m.passed.Load())) }})
		for i := range 5 {
			m.clients = append(m.clients, &modelClient{id: fmt.Sprint("c", i), v: []mqtt.Version{mqtt.V311, mqtt.V5}[m.rng.IntN(2)]})
		}
		for range steps {
			m.step()
			if t.Failed() {
				return
			}
		}
		m.finish()
		m.r.stop()
		if t.Failed() {
			return
		}
	}
}

type model struct {
	t       *testing.T
	rng     *rand.Rand
	seed    int
	fast    bool
	r       *rig
	passed  atomic.Int64      // nanoseconds that the broker's clock is ahead
	kept    map[string]string // topic -> retained payload
	clients []*modelClient
	next    int
	trace   []string
}

// modelClient is one client id with the reference of its session.
type modelClient struct {
	id         string
	v          mqtt.Version
	p          *peer // nil: not connected
	persistent bool
	subs       map[string]byte
	want       map[string]byte // payload -> QoS that it is owed with
	got        map[string]int
	last       map[string]int // publisher, topic and QoS -> number of the last message
	unacked    []mqtt.Frame   // answers that are held back
	recs       map[uint16]bool
	resumed    bool            // since the last connection: duplicates of QoS 1 may come
	absent     map[string]bool // payloads that expire and were published while it was away, so that nobody has sent them to it
	dead       map[string]bool // those that have expired
}

var modelTopics = []string{"a", "a/b", "a/b/c", "d"}

var modelFilters = []string{"a", "a/#", "+/b", "#", "d", "a/+/c"}

func (m *model) failf(c *modelClient, format string, args ...any) {
	m.t.Helper()
	m.t.Errorf("seed %d, client %s: %s\n%s", m.seed, c.id, fmt.Sprintf(format, args...), strings.Join(m.trace[max(0, len(m.trace)-60):], "\n"))
}

func (m *model) note(format string, args ...any) {
	m.trace = append(m.trace, fmt.Sprintf(format, args...))
}

func (m *model) step() {
	c := m.clients[m.rng.IntN(len(m.clients))]
	switch n := m.rng.IntN(100); {
	case c.p == nil && n < 60:
		m.connect(c, m.rng.IntN(3) > 0, m.rng.IntN(5) == 0)
	case c.p == nil:
	case n < 45:
		m.publish(c)
	case n < 60:
		m.subscribe(c)
	case n < 65:
		m.unsubscribe(c)
	case n < 72:
		m.drop(c)
	case n < 74: // takeover
		m.connect(c, m.rng.IntN(3) > 0, m.rng.IntN(5) == 0)
	case n < 75:
		m.crash()
	case n < 76:
		m.age()
	case n < 78: // cursors are written, the log is trimmed
		m.r.waitWrites()
	default:
		m.read(c, m.rng.IntN(3) > 0)
	}
}

func (c *modelClient) forget() {
	c.subs, c.want, c.got, c.last = map[string]byte{}, map[string]byte{}, map[string]int{}, map[string]int{}
	c.recs = map[uint16]bool{}
	c.absent, c.dead = map[string]bool{}, map[string]bool{}
}

func (m *model) connect(c *modelClient, persistent, clean bool) {
	m.note("%s connects persistent %v clean %v", c.id, persistent, clean)
	m.lost(c)
	p := connectPacket(c.id, c.v)
	if persistent {
		p = persistentPacket(c.id, c.v)
		p.Clean = clean && c.v == mqtt.V5
	}
	q, ack := m.r.connect(p)
	if want := c.persistent && !p.Clean; ack.SessionPresent != want {
		m.failf(c, "session present %v, want %v", ack.SessionPresent, want)
	}
	if !ack.SessionPresent {
		c.forget()
	}
	c.p, c.persistent, c.resumed = q, persistent, true
	clear(c.absent)
}

// age lets more time pass than any message that expires has: what nobody could be sent must not come any more, and what
// may be on its way may come or not.
func (m *model) age() {
	m.note("time passes")
	m.passed.Add(2 * modelExpiry * int64(time.Second))
	for _, c := range m.clients {
		for payload := range c.absent {
			c.dead[payload] = true
			delete(c.want, payload)
		}
		clear(c.absent)
		for payload, qos := range c.want {
			if strings.HasSuffix(payload, modelExpires) {
				c.want[payload] = qos | 0x80
			}
		}
	}
}

const (
	modelExpiry  = 1000 // seconds
	modelExpires = "!"  // ends a payload that expires
)

// lost is the end of a connection without a word.
func (m *model) lost(c *modelClient) {
	c.unacked = nil
	if c.p == nil {
		return
	}
	c.p = nil
	if !c.persistent {
		c.forget()
	}
}

func (m *model) drop(c *modelClient) {
	m.note("%s goes", c.id)
	if m.rng.IntN(2) == 0 {
		c.p.gone()
	} else {
		c.p.disconnect()
	}
	m.lost(c)
}

func (m *model) crash() {
	m.note("crash")
	if m.fast {
		m.r.waitWrites()
	}
	for _, c := range m.clients {
		m.lost(c)
	}
	m.r = m.r.restart()
}

func (m *model) subscribe(c *modelClient) {
	f, qos := modelFilters[m.rng.IntN(len(modelFilters))], byte(m.rng.IntN(3))
	if old, ok := c.subs[f]; ok { // the same QoS: what is queued is matched again after a crash
		qos = old
	}
	m.note("%s subscribes %s %d", c.id, f, qos)
	c.p.must((&mqtt.Subscribe{PacketID: 9, Filters: []mqtt.Subscription{{Filter: []byte(f), QoS: qos}}}).Append(nil, c.v))
	m.await(c, mqtt.SUBACK)
	c.subs[f] = qos
}

func (m *model) unsubscribe(c *modelClient) {
	f := modelFilters[m.rng.IntN(len(modelFilters))]
	m.note("%s unsubscribes %s", c.id, f)
	c.p.must((&mqtt.Unsubscribe{PacketID: 9, Filters: [][]byte{[]byte(f)}}).Append(nil, c.v))
	m.await(c, mqtt.UNSUBACK)
	if _, ok := c.subs[f]; !ok {
		return
	}
	delete(c.subs, f)
	for payload, qos := range c.want { // what is not sent yet may come or not
		if c.got[payload] == 0 {
			c.want[payload] = qos | 0x80
		}
	}
}

func (m *model) publish(c *modelClient) {
	m.next++
	name, qos := modelTopics[m.rng.IntN(len(modelTopics))], byte(m.rng.IntN(3))
	payload := fmt.Sprintf("%s %s %d", c.id, name, m.next)
	if m.rng.IntN(4) == 0 {
		payload += strings.Repeat(" ", 1500)
	}
	expires := c.v == mqtt.V5 && m.rng.IntN(4) == 0
	if expires {
		payload += " " + modelExpires
	}
	retain := qos > 0 && !expires && m.rng.IntN(5) == 0 // QoS 0 promises nothing about what is retained
	if retain {
		m.kept[name] = payload
	}
	m.note("%s publishes %.20s QoS %d", c.id, payload, qos)
	for _, s := range m.clients {
		best, match := byte(0), false
		for f, q := range s.subs {
			if topic.Match(f, name) {
				best, match = max(best, q), true
			}
		}
		switch best = min(best, qos); {
		case !match:
		case best == 0: // may be dropped when the outbox is full
			if s.p != nil {
				s.want[payload] = 0x80
			}
		case s.p != nil || s.persistent:
			s.want[payload] = best
			if expires && s.p == nil {
				s.absent[payload] = true
			}
		}
	}
	p := msg(name, payload, qos, 5)
	p.Retain = retain
	if expires {
		p.Props.HasExpiry, p.Props.Expiry = true, modelExpiry
	}
	c.p.pub(p)
	switch qos {
	case 1:
		m.await(c, mqtt.PUBACK)
	case 2:
		m.await(c, mqtt.PUBREC)
		c.p.ack(mqtt.PUBREL, 5)
		m.await(c, mqtt.PUBCOMP)
	}
}

// await reads until the answer comes; messages on the way are taken as always.
func (m *model) await(c *modelClient, kind mqtt.Type) {
	for {
		f := c.p.frame()
		if f.Type() == kind {
			return
		}
		m.take(c, f, m.rng.IntN(2) == 0)
	}
}

// read takes what has come and perhaps answers it.
func (m *model) read(c *modelClient, answer bool) {
	if answer {
		held := c.unacked
		c.unacked = nil
		for _, f := range held {
			m.answer(c, f)
		}
	}
	for {
		f, ok := c.p.next(0)
		if !ok {
			return
		}
		m.take(c, f, answer)
	}
}

func (m *model) take(c *modelClient, f mqtt.Frame, answer bool) {
	if f.Type() == mqtt.PUBLISH {
		m.receive(c, f)
	}
	if !answer || len(c.unacked) > 0 {
		c.unacked = append(c.unacked, f)
		return
	}
	m.answer(c, f)
}

func (m *model) receive(c *modelClient, f mqtt.Frame) {
	var p mqtt.Publish
	if err := mqtt.DecodePublish(&p, f, c.v); err != nil {
		m.failf(c, "%v", err)
		return
	}
	payload := string(p.Payload)
	m.note("%s gets %.20s QoS %d id %d dup %v", c.id, payload, p.QoS, p.PacketID, p.Dup)
	if p.QoS == 2 && c.recs[p.PacketID] {
		if !p.Dup {
			m.failf(c, "identifier %d used again before its release", p.PacketID)
		}
		return // the protocol's own way to know a duplicate
	}
	if p.QoS == 2 {
		c.recs[p.PacketID] = true
	}
	if p.Retain { // sent because of a subscription; finish looks whether all are kept
		return
	}
	want, ok := c.want[payload]
	if c.dead[payload] {
		m.failf(c, "got %.20s, which has expired", payload)
		return
	}
	if !ok {
		m.failf(c, "got %.20s, which it must not", payload)
		return
	}
	if want&0x80 == 0 && want != p.QoS {
		m.failf(c, "got %.20s with QoS %d, want %d", payload, p.QoS, want)
	}
	c.got[payload]++
	if c.got[payload] > 1 && (p.QoS != 1 || !p.Dup || !c.resumed) {
		m.failf(c, "got %.20s QoS %d dup %v again", payload, p.QoS, p.Dup)
	}
	if p.Dup {
		return
	}
	var from, name string
	var n int
	_, _ = fmt.Sscan(payload, &from, &name, &n)
	key := fmt.Sprint(from, name, p.QoS)
	if c.last[key] > n {
		m.failf(c, "got %.20s after %d", payload, c.last[key])
	}
	c.last[key] = n
}

func (m *model) answer(c *modelClient, f mqtt.Frame) {
	switch f.Type() {
	case mqtt.PUBLISH:
		var p mqtt.Publish
		_ = mqtt.DecodePublish(&p, f, c.v)
		if p.QoS == 1 {
			c.p.ack(mqtt.PUBACK, p.PacketID)
		} else if p.QoS == 2 {
			c.p.ack(mqtt.PUBREC, p.PacketID)
		}
	case mqtt.PUBREL:
		var a mqtt.Ack
		_ = mqtt.DecodeAck(&a, f, c.v)
		delete(c.recs, a.PacketID)
		c.p.ack(mqtt.PUBCOMP, a.PacketID)
	}
}

func (c *modelClient) missing() []string {
	var list []string
	for payload, want := range c.want {
		if want&0x80 == 0 && c.got[payload] == 0 {
			list = append(list, strings.TrimSpace(payload))
		}
	}
	slices.Sort(list)
	return list
}

// busy is how many messages the broker still has for a connected client.
func (c *modelClient) busy() int {
	if c.p == nil {
		return 0
	}
	s := c.p.c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	n := int(s.out.used) + s.queue.len()
	for r := s.replays; r != nil; r = r.next {
		n++
	}
	return n
}

// finish reads everything to the end and looks for what is missing.
func (m *model) finish() {
	for _, c := range m.clients {
		if c.p == nil && c.persistent {
			m.connect(c, true, false)
		}
	}
	for quiet, end := 0, time.Now().Add(time.Minute); quiet < 3 && time.Now().Before(end); { // there may be more to come
		n := len(m.trace)
		for _, c := range m.clients {
			if c.p != nil {
				m.read(c, true)
			}
			if len(c.missing()) > 0 || c.busy() > 0 {
				quiet = 0
			}
		}
		m.r.waitWrites()
		if quiet++; n != len(m.trace) {
			quiet = 0
		}
	}
	for _, c := range m.clients {
		if missing := c.missing(); len(missing) > 0 {
			m.failf(c, "missing: %s", missing)
		}
		if n := c.busy(); n > 0 {
			m.failf(c, "%d messages are not done", n)
		}
	}
	m.checkKept()
	if n := m.r.b.backlog.lowest(); n != 0 {
		m.t.Errorf("seed %d: offset %d is still owed\n%s", m.seed, n, strings.Join(m.trace, "\n"))
	}
}

// checkKept subscribes afresh: exactly the retained messages come, each topic's last one.
func (m *model) checkKept() {
	p, _ := m.r.connect(connectPacket("kept", mqtt.V5))
	p.sub("#", 1)
	got := map[string]string{}
	for range m.kept {
		f, ok := p.next(time.Minute)
		if !ok {
			break
		}
		var q mqtt.Publish
		if f.Type() != mqtt.PUBLISH || mqtt.DecodePublish(&q, f, mqtt.V5) != nil || !q.Retain {
			m.t.Errorf("seed %d: packet of type %d in place of a retained message", m.seed, f.Type())
			return
		}
		got[string(q.Topic)] = string(q.Payload)
		p.ack(mqtt.PUBACK, q.PacketID)
	}
	p.nothing()
	if !maps.Equal(got, m.kept) {
		m.t.Errorf("seed %d: retained are %.200q, want %.200q\n%s", m.seed, got, m.kept, strings.Join(m.trace, "\n"))
	}
	p.disconnect()
}
