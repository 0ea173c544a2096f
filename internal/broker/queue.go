package broker

import "tsunagi/internal/mqtt"

// enqueue puts a message at the end of the session's queue and drops the oldest over the bounds. Callers hold s.mu.
func (s *Session) enqueue(r ref) {
	r.m.owe()
	s.queue.push(r)
	s.queueBytes += r.m.size
	for !s.keeps() {
		rule := s.b.overflow(&s.queue, s.queueBytes, s.persistent.Load())
		if rule == "" {
			return
		}
		s.dropOldest(rule)
	}
}

// overflow is the bound that a queue is over, empty when it is over none. What isn't in the log is bounded in any case.
func (b *Broker) overflow(queue *ring[ref], bytes int, stored bool) (rule string) {
	l := b.limits.Load()
	most := l.QueueBytes
	if most <= 0 && !stored {
		most = memoryQueueMax
	}
	switch {
	case queue.len() <= 1:
		return ""
	case l.QueueMessages > 0 && queue.len() > l.QueueMessages:
		return "queue_messages"
	case most > 0 && bytes > most:
		return "queue_bytes"
	}
	return ""
}

func (s *Session) dropOldest(rule string) {
	s.forget(s.pop())
	s.b.total.dropped.Add(1)
	s.lose(lossOf(rule), 1)
	if k := s.seldom().drops.hit(1, s.b.clock.ms()); k > 0 {
		s.b.event(Event{Kind: "dropped", Client: s.id, User: s.user, Gate: "queue", Rule: rule, Count: int(k),
			Reason: mqtt.QuotaExceeded, Cause: "the queue of the client is full; its oldest messages were dropped"})
	}
}

// late counts a message whose expiry has passed while it waited. Callers hold s.mu.
func (s *Session) late(name string) {
	s.b.total.dropped.Add(1)
	s.lose(LossExpired, 1)
	if k := s.seldom().drops.hit(1, s.b.clock.ms()); k > 0 {
		s.b.event(Event{Kind: "dropped", Client: s.id, User: s.user, Topic: name, Gate: "queue", Rule: "message_expiry", Count: int(k),
			Cause: "the message's expiry has passed while it waited for the client"})
	}
}

// pop takes the oldest off the queue.
func (s *Session) pop() ref {
	r := s.queue.pop()
	s.queueBytes -= r.m.size
	return r
}

// forget ends the session's claim on a message.
func (s *Session) forget(r ref) {
	if r.g != nil {
		r.g.done(r)
		return
	}
	s.b.backlog.settle(r.m)
	if r.m.offset != 0 {
		s.acked()
	}
}

// pump sends what waits, in order: what was sent on an earlier connection, retained messages, the queue, then what
// waits in shared subscriptions. It stops when
// the client's window or the outbox is full, or when a message has to be read back first; each of these calls it again.
// Callers hold s.mu, and c is the session's client.
func (s *Session) pump(c *Client, t *Turn) {
	for len(s.resend) > 0 {
		if !s.sendAgain(c, t) {
			return
		}
	}
	for s.replays != nil {
		if !s.sendReplay(c, t) {
			return
		}
	}
	for s.queue.len() > 0 {
		if !s.sendNext(c, t) {
			return
		}
	}
	for m := s.shared; m != nil; m = m.next {
		for m.group.feed(m, c, t) {
		}
	}
}

// refill is called when a full outbox has been written.
func (c *Client) refill() {
	var t Turn
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client.Load() == c {
		s.pump(c, &t)
	}
}

// sendNext sends the oldest of the queue or drops it; false: it has to wait.
func (s *Session) sendNext(c *Client, t *Turn) bool {
	r := s.queue.at(0)
	b := r.b
	if b == nil {
		b = r.m.body.Load()
	}
	if b == nil {
		s.load()
		return false
	}
	if c.open >= c.window { // [MQTT-3.3.4-9]
		return false
	}
	if b.expired(s.b.clock.ms()) {
		s.forget(s.pop())
		s.late(b.topic)
		return true
	}
	if !c.mayReceive(b.topic) {
		s.forget(s.pop())
		s.lose(LossDenied, 1)
		return true
	}
	switch s.sendRef(c, *r, b, t) {
	case noRoom:
		return false
	case tooLarge:
		s.forget(s.pop())
	case sentBody:
		s.pop() // the claim is the slot's now, or settled
	}
	return true
}

// sendRef gives a message an identifier and sends it, or has both made durable first. Callers hold s.mu.
func (s *Session) sendRef(c *Client, r ref, b *body, t *Turn) sendResult {
	persistent := s.persistent.Load()
	state := slotSent1
	switch {
	case r.qos == 2 && persistent:
		state = slotStoring
	case r.qos == 2:
		state = slotSent2
	}
	id, sl := s.out.take(0xFFFF, state)
	if id == 0 {
		return noRoom
	}
	if state == slotStoring {
		// After a crash the identifier must stand for the same message, or the client takes it twice.
		sl.ref = r
		sl.ref.flag |= refFresh
		c.opened(sl)
		s.post(&sendOp{s: s, id: id})
		return sentBody
	}
	if res := c.sendBody(b, r, id, t); res != sentBody {
		s.out.free(id)
		return res
	}
	c.opened(sl)
	if r.b = nil; persistent || r.g != nil {
		sl.ref = r
	} else {
		s.b.backlog.settle(r.m)
	}
	return sentBody
}

type sendResult byte

const (
	sentBody sendResult = iota
	noRoom
	tooLarge
)

// sendBody encodes a message for the client and puts it into the outbox.
func (c *Client) sendBody(b *body, r ref, id uint16, t *Turn) sendResult {
	p := b.publish()
	p.QoS, p.PacketID = r.qos, id
	p.Retain, p.Dup = r.flag&refRetain != 0, r.flag&refDup != 0 && r.qos > 0
	if c.wire == wire5 {
		p.Props.SubscriptionIDs = r.ids
		if b.expires != 0 {
			p.Props.HasExpiry, p.Props.Expiry = true, left(c.b.clock.ms(), b.expires) // [MQTT-3.3.2-6]
		}
	}
	f := form{qos: r.qos}
	if len(p.Payload) >= shareFrom {
		f.enc, f.shared = p.Append(make([]byte, 0, p.Size(c.version)), c.version), true
	} else {
		t.small = p.Append(t.small[:0], c.version)
		f.enc = t.small
	}
	if len(f.enc) > int(c.maxOut) { // [MQTT-3.1.2-24]
		c.dropped(1, "packet", "max_packet", "the client's Maximum Packet Size is less than the message", b.topic)
		return tooLarge
	}
	if !c.outbox.sendWhole(&f, t) {
		return noRoom
	}
	return sentBody
}

// sendWhole appends a message that has its identifier already; without room the session is asked again later.
func (o *Outbox) sendWhole(f *form, t *Turn) bool {
	o.mu.Lock()
	taken := o.closed
	switch {
	case taken:
	case !o.room(len(f.enc)):
		o.starved = true
	default:
		taken = true
		o.message(f.enc, f.shared)
		o.sent(1, len(f.enc), t)
	}
	o.mu.Unlock()
	return taken
}
