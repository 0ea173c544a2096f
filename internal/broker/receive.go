package broker

import "tsunagi/internal/mqtt"

// The receiving side of QoS 1 and 2: what clients publish.

// receive checks the QoS state of a message. known says that it has come before and is answered [MQTT-4.3.3-10].
func (c *Client) receive(p *mqtt.Publish, t *Turn) (known bool, err error) {
	s := c.s
	over := c.recvMax > 0 && int(c.unacked.Load()+s.inOpen.Load()) >= int(c.recvMax) // [MQTT-3.3.4-7]
	if p.QoS == 2 {
		s.mu.Lock()
		state := s.in.get(p.PacketID)
		if state == 0 && !over {
			s.putIn(p.PacketID, inReceived)
		}
		s.mu.Unlock()
		if state == inReceived {
			c.sendAck(mqtt.PUBREC, p.PacketID, mqtt.Success, t)
		}
		if state != 0 { // inStoring: its PUBREC follows
			return true, nil
		}
	}
	if over {
		return false, &Refusal{mqtt.ReceiveMaximumExceeded, "more QoS 1 and 2 messages are open than the Receive Maximum allows"}
	}
	return false, nil
}

// setIn sets the state of an incoming identifier; 0 closes it.
func (s *Session) setIn(id uint16, state byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putIn(id, state)
}

// putIn is setIn for callers that hold s.mu.
func (s *Session) putIn(id uint16, state byte) {
	if s.in == nil {
		s.in = &idSet{}
	}
	if state == 0 {
		s.in.drop(id)
	} else {
		s.in.put(id, state)
	}
	s.inOpen.Store(int32(s.in.n))
}

// pubrel ends an incoming QoS 2 message [MQTT-4.3.3-11]. For a persistent session the identifier is removed durably
// before PUBCOMP.
func (c *Client) pubrel(a *mqtt.Ack, t *Turn) {
	s := c.s
	s.mu.Lock()
	state := s.in.get(a.PacketID)
	if state == inReceived {
		if s.persistent.Load() {
			s.putIn(a.PacketID, inClosing)
			s.post(&forgetOp{s: s, id: a.PacketID})
		} else {
			s.putIn(a.PacketID, 0)
		}
	}
	persistent := s.persistent.Load()
	s.mu.Unlock()
	switch {
	case state == inReceived && persistent || state == inClosing: // PUBCOMP follows
	case state == inReceived:
		c.sendAck(mqtt.PUBCOMP, a.PacketID, mqtt.Success, t)
	default:
		c.sendAck(mqtt.PUBCOMP, a.PacketID, mqtt.PacketIdentifierNotFound, t)
	}
}

// forgetOp removes an incoming identifier.
type forgetOp struct {
	s  *Session
	id uint16
}

func (o *forgetOp) size() int     { return 64 }
func (o *forgetOp) grows() growth { return growsNot }

func (o *forgetOp) prepare(p *plan) {
	if o.s.live() {
		p.packet(o.s, Incoming, o.id, nil)
	}
}

func (o *forgetOp) done(t *Turn, err error) {
	s := o.s
	if err != nil {
		s.setIn(o.id, inReceived)
		if c := s.client.Load(); c != nil { // the client asks again when it comes back
			c.link.Close(err)
		}
		return
	}
	s.setIn(o.id, 0)
	if c := s.client.Load(); c != nil {
		c.sendAck(mqtt.PUBCOMP, o.id, mqtt.Success, t)
	}
}
