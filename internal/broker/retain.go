package broker

import (
	"fmt"

	"tsunagi/internal/mqtt"
)

// replay is a subscription that is still to be sent retained messages. They are looked up some at a time.
type replay struct {
	sub  *subscription
	some []*message // the next ones
	last string     // the name behind which the search goes on
	done bool       // some are the last
	upTo uint64     // what was kept later has come as a live message
	sum  byte       // keeps the compiler from leaving out what warm does
	next *replay    // of the same session

	sources map[string]Rights // of the publishers so far; nil: there is no such user any more
	user    string            // the last of them
	source  Rights            // theirs
}

// replayStep is how many retained messages are looked up at a time.
const replayStep = 64

// keepRetained sets or, with an empty payload, clears the retained message of a topic [MQTT-3.3.1-5] [MQTT-3.3.1-6].
// It is called when that is durable, in the order of the batches; at QoS 0 also before, when it is accepted. The order
// of the batches has the last word. name stays in use as long as m does. It says whether there was one before.
func (b *Broker) keepRetained(m *message, name string, empty bool) (had bool) {
	b.retMu.Lock()
	defer b.retMu.Unlock()
	var old *message
	if empty {
		old, had = b.retained.Delete(name)
	} else {
		m.gone.Store(false)
		old, had = b.retained.Set(name, m)
		b.retCount.Add(1)
		b.retBytes.Add(int64(m.size))
	}
	if had {
		if old != m {
			old.gone.Store(true)
		}
		b.retCount.Add(-1)
		b.retBytes.Add(-int64(old.size))
	}
	return had
}

// retainedBesides says what all topics but this one retain: messages and bytes.
func (b *Broker) retainedBesides(name string) (count, bytes int64) {
	b.retMu.Lock()
	defer b.retMu.Unlock()
	count, bytes = b.retCount.Load(), b.retBytes.Load()
	if old, had := b.retained.Get(name); had {
		count, bytes = count-1, bytes-int64(old.size)
	}
	return count, bytes
}

// retainRoom checks the bounds of the plan for one more retained message, with all of its properties.
func (b *Broker) retainRoom(name, publisher, user string, p *mqtt.Publish) *Refusal {
	l := b.limits.Load()
	if l.RetainedMessages <= 0 && l.RetainedBytes <= 0 {
		return nil
	}
	waiting, waitingBytes := b.retAsked.besides(name) // first: what is kept meanwhile counts twice, not never
	count, bytes := b.retainedBesides(name)
	count, bytes = count+1+int64(waiting), bytes+int64(mostSize(name, publisher, user, p)+refSize+waitingBytes)
	var r *Refusal
	switch {
	case l.RetainedMessages > 0 && count > int64(l.RetainedMessages):
		r = &Refusal{mqtt.QuotaExceeded, fmt.Sprintf("retained_messages: the plan allows %d retained messages", l.RetainedMessages)}
	case l.RetainedBytes > 0 && bytes > int64(l.RetainedBytes):
		r = &Refusal{mqtt.QuotaExceeded, fmt.Sprintf("retained_bytes: the plan allows %d bytes of retained messages", l.RetainedBytes)}
	default:
		return nil
	}
	now := b.clock.ms()
	if last := b.swept.Load(); now >= last+throttlePause && b.swept.CompareAndSwap(last, now) {
		b.sweepRetained() // makes room for who tries again
	}
	return r
}

// startReplay has the retained messages of a subscription sent, as the outbox has room for them. Callers hold s.mu.
func (s *Session) startReplay(sub *subscription) {
	if s.b.retCount.Load() > 0 {
		last := &s.replays
		for *last != nil {
			last = &(*last).next
		}
		*last = &replay{sub: sub, upTo: s.b.retOrder.Load()}
	}
}

// fill looks up the next messages; false: there are none.
func (r *replay) fill(b *Broker) bool {
	if r.done {
		return false
	}
	r.some = r.some[:0]
	take := func(name string, m *message) bool {
		r.some = append(r.some, m)
		r.last = name
		return len(r.some) < replayStep
	}
	if r.last == "" {
		b.retained.Match(r.sub.filter, take)
	} else {
		b.retained.MatchAfter(r.sub.filter, r.last, take)
	}
	r.done = len(r.some) < replayStep
	r.warm()
	return len(r.some) > 0
}

