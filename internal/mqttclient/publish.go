package mqttclient

import (
	"context"
	"fmt"

	"tsunagi/internal/mqtt"
)

// Publish sends m and returns when the server has it: at QoS 1 and 2 when it has acknowledged it, at QoS 0 when it has
// been written. A *ServerError says that the server refused it, ErrOutboxFull that too much waits already. When ctx
// ends first, m is not sent unless that has begun; then it may still arrive.
func (c *Client) Publish(ctx context.Context, m *Message) error {
	answer := make(chan error, 1)
	o, err := c.publish(m, func(err error) { answer <- err })
	if err != nil {
		return err
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		c.mu.Lock()
		c.out.withdraw(o)
		c.settle()
		c.mu.Unlock()
		return ctx.Err()
	}
}

// PublishAsync queues m and calls done (nil: nobody asks) with the answer that Publish would return; done must not
// block. With an error PublishAsync has done nothing. The payload must stay as it is until done.
func (c *Client) PublishAsync(m *Message, done func(error)) error {
	_, err := c.publish(m, done)
	return err
}

func (c *Client) publish(m *Message, done func(error)) (*outgoing, error) {
	return c.queueUp(m, done, true)
}

// queueUp puts m into the outbox, and wakes the writer if wanted.
func (c *Client) queueUp(m *Message, done func(error), wake bool) (*outgoing, error) {
	if err := m.validate(); err != nil {
		return nil, err
	}
	o := &outgoing{packet: m.packet(), done: done}
	o.size = o.packet.Size(mqtt.V5)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.over:
		return nil, ErrClosed
	case c.link == nil && c.out.online:
		return nil, ErrNotConnected
	}
	if err := c.out.add(o); err != nil {
		return nil, err
	}
	if wake {
		c.wake()
	}
	return o, nil
}

// wake makes the writer look for work. It is called under mu.
func (c *Client) wake() {
	if c.link == nil {
		return
	}
	select {
	case c.link.work <- struct{}{}:
	default:
	}
}

// newID is a packet id that nothing uses; 0 when all are in use. It is called under mu.
func (c *Client) newID() uint16 {
	for range 0xFFFF {
		c.nextID++
		if c.nextID == 0 {
			c.nextID = 1
		}
		if c.out.sent[c.nextID] == nil && c.requests[c.nextID] == nil { // [MQTT-2.2.1-3]
			return c.nextID
		}
	}
	return 0
}

// encode appends m for this connection, or says why its server can't be sent it.
func (l *link) encode(dst []byte, m *outgoing) ([]byte, error) {
	a := l.connack
	switch {
	case m.packet.QoS > a.MaxQoS: // [MQTT-3.2.2-11]
		return dst, &ServerError{Packet: mqtt.PUBACK, Reason: mqtt.QoSNotSupported}
	case m.packet.Retain && a.RetainUnavailable: // [MQTT-3.2.2-14]
		return dst, &ServerError{Packet: mqtt.PUBACK, Reason: mqtt.RetainNotSupported}
	}
	p := m.packet
	full, known := l.outAlias(&p)
	if l.maxPacket > 0 && p.Size(l.version) > l.maxPacket { // [MQTT-3.2.2-15]
		return dst, fmt.Errorf("%w: %d bytes, it takes %d", ErrTooLarge, p.Size(l.version), l.maxPacket)
	}
	if p.Props.TopicAlias != 0 && !known {
		l.aliasesOut[p.Props.TopicAlias] = string(full)
	}
	return p.Append(dst, l.version), nil
}

// outAlias leaves the topic out where the server has learnt the alias on this connection, and the alias where the
// server doesn't take it [MQTT-3.3.2-9]. It returns the topic.
func (l *link) outAlias(p *mqtt.Publish) (topic []byte, known bool) {
	topic = p.Topic
	alias := p.Props.TopicAlias
	if alias == 0 {
		return topic, false
	}
	if l.version != mqtt.V5 || alias > l.connack.TopicAliasMax {
		p.Props.TopicAlias = 0
		return topic, false
	}
	if l.aliasesOut[alias] == string(topic) {
		p.Topic = nil
		return topic, true
	}
	return topic, false
}

// acknowledged handles PUBACK, PUBREC and PUBCOMP.
func (l *link) acknowledged(a *mqtt.Ack) error {
	if a.Type == mqtt.PUBREC {
		return l.recorded(a)
	}
	qos := byte(1)
	if a.Type == mqtt.PUBCOMP {
		qos = 2
	}
	c := l.c
	c.mu.Lock()
	m := c.out.acked(a.PacketID, qos)
	c.settle()
	c.wake() // the window has room again
	c.mu.Unlock()
	if m == nil { // an answer to what we have given up; nothing is owed for it
		return nil
	}
	m.finish(refusal(a))
	return nil
}

// recorded handles PUBREC: the message is the server's now [MQTT-4.3.3-4], unless it was refused.
func (l *link) recorded(a *mqtt.Ack) error {
	c := l.c
	c.mu.Lock()
	m := c.out.sent[a.PacketID]
	if m != nil && m.packet.QoS == 2 && !m.released && a.Reason.Failed() {
		c.out.acked(a.PacketID, 2)
		c.settle()
		c.wake()
		c.mu.Unlock()
		m.finish(refusal(a))
		return nil
	}
	answer := mqtt.Ack{Type: mqtt.PUBREL, PacketID: a.PacketID}
	if m == nil || m.packet.QoS != 2 {
		answer.Reason = mqtt.PacketIdentifierNotFound
	} else {
		m.released = true
	}
	c.mu.Unlock()
	if a.Reason.Failed() {
		return nil
	}
	return l.answer(&answer)
}

func refusal(a *mqtt.Ack) error {
	if !a.Reason.Failed() || a.Type == mqtt.PUBCOMP {
		return nil
	}
	return &ServerError{Packet: a.Type, Reason: a.Reason, ReasonString: a.ReasonString, UserProps: a.UserProps}
}
