package broker

import (
	"strings"
	"sync"
	"sync/atomic"

	"tsunagi/internal/mqtt"
	"tsunagi/internal/topic"
)

// match is who receives what is published to one topic, as of one generation of the subscriptions. It is shared by all
// publishers and never changed, but for the verdicts in it. A Turn has one of its own for topics that aren't cached.
type match struct {
	topic     string
	gen       uint64
	receivers []receiver
	groups    []*group
	stored    bool        // a persistent session is owed QoS 1 and 2 messages
	system    bool        // clients may not publish here
	one       [1]receiver // room for the only one of most topics
}

// receiver is one session among those that a topic matches. Overlapping subscriptions are one receiver, with the
// highest QoS and all their identifiers (3.3.4).
type receiver struct {
	s       *Session
	ids     []uint32
	qos     byte
	rap     bool
	local   bool      // for messages of its own, own holds instead
	own     *receiver // what is left without the No Local subscriptions; nil: nothing [MQTT-3.8.3-3]
	verdict atomic.Pointer[verdict]
}

// verdict is whether a client may receive a topic, as long as it is the same client under the same rules.
type verdict struct {
	by      *Rights // the client's own pointer: another client, or new rights, have another
	gen     uint64
	allowed bool
}

// allows is the check of the access list at delivery: what SUBSCRIBE has granted is looked at again for each topic.
func (r *receiver) allows(c *Client, name string) bool {
	by := c.rights.Load()
	gen := (*by).Generation()
	if v := r.verdict.Load(); v != nil && v.by == by && v.gen == gen {
		return v.allowed
	}
	ok := c.mayReceive(name)
	r.verdict.Store(c.verdict(by, gen, ok))
	return ok
}

// verdict is one to keep. The client's topics share the yes.
func (c *Client) verdict(by *Rights, gen uint64, ok bool) *verdict {
	if v := c.yes.Load(); ok && v != nil && v.by == by && v.gen == gen {
		return v
	}
	v := &verdict{by, gen, ok}
	if ok {
		c.yes.Store(v)
	}
	return v
}

// mayReceive asks the rights and reports a refusal.
func (c *Client) mayReceive(name string) bool {
	v := (*c.rights.Load()).MayReceive(name, c.s.id)
	if !v.Allowed && c.seldom().denials.hit(1, c.b.clock.ms()) > 0 {
		c.event(Event{Kind: "denied", Topic: name, Gate: "acl", Rule: v.Rule, Reason: mqtt.NotAuthorized,
			Cause: "the client may not receive this topic; its subscription covers more than its rules allow"})
	}
	return v.Allowed
}

// matchCache keeps matches by topic until the subscriptions change.
type matchCache struct {
	misses atomic.Uint32

	mu    sync.RWMutex
	gen   uint64     // guarded by mu: the generation that the whole table belongs to
	table matchTable // guarded by mu
}

// matchCacheBytes bounds the cache of one instance.
const matchCacheBytes = 16 << 20

// admitOne is how many topics that a full cache doesn't know come by until one takes the place of another: what comes
// often gets in soon, and what comes once in a long time mostly leaves the cache alone.
const admitOne = 16

// find is the cached match of a topic as of gen, or nil.
func (k *matchCache) find(name string, gen uint64) *match {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.gen != gen {
		return nil
	}
	m, _, _ := k.table.get(name)
	return m
}

// ask is find, and says whether a match that isn't there should be put there: when the topic comes for the second time,
// or, in a full cache, now and then. full says that it is.
func (k *matchCache) ask(name string, gen uint64) (m *match, keep, full bool) {
	k.mu.RLock()
	seen := false
	if k.gen == gen {
		m, seen, full = k.table.get(name)
	}
	k.mu.RUnlock()
	switch {
	case m != nil || seen:
		return m, seen, full
	case full:
		return nil, k.misses.Add(1)%admitOne == 0, full
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.turnTo(gen) {
		k.table.mark(name)
	}
	return nil, false, false
}

// turnTo begins anew when the subscriptions have changed since; false: gen is an older one. Callers hold mu.
func (k *matchCache) turnTo(gen uint64) bool {
	if gen > k.gen {
		k.gen, k.table = gen, matchTable{}
	}
	return gen == k.gen
}

// put adds m. A change of the subscriptions since it was built makes it stale, which is seen here or by the next who asks.
func (k *matchCache) put(m *match) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.turnTo(m.gen) {
		k.table.put(m)
	}
}

