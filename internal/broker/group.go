package broker

import (
	"slices"
	"sync"
	"sync/atomic"

	"tsunagi/internal/mqtt"
)

// group is the members of one shared subscription: "$share/<name>/<filter>". Each message goes to one of them (4.8.2):
// to the next in turn that can take it at once, else it waits in the group's queue for the first that has room. QoS 1 and
// 2 messages stay the group's until they are acknowledged: when a member goes, what it had of QoS 1 goes back; QoS 2
// that has begun is completed with that member or with nobody [MQTT-4.8.2-4] [MQTT-4.8.2-5]. In the store a group is a
// session that nobody connects to, with a cursor.
type group struct {
	b       *Broker
	full    string        // as it is subscribed to
	rep     *subscription // stands for the group in the tree
	durable atomic.Bool   // a persistent session is among the members: messages are kept in the log

	turn atomic.Uint32 // whose turn it is

	mu         sync.Mutex      // guards all below; it is taken after Session.mu
	members    []*subscription // never changed in place
	queue      ring[ref]       // what no member has
	queueBytes int
	out        map[uint64]ref // stored messages that members have, by their place in the order of messages
	maybe      uint64         // as in Session
	drops      throttle
	acks       int
	dirty      bool
	loading    bool
	judging    bool // the goroutine of judge is at work
	dead       bool // the last member has left
	stored     bool // has been durable
	inPlan     bool // the committer's
}

// groupPrefix begins the name under which a group is stored: no client identifier holds U+0000.
const groupPrefix = "\x00"

// deliver hands one message to the group. Callers hold no lock.
func (g *group) deliver(o *outgoing, t *Turn) {
	g.mu.Lock()
	members, waits := g.members, g.queue.len() > 0
	g.mu.Unlock()
	if len(members) == 0 {
		return
	}
	if o.pub.QoS == 0 || !waits {
		at := int(g.turn.Add(1))
		for i := range members {
			if g.offer(members[(at+i)%len(members)], o, t) {
				return
			}
		}
	}
	if o.pub.QoS == 0 {
		g.lost("outbox_bytes", "no member of the shared subscription could take a QoS 0 message")
		return
	}
	if !g.durable.Load() && !slices.ContainsFunc(members, func(m *subscription) bool { return m.s.client.Load() != nil }) {
		return // nobody is there, and nobody is waited for
	}
	if g.enqueue(ref{m: o.keep(g.b), qos: o.pub.QoS, g: g}) {
		g.stir(t)
	}
}

// offer gives a message to one member if that can take it at once.
func (g *group) offer(sub *subscription, o *outgoing, t *Turn) bool {
	s := sub.s
	c := s.client.Load()
	if c == nil || !sub.member.allows(c, o.match.topic) {
		return false
	}
	qos := min(sub.qos, o.pub.QoS)
	if qos == 0 {
		return c.tryOnce(o.find(g.b, c.wire, 0, o.pub.Retain && sub.rap, sub.member.ids), t)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client.Load() != c || c.open >= c.window || s.waits() {
		return false
	}
	r := ref{m: o.keep(g.b), qos: qos, ids: sub.member.ids, g: g}
	if o.pub.Retain && sub.rap {
		r.flag = refRetain
	}
	r.m.owe()
	g.give(r)
	switch s.sendRef(c, r, r.m.body.Load(), t) {
	case noRoom:
		g.mu.Lock()
		g.untake(r)
		g.mu.Unlock()
		g.b.backlog.settle(r.m)
		return false
	case tooLarge:
		g.done(r)
	}
	return true
}

// give notes that a member has the message.
func (g *group) give(r ref) {
	if r.m.offset == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.out == nil {
		g.out = map[uint64]ref{}
	}
	g.out[r.m.offset] = ref{m: r.m, qos: r.qos, flag: r.flag & refRetain}
}

// untake notes that nobody has it. Callers hold g.mu.
func (g *group) untake(r ref) { delete(g.out, r.m.offset) }

// done settles a message that a member has acknowledged, or that nobody is to get any more. Callers may hold s.mu.
func (g *group) done(r ref) {
	g.b.backlog.settle(r.m)
	if r.m.offset == 0 {
		return
	}
	g.mu.Lock()
	g.untake(r)
	g.acks++
	touch, now := !g.dead && (!g.dirty || g.acks == cursorAcks), g.acks >= cursorAcks
	g.dirty = true
	g.mu.Unlock()
	if touch {
		g.b.cursors.touch(g, now)
	}
}

// enqueue puts a message at the end of the group's queue; first says that it is alone there.
func (g *group) enqueue(r ref) (first bool) {
	r.m.owe()
	g.mu.Lock()
	if g.dead {
		g.mu.Unlock()
		g.b.backlog.settle(r.m)
		return false
	}
	first = g.queue.len() == 0
	g.queue.push(r)
	g.queueBytes += r.m.size
	var over []ref
	for rule := g.b.overflow(&g.queue, g.queueBytes, g.durable.Load()); rule != ""; rule = g.b.overflow(&g.queue, g.queueBytes, g.durable.Load()) {
		over = append(over, g.pop())
	}
	g.mu.Unlock()
	for _, r := range over {
		g.done(r)
		g.lost("queue", "the queue of the shared subscription is full; its oldest messages were dropped")
	}
	return first
}

// pop takes the oldest off the queue. Callers hold g.mu.
func (g *group) pop() ref {
	r := g.queue.pop()
	g.queueBytes -= r.m.size
	return r
}

// unpop puts messages back to the front, the first of them first. Later ones may be done already, which the cursor has
// to say. Callers hold g.mu.
func (g *group) unpop(list ...ref) {
	for _, r := range slices.Backward(list) {
		g.untake(r)
		r.flag |= refListed
		r.flag &^= refDup | refFresh
		r.ids, r.g = nil, g
		if b := r.m.body.Load(); b != nil {
			r.qos = b.qos
		} else {
			r.qos = 2 // a member's own QoS is the lesser one again when the body is read
		}
		g.queue.unpop(r)
		g.queueBytes += r.m.size
	}
}

// lost reports messages that nobody gets.
func (g *group) lost(rule, cause string) {
	g.b.total.dropped.Add(1)
	g.b.total.losses[lossOf(rule)].Add(1)
	if k := g.drops.hit(1, g.b.clock.ms()); k > 0 {
		g.b.event(Event{Kind: "dropped", Topic: g.full, Gate: "queue", Rule: rule, Reason: mqtt.QuotaExceeded, Count: int(k), Cause: cause})
	}
}
