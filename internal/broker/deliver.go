package broker

import "tsunagi/internal/mqtt"

// deliver hands one message to one session: room 5. QoS 0 goes into the outbox or is dropped; QoS 1 and 2 go into the
// outbox when nothing waits in front and there is room, else into the session's queue.
func (s *Session) deliver(r *receiver, o *outgoing, t *Turn) {
	qos := min(r.qos, o.pub.QoS) // 3.8.4
	if s.b.lift {
		var ok bool
		if qos, ok = s.liftedQoS(qos, r, o.lifted); !ok {
			return
		}
	}
	retain := o.pub.Retain && r.rap
	c := s.client.Load()
	if c != nil && !r.allows(c, o.match.topic) {
		s.lose(LossDenied, 1)
		return
	}
	if qos == 0 {
		if c != nil {
			c.deliverOnce(o.find(s.b, c.wire, 0, retain, r.ids), t)
		} else {
			s.lose(LossAway, 1)
		}
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	persistent := s.persistent.Load()
	if now := s.client.Load(); now != c { // it has come or gone meanwhile: the queue is judged when it is sent
		c = now
	} else if c != nil && s.straight(c, qos, persistent) {
		f := o.find(s.b, c.wire, qos, retain, r.ids)
		if len(f.enc) > int(c.maxOut) {
			c.dropped(1, "packet", "max_packet", "the client's Maximum Packet Size is less than the message", o.match.topic)
			return
		}
		if s.sendNow(c, f, r, o, t) {
			return
		}
	}
	if s.ended || c == nil && !persistent {
		return
	}
	x := ref{m: o.keep(s.b), ids: r.ids, qos: qos}
	if retain {
		x.flag = refRetain
	}
	s.enqueue(x)
	if c != nil {
		s.pump(c, t)
	}
}

// straight says whether a message can go out at once: nothing waits in front of it, and nothing has to be durable
// before. Callers hold s.mu.
func (s *Session) straight(c *Client, qos byte, persistent bool) bool {
	return c.open < c.window && s.queue.len() == 0 && s.replays == nil && len(s.resend) == 0 &&
		!(qos == 2 && persistent)
}

// sendNow gives the message an identifier and puts it into the outbox; false when there is no room. Callers hold s.mu.
func (s *Session) sendNow(c *Client, f *form, r *receiver, o *outgoing, t *Turn) bool {
	state := slotSent1
	if f.qos == 2 {
		state = slotSent2
	}
	id, sl := s.out.take(0xFFFF, state)
	if id == 0 {
		return false
	}
	if !c.outbox.send(f, id, t) {
		s.out.free(id)
		return false
	}
	c.opened(sl)
	if s.persistent.Load() {
		sl.ref = ref{m: o.keep(s.b), ids: r.ids, qos: f.qos}
		if f.retain {
			sl.ref.flag = refRetain
		}
		sl.ref.m.owe()
	}
	return true
}

// send appends an encoded QoS 1 or 2 message with its identifier. When there is no room it answers false, and the
// session is asked again after the next flush.
func (o *Outbox) send(f *form, id uint16, t *Turn) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return true
	}
	if !o.room(len(f.enc)) {
		o.starved = true
		return false
	}
	if o.aliases != nil && o.aliased(f.enc, f.shared, id) {
		o.sent(1, len(f.enc), t)
		return true
	}
	o.copyIn(f.enc[:f.pid])
	o.copyIn([]byte{byte(id >> 8), byte(id)})
	if rest := f.enc[f.pid+2:]; f.shared {
		o.lend(rest)
	} else {
		o.copyIn(rest)
	}
	o.sent(1, len(f.enc), t)
	return true
}

// sent counts messages and marks the client. Callers hold mu.
func (o *Outbox) sent(messages, bytes int, t *Turn) {
	o.messages += uint64(messages)
	o.bytes += uint64(bytes)
	o.mark(t)
}

// deliverOnce puts a QoS 0 message into the outbox or drops it.
func (c *Client) deliverOnce(f *form, t *Turn) {
	if len(f.enc) > int(c.maxOut) { // [MQTT-3.1.2-24] [MQTT-3.1.2-25]
		c.dropped(1, "packet", "max_packet", "the client's Maximum Packet Size is less than the message", "")
		return
	}
	o := &c.outbox
	o.mu.Lock()
	switch {
	case o.closed:
	case !o.room(len(f.enc)):
		o.dropped++
		o.mu.Unlock()
		c.slow(1)
		return
	default:
		o.message(f.enc, f.shared)
		o.sent(1, len(f.enc), t)
	}
	o.mu.Unlock()
}

// tryOnce puts a QoS 0 message into the outbox; false: it doesn't fit.
func (c *Client) tryOnce(f *form, t *Turn) bool {
	o := &c.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || !o.room(len(f.enc)) || len(f.enc) > int(c.maxOut) {
		return false
	}
	o.message(f.enc, f.shared)
	o.sent(1, len(f.enc), t)
	return true
}

// deliverRun puts a run of QoS 0 messages into the outbox, or as many of them as there is room for. lend says that raw
// is never changed.
func (c *Client) deliverRun(raw []byte, count int, lend bool, t *Turn) {
	o := &c.outbox
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return
	}
	lost := 0
	if !o.room(len(raw)) {
		raw, lost = o.fitting(raw, count)
		count -= lost
	}
	if len(raw) > 0 {
		if lend {
			o.lend(raw)
		} else {
			o.copyIn(raw)
		}
		o.sent(count, len(raw), t)
	}
	o.dropped += uint64(lost)
	o.mu.Unlock()
	if lost > 0 {
		c.slow(lost)
	}
}

// fitting is how much of a run there is room for, in whole messages, and how many are left out.
func (o *Outbox) fitting(raw []byte, count int) (fits []byte, lost int) {
	at := 0
	for at < len(raw) {
		size, _ := frameSize(raw[at:])
		if !o.room(at + size) {
			break
		}
		at += size
		count--
	}
	return raw[:at], count
}

// deliverEach converts the messages of a run one by one, for receivers with identifiers or a small Maximum Packet Size.
func (c *Client) deliverEach(raw []byte, from wire, ids []uint32, t *Turn) {
	p := mqtt.Publish{Props: mqtt.PublishProps{SubscriptionIDs: ids}}
	for len(raw) > 0 {
		size, head := frameSize(raw)
		p.Topic, p.Payload = splitPlain(raw[head:size], from)
		t.small = p.Append(t.small[:0], c.wire.version())
		c.deliverOnce(&form{enc: t.small}, t)
		raw = raw[size:]
	}
}

// slow reports QoS 0 messages that were dropped because the client reads too slowly.
func (c *Client) slow(n int) {
	c.dropped(n, "queue", "outbox_bytes", "the client reads more slowly than messages come; QoS 0 messages were dropped", "")
}

// dropped counts messages that were let go and reports them, once in ten seconds.
func (c *Client) dropped(n int, gate, rule, cause, name string) {
	c.b.total.dropped.Add(uint64(n))
	c.s.lose(lossOf(rule), n)
	if k := c.seldom().drops.hit(n, c.b.clock.ms()); k > 0 {
		c.event(Event{Kind: "dropped", Topic: name, Gate: gate, Rule: rule, Cause: cause, Count: int(k)})
	}
}