// warm looks at what sending the next messages will read: the waiting for memory that no cache of the processor holds is
// then that of one message for many of them. What it finds decides nothing.
func (r *replay) warm() {
	sum := byte(0)
	for _, m := range r.some {
		if b := m.body.Load(); b != nil {
			sum ^= b.qos
		}
	}
	for _, m := range r.some {
		if b := m.body.Load(); b != nil && len(b.payload) > 0 {
			sum ^= b.topic[0] ^ b.payload[0]
		}
	}
	r.sum = sum
}

// sendReplay sends the next retained message; false: it has to wait. Callers hold s.mu.
func (s *Session) sendReplay(c *Client, t *Turn) bool {
	r := s.replays
	if s.subs.get(r.sub.full) != r.sub || len(r.some) == 0 && !r.fill(s.b) {
		s.replays = r.next
		return true
	}
	m := r.some[0]
	b := m.body.Load()
	if b.expires != 0 && b.expired(s.b.clock.ms()) {
		s.b.dropExpired(m, b.topic)
	}
	// What has been replaced was delivered as a live message already, or never existed for this client.
	// No Local holds here, too [MQTT-3.8.3-3].
	if m.gone.Load() || m.kept > r.upTo || r.sub.noLocal && b.publisher == s.id || !c.mayReceive(b.topic) || !r.sourceHolds(s.b, b) {
		r.some = r.some[1:]
		return true
	}
	x := ref{m: m, qos: min(b.qos, r.sub.qos), flag: refRetain} // [MQTT-3.3.1-8]
	if r.sub.id != 0 {
		x.ids = []uint32{r.sub.id}
	}
	if x.qos == 0 {
		if c.sendBody(b, x, 0, t) == noRoom {
			return false
		}
		r.some = r.some[1:]
		return true
	}
	if c.open >= c.window {
		return false
	}
	if s.sendRef(c, x, b, t) == noRoom {
		return false
	}
	r.some = r.some[1:]
	return true
}

// dropExpired takes a retained message away whose time is over [MQTT-3.3.2-5]. Callers may hold s.mu.
func (b *Broker) dropExpired(m *message, name string) {
	if !m.gone.Swap(true) {
		_ = b.commit.post(&expireOp{b, m, name})
	}
}

// expireOp removes an expired retained message, unless another has come in its place.
type expireOp struct {
	b    *Broker
	m    *message
	name string
}

func (o *expireOp) size() int     { return 64 + len(o.name) }
func (o *expireOp) grows() growth { return growsNot }

func (o *expireOp) prepare(p *plan) {
	if now, ok := o.b.retained.Get(o.name); ok && now == o.m && !p.retains(o.b.id, o.name) {
		p.retain(o.b, o.name, nil)
	}
}

func (o *expireOp) done(_ *Turn, err error) {
	if now, ok := o.b.retained.Get(o.name); err == nil && ok && now == o.m {
		o.b.keepRetained(nil, o.name, true)
	}
}

// sweepRetained takes all expired retained messages away.
func (b *Broker) sweepRetained() {
	now := b.clock.ms()
	b.retained.Match("#", func(name string, m *message) bool {
		if m.body.Load().expired(now) {
			b.dropExpired(m, name)
		}
		return true
	})
}

// sourceHolds says whether who published a retained message may still do so: rights that were taken away take their
// retained messages with them.
func (r *replay) sourceHolds(b *Broker, m *body) bool {
	if m.user == "" || b.rights == nil {
		return true
	}
	if m.user != r.user {
		rights, known := r.sources[m.user]
		if !known {
			rights, _ = b.rights(m.user) // may be read from the store, so once for all messages of a user
			if r.sources == nil || len(r.sources) > maxSources {
				r.sources = map[string]Rights{}
			}
			r.sources[m.user] = rights
		}
		r.user, r.source = m.user, rights
	}
	return r.source != nil && r.source.MayPublish(m.topic, m.publisher, m.qos, true).Allowed
}

const maxSources = 1000
