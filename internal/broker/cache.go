package broker

import (
	"strings"
	"sync"
	"sync/atomic"

	"tsunagi/internal/mqtt"
	"tsunagi/internal/topic"
)

// match is who receives what is published to one topic, as of one generation of the subscriptions. It is shared by all
// publishers and never changed, but for the verdicts in it.
type match struct {
	topic     string
	gen       uint64
	receivers []receiver
	groups    []*group
	stored    bool // a persistent session is owed QoS 1 and 2 messages
	system    bool // clients may not publish here
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
	r.verdict.Store(&verdict{by, gen, ok})
	return ok
}

// mayReceive asks the rights and reports a refusal.
func (c *Client) mayReceive(name string) bool {
	v := (*c.rights.Load()).MayReceive(name, c.s.id)
	if !v.Allowed && c.denials.hit(1, c.b.clock.ms()) > 0 {
		c.event(Event{Kind: "denied", Topic: name, Gate: "acl", Rule: v.Rule, Reason: mqtt.NotAuthorized,
			Cause: "the client may not receive this topic; its subscription covers more than its rules allow"})
	}
	return v.Allowed
}

// matchCache keeps matches by topic until the subscriptions change.
type matchCache struct {
	mu    sync.RWMutex
	gen   uint64            // guarded by mu: the generation that all of byName belongs to
	bytes int               // guarded by mu
	names map[string]*match // guarded by mu
}

// matchCacheBytes bounds the cache of one instance. Full, it starts over.
const matchCacheBytes = 16 << 20

// maxTopic is the longest topic name in bytes that is routed; the standard would allow 65,535.
const maxTopic = 4096

var errTopicName = &Refusal{mqtt.TopicNameInvalid, "topic names are 1 to 4096 bytes of UTF-8 in at most 128 levels, without + and #"}

// lookup finds the receivers of a topic name from the network. The name is checked when the cache doesn't know it:
// equal bytes were valid before.
func (b *Broker) lookup(name []byte) (*match, error) {
	gen := b.gen.Load()
	b.cache.mu.RLock()
	var m *match
	if b.cache.gen == gen {
		m = b.cache.names[string(name)]
	}
	b.cache.mu.RUnlock()
	if m != nil {
		return m, nil
	}
	if len(name) > maxTopic || !topic.ValidName(name) {
		return nil, errTopicName
	}
	return b.remember(string(name), gen), nil
}

// matchOf is lookup for a name that is known to be valid.
func (b *Broker) matchOf(name string) *match {
	gen := b.gen.Load()
	b.cache.mu.RLock()
	var m *match
	if b.cache.gen == gen {
		m = b.cache.names[name]
	}
	b.cache.mu.RUnlock()
	if m == nil {
		m = b.remember(name, gen)
	}
	return m
}

// remember builds a match and caches it. gen was read before: a change since then makes the match stale at once.
func (b *Broker) remember(name string, gen uint64) *match {
	m := b.build(name)
	m.gen = gen
	size := 160 + len(name) + 96*len(m.receivers)
	k := &b.cache
	k.mu.Lock()
	defer k.mu.Unlock()
	if gen < k.gen {
		return m
	}
	if gen > k.gen || k.names == nil || k.bytes+size > matchCacheBytes {
		k.gen, k.bytes, k.names = gen, 0, map[string]*match{}
	}
	k.names[name] = m
	k.bytes += size
	return m
}

// build asks the tree and merges what it finds by session.
func (b *Broker) build(name string) *match {
	m := &match{topic: name, system: systemTopic(name)}
	var few [16]*subscription
	subs := b.tree.Match(name, few[:0])
	if len(subs) == 0 {
		return m
	}
	m.receivers = make([]receiver, 0, len(subs))
	var at map[*Session]int
	if len(subs) > len(few) {
		at = make(map[*Session]int, len(subs))
	}
	local := false
	for _, sub := range subs {
		if g := sub.group; g != nil {
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
			if sub.group != nil {
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
	return m
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
	for _, p := range [...]string{"$SYS", "$CONTROL", "$share"} {
		if name == p || strings.HasPrefix(name, p+"/") {
			return true
		}
	}
	return false
}
