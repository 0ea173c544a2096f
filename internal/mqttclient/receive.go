package mqttclient

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"tsunagi/internal/mqtt"
)

// receive hands on a message and acknowledges it afterwards. A QoS 2 message is handed on at its first PUBLISH; its
// repetitions until PUBREL are only acknowledged [MQTT-4.3.3-10].
func (l *link) receive(f mqtt.Frame) error {
	var p mqtt.Publish
	if err := mqtt.DecodePublish(&p, f, l.version); err != nil {
		return err
	}
	topic, err := l.inTopic(&p)
	if err != nil {
		return err
	}
	if l.c.o.OnMessages != nil {
		return l.gather(&p, topic)
	}
	if !l.begin() {
		return nil
	}
	defer l.idle()
	fresh := true
	if p.QoS == 2 {
		if fresh, err = l.remember(p.PacketID); err != nil {
			return err
		}
	}
	if fresh && l.c.o.OnMessage != nil {
		m := message(&p, topic)
		l.c.o.OnMessage(m)
		if m.refused {
			l.undo([]mqtt.Ack{ackOf(&p)})
			l.depart()
			return nil
		}
	}
	if a := ackOf(&p); a.Type != 0 {
		return l.answer(&a)
	}
	return nil
}

// ackOf is the answer to a message; at QoS 0 there is none.
func ackOf(p *mqtt.Publish) mqtt.Ack {
	switch p.QoS {
	case 1:
		return mqtt.Ack{Type: mqtt.PUBACK, PacketID: p.PacketID}
	case 2:
		return mqtt.Ack{Type: mqtt.PUBREC, PacketID: p.PacketID}
	}
	return mqtt.Ack{}
}

// The bounds of what OnMessages gets at once; a single larger message goes alone.
const (
	maxTogether      = 256
	maxTogetherBytes = 256 << 10
)

// gather puts a message with those that came with it.
func (l *link) gather(p *mqtt.Publish, topic string) error {
	fresh := true
	if p.QoS == 2 {
		var err error
		if fresh, err = l.remember(p.PacketID); err != nil {
			return err
		}
	}
	if !fresh { // only acknowledged, behind what came before
		if err := l.handOn(); err != nil {
			return err
		}
		a := ackOf(p)
		return l.answer(&a)
	}
	l.nextMessage().fill(p, topic)
	l.acks = append(l.acks, ackOf(p))
	if l.bytes += len(p.Payload); len(l.got) >= maxTogether || l.bytes >= maxTogetherBytes {
		return l.handOn()
	}
	return nil
}

// nextMessage adds a message to those that were gathered. Its memory is that of one that came back through Reuse, if
// there is any.
func (l *link) nextMessage() *Message {
	n := len(l.got)
	if n == 0 {
		l.got = l.c.spare()
	}
	if n == cap(l.got) {
		l.got = append(l.got, nil)
	} else {
		l.got = l.got[:n+1]
	}
	if l.got[n] == nil {
		l.got[n] = new(Message)
	}
	return l.got[n]
}

// maxSpare is how many batches of messages a client keeps to be filled again.
const maxSpare = 4

// Reuse gives back messages and the slice that OnMessages was given, when nobody looks at them any more: later messages
// come in the same memory. What their fields referred to, such as the payload, may be kept.
func (c *Client) Reuse(all []*Message) {
	for _, m := range all {
		m.empty()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.spares) < maxSpare {
		c.spares = append(c.spares, all)
	}
}

// spare is an empty slice for messages; behind its end there may be messages to be filled.
func (c *Client) spare() []*Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.spares)
	if n == 0 {
		return nil
	}
	all := c.spares[n-1]
	c.spares[n-1], c.spares = nil, c.spares[:n-1]
	return all[:0]
}

// handOn gives what was gathered to OnMessages and acknowledges it, up to the first message that is refused.
func (l *link) handOn() error {
	if len(l.got) == 0 {
		return nil
	}
	got, acks := l.got, l.acks
	l.got, l.acks, l.bytes = nil, acks[:0], 0
	if !l.begin() {
		return nil
	}
	defer l.idle()
	l.c.o.OnMessages(got)
	for i, m := range got {
		if m.refused {
			l.undo(acks[i:])
			l.depart()
			return nil
		}
		if acks[i].Type != 0 {
			if err := l.answer(&acks[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// begin marks the reader busy with a message; false when DISCONNECT may be out already, so that no answer would be.
func (l *link) begin() bool {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	if l.bye != nil {
		return false
	}
	l.busy.Store(true)
	return true
}

// idle ends what the reader was busy with; a DISCONNECT may have waited for that.
func (l *link) idle() {
	l.busy.Store(false)
	if l.quiet.Load() {
		l.c.mu.Lock()
		l.c.wake()
		l.c.mu.Unlock()
	}
}

// undo takes back what remember has noted, for messages that were refused.
func (l *link) undo(acks []mqtt.Ack) {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	for i := range acks {
		if acks[i].Type == mqtt.PUBREC {
			delete(l.c.received, acks[i].PacketID)
		}
	}
	if l.cause == nil {
		l.cause = ErrRefused
	}
}

// remember notes a QoS 2 message; false when it is known already.
func (l *link) remember(id uint16) (fresh bool, err error) {
	c := l.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.received[id]; known {
		return false, nil
	}
	if l.version == mqtt.V5 && len(c.received) >= int(c.o.ReceiveMaximum) { // [MQTT-3.3.4-9]
		return false, fmt.Errorf("the broker: %w", mqtt.ReceiveMaximumExceeded)
	}
	c.received[id] = struct{}{}
	return true, nil
}

// release ends a QoS 2 message.
func (l *link) release(a *mqtt.Ack) error {
	c := l.c
	c.mu.Lock()
	_, known := c.received[a.PacketID]
	delete(c.received, a.PacketID)
	c.mu.Unlock()
	answer := mqtt.Ack{Type: mqtt.PUBCOMP, PacketID: a.PacketID}
	if !known {
		answer.Reason = mqtt.PacketIdentifierNotFound
	}
	return l.answer(&answer)
}

// inTopic is the topic of p, its alias resolved. The string of the last message is used again where it is the same.
func (l *link) inTopic(p *mqtt.Publish) (string, error) {
	alias := int(p.Props.TopicAlias)
	if alias > len(l.aliasesIn) { // [MQTT-3.1.2-26]
		return "", fmt.Errorf("the broker uses topic alias %d: %w", alias, mqtt.TopicAliasInvalid)
	}
	if len(p.Topic) == 0 {
		if t := l.aliasesIn[alias-1]; t != "" { // DecodePublish wants topic or alias
			return t, nil
		}
		return "", fmt.Errorf("the broker uses topic alias %d without a topic: %w", alias, mqtt.ProtocolError)
	}
	if string(p.Topic) != l.topic {
		if !utf8.Valid(p.Topic) || bytes.ContainsAny(p.Topic, "\x00+#") { // [MQTT-3.3.2-1] [MQTT-3.3.2-2]
			return "", fmt.Errorf("a message of the broker: %w", mqtt.TopicNameInvalid)
		}
		l.topic = string(p.Topic)
	}
	if alias > 0 {
		l.aliasesIn[alias-1] = l.topic
	}
	return l.topic, nil
}
