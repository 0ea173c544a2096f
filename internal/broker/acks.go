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
	return s.queue.len() > 0 || len(s.resend) > 0 || s.replays != nil
}

// more sends what waits, if anything may. Callers hold s.mu.
func (s *Session) more(c *Client, t *Turn) {
	if s.waits() || s.shared != nil {
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