// maxTopic is the longest topic name in bytes that is routed; the standard would allow 65,535.
const maxTopic = 4096

var errTopicName = &Refusal{mqtt.TopicNameInvalid, "topic names are 1 to 4096 bytes of UTF-8 in at most 128 levels, without + and #"}

// lookup finds the receivers of a topic name from the network. The name is checked when the cache doesn't know it:
// equal bytes were valid before. The match may be the turn's own, which holds until the turn looks another topic up.
func (b *Broker) lookup(name []byte, t *Turn) (*match, error) {
	gen := b.gen.Load()
	t.warmed--
	keep := false
	if !t.cold() {
		m, yes, full := b.cache.ask(viewBytes(name), gen)
		if m != nil {
			t.misses = max(0, t.misses-missHit)
			return m, nil
		}
		if keep = yes; full {
			t.misses = min(coldFrom, t.misses+1)
		}
	}
	if len(name) > maxTopic || !topic.ValidName(name) {
		return nil, errTopicName
	}
	if !keep {
		b.build(&t.match, string(name), gen)
		return &t.match, nil
	}
	m := new(match)
	b.build(m, string(name), gen)
	b.cache.put(m)
	return m, nil
}

// matchOf is lookup for a name that is known to be valid. The match may be the one in room, as of now.
func (b *Broker) matchOf(name string, room *match) *match {
	gen := b.gen.Load()
	if m := b.cache.find(name, gen); m != nil {
		return m
	}
	b.build(room, name, gen)
	return room
}

// forget lets go of everything that a turn's match would keep alive.
func (m *match) forget() {
	if m.topic == "" {
		return
	}
	clear(m.receivers)
	clear(m.groups)
	if cap(m.receivers) > maxTouchedKept {
		m.receivers = nil
	}
	m.topic, m.receivers, m.groups = "", m.receivers[:0], m.groups[:0]
}

// build asks the tree and merges what it finds by session. m is new, or one whose room is used again.
func (b *Broker) build(m *match, name string, gen uint64) {
	m.forget()
	m.topic, m.gen, m.system, m.stored = name, gen, systemTopic(name), false
	var few [16]*subscription
	subs := b.tree.Match(name, few[:0])
	if len(subs) == 0 {
		return
	}
	if len(subs) == 1 && cap(m.receivers) == 0 {
		m.receivers = m.one[:0]
	} else if cap(m.receivers) < len(subs) {
		m.receivers = make([]receiver, 0, len(subs))
	}
	var at map[*Session]int
	if len(subs) > len(few) {
		at = make(map[*Session]int, len(subs))
	}
	local := false
	for _, sub := range subs {
		if sub.member != nil {
			g := sub.member.group
			m.groups = append(m.groups, g)
			m.stored = m.stored || g.durable.Load()
			continue
		}
		r := m.receiver(sub.s, at)
		r.merge(sub)
		if sub.noLocal {
			r.local, local = true, true
		}
		if sub.qos > 0 && sub.s.persistent.Load() {
			m.stored = true
		}
	}
	if local {
		for _, sub := range subs {
			if sub.member != nil {
				continue
			}
			if r := m.receiver(sub.s, at); r.local && !sub.noLocal {
				if r.own == nil {
					r.own = &receiver{s: r.s}
				}
				r.own.merge(sub)
			}
		}
	}
}

// receiver is the place of s among the receivers, made if it isn't there; at helps where there are many.
func (m *match) receiver(s *Session, at map[*Session]int) *receiver {
	if at != nil {
		if i, ok := at[s]; ok {
			return &m.receivers[i]
		}
		at[s] = len(m.receivers)
	} else {
		for i := range m.receivers {
			if m.receivers[i].s == s {
				return &m.receivers[i]
			}
		}
	}
	m.receivers = m.receivers[:len(m.receivers)+1]
	r := &m.receivers[len(m.receivers)-1]
	r.s = s
	return r
}

// merge adds one more subscription of the same session, while the match is being built.
func (r *receiver) merge(sub *subscription) {
	r.qos = max(r.qos, sub.qos)
	r.rap = r.rap || sub.rap
	if sub.id != 0 { // [MQTT-3.3.4-3] [MQTT-3.3.4-4]
		r.ids = append(r.ids, sub.id)
	}
}

// systemTopic says whether a name belongs to the server: clients read there and never write.
func systemTopic(name string) bool {
	if name == "" || name[0] != '$' {
		return false
	}
	first, _, _ := strings.Cut(name, "/")
	return first == "$SYS" || first == "$CONTROL" || first == "$share"
}
