package broker

import "tsunagi/internal/mqtt"

// What a client answers to messages that it was sent.

// puback ends a QoS 1 delivery. An identifier that isn't open is no fault: the message may have been dropped.
func (c *Client) puback(a *mqtt.Ack, t *Turn) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client.Load() != c {
		return
	}
	sl := s.out.at(a.PacketID)
	if sl == nil || sl.state != slotSent1 {
		return
	}
	m := sl.ref
	c.closed(sl)
	s.out.free(a.PacketID)
	if m.m != nil {
		s.forget(m)
	}
	s.more(c, t)
}

// waits says whether there is anything of its own to send. Callers hold s.mu.
func (s *Session) waits() bool {
	return s.queue.len() > 0 || len(s.resend) > 0 || len(s.replays) > 0
}

// more sends what waits, if anything may. Callers hold s.mu.
func (s *Session) more(c *Client, t *Turn) {
	if s.waits() || len(s.shared) > 0 {
		s.pump(c, t)
	}
}

// pubrec is the first half of a QoS 2 delivery.
func (c *Client) pubrec(a *mqtt.Ack, t *Turn) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client.Load() != c {
		return
	}
	sl := s.out.at(a.PacketID)
	switch {
	case sl == nil || sl.state == slotSent1 || sl.state == slotStoring || sl.state == slotWaiting:
		if !a.Reason.Failed() { // 4.13.1: it knows of one that we don't
			c.sendAck(mqtt.PUBREL, a.PacketID, mqtt.PacketIdentifierNotFound, t)
		}
	case sl.state == slotReleased:
		c.sendAck(mqtt.PUBREL, a.PacketID, mqtt.Success, t)
	case sl.state != slotSent2:
	case a.Reason.Failed(): // [MQTT-4.3.3-4] and 4.3.3: then it ends here
		s.finish(a.PacketID, sl)
		s.more(c, t)
	case s.persistent.Load():
		sl.state = slotReleasing
		s.post(&releaseOp{s: s, id: a.PacketID})
	default:
		s.release(a.PacketID, sl, t)
	}
}

// release sends PUBREL: the message is the client's now [MQTT-4.3.3-5]. Callers hold s.mu.
func (s *Session) release(id uint16, sl *slot, t *Turn) {
	r := sl.ref
	sl.ref = ref{qos: 2}
	sl.state = slotReleased
	if r.m != nil {
		s.forget(r)
	}
	if c := s.client.Load(); c != nil {
		c.sendAck(mqtt.PUBREL, id, mqtt.Success, t)
	}
}

// pubcomp ends a QoS 2 delivery.
func (c *Client) pubcomp(a *mqtt.Ack, t *Turn) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client.Load() != c {
		return
	}
	sl := s.out.at(a.PacketID)
	if sl == nil || sl.state != slotReleased {
		return
	}
	s.finish(a.PacketID, sl)
	s.more(c, t)
}

// closePacket frees the identifier of a stored QoS 2 delivery once its state is removed. Callers hold s.mu.
func (s *Session) closePacket(id uint16, sl *slot) {
	sl.state = slotClosing
	s.post(&closeOp{s: s, id: id})
}

// post hands a step of a packet identifier to the committer. When the store has failed the step stays undone, as the
// process ends. Callers may hold s.mu.
func (s *Session) post(op operation) { _ = s.b.commit.post(op) }

// sendOp stores the identifier of a QoS 2 message and sends it.
type sendOp struct {
	s  *Session
	id uint16
}

func (o *sendOp) size() int     { return 64 }
func (o *sendOp) grows() growth { return growsNot }

func (o *sendOp) prepare(p *plan) {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	if sl := o.s.out.at(o.id); !o.s.ended && sl != nil && sl.state == slotStoring && o.s.persistent.Load() {
		p.packet(o.s, Outgoing, o.id, sentPacket(sl.ref))
	}
}

func (o *sendOp) done(t *Turn, err error) {
	s := o.s
	s.mu.Lock()
	defer s.mu.Unlock()
	sl := s.out.at(o.id)
	if s.ended || sl == nil || sl.state != slotStoring {
		return
	}
	c := s.client.Load()
	if c != nil {
		c.closed(sl) // until it is sent
	}
	if err != nil {
		s.unsend(o.id, sl)
		return
	}
	sl.state = slotWaiting
	if c == nil {
		return
	}
	b := sl.ref.b
	if b == nil {
		b = sl.ref.m.body.Load()
	}
	if b != nil && len(s.resend) == 0 && c.open < c.window && c.sendBody(b, sl.ref, o.id, t) == sentBody {
		c.opened(sl)
		sl.ref.b, sl.ref.flag = nil, sl.ref.flag&^refFresh
		sl.state = slotSent2
		return
	}
	s.resend = append(s.resend, o.id)
	s.pump(c, t)
}

// unsend takes back what could not be stored. Callers hold s.mu.
func (s *Session) unsend(id uint16, sl *slot) {
	r := sl.ref
	s.out.free(id)
	if r.g != nil {
		r.g.mu.Lock()
		defer r.g.mu.Unlock()
		r.g.unpop(r)
		return
	}
	r.flag = r.flag&^refFresh | refListed // later ones may have been sent
	s.queue.unpop(r)
	s.queueBytes += r.m.size
}

// releaseOp makes PUBREC durable, then PUBREL goes out.
type releaseOp struct {
	s  *Session
	id uint16
}

func (o *releaseOp) size() int     { return 64 }
func (o *releaseOp) grows() growth { return growsNot }

func (o *releaseOp) prepare(p *plan) {
	if o.s.live() {
		p.packet(o.s, Outgoing, o.id, []byte{stateVersion, packetReleased})
		o.s.cursorOf(p, o.id)
	}
}

// cursorOf has the cursor written that says about the message under an identifier: the session's, or its group's.
func (s *Session) cursorOf(p *plan, id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sl := s.out.at(id); sl != nil && sl.ref.g != nil {
		sl.ref.g.mu.Lock()
		sl.ref.g.untake(sl.ref)
		sl.ref.g.mu.Unlock()
		p.cursor(sl.ref.g)
		return
	}
	p.cursor(s)
}

func (o *releaseOp) done(t *Turn, err error) {
	s := o.s
	s.mu.Lock()
	defer s.mu.Unlock()
	sl := s.out.at(o.id)
	if s.ended || sl == nil || sl.state != slotReleasing {
		return
	}
	if err != nil { // it is asked for again by sending the message once more
		sl.state = slotSent2
		return
	}
	s.release(o.id, sl, t)
}

// closeOp removes the state of an outgoing identifier.
type closeOp struct {
	s  *Session
	id uint16
}

func (o *closeOp) size() int     { return 64 }
func (o *closeOp) grows() growth { return growsNot }

func (o *closeOp) prepare(p *plan) {
	if o.s.live() {
		p.packet(o.s, Outgoing, o.id, nil)
		o.s.cursorOf(p, o.id)
	}
}

func (o *closeOp) done(t *Turn, err error) {
	s := o.s
	s.mu.Lock()
	defer s.mu.Unlock()
	sl := s.out.at(o.id)
	if s.ended || sl == nil || sl.state != slotClosing {
		return
	}
	if err != nil { // the client is asked to complete it once more when it comes again
		sl.state = slotReleased
		return
	}
	r := sl.ref
	s.out.free(o.id)
	if r.m != nil {
		s.forget(r)
	}
	if c := s.client.Load(); c != nil {
		s.more(c, t)
	}
}

// live says whether the session's state is still kept in the store.
func (s *Session) live() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.ended && s.persistent.Load()
}
