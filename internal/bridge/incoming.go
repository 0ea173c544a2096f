package bridge

import (
	"fmt"

	"tsunagi/internal/fault"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/resident"
	"tsunagi/internal/topic"
)

// incoming turns one packet of the remote broker into one for the instance.
func (p *pair) incoming(f mqtt.Frame) error {
	switch f.Type() {
	case mqtt.PUBLISH:
		return p.receive(f)
	case mqtt.PUBACK, mqtt.PUBREC, mqtt.PUBREL, mqtt.PUBCOMP:
		var a mqtt.Ack
		if err := mqtt.DecodeAck(&a, f, p.wire.Version); err != nil {
			return err
		}
		return p.acknowledged(&a)
	case mqtt.SUBACK:
		if err := resident.Refused(f, p.wire.Version, fault.ThereSubscription); err != nil {
			p.r.refusal(err)
		}
		if p.asked {
			p.asked = false
			p.r.joined()
		}
		return nil
	case mqtt.PINGRESP, mqtt.UNSUBACK:
		return nil
	}
	return fmt.Errorf("%w: a packet of type %d from the remote broker", mqtt.ProtocolError, f.Type())
}

// receive carries a message in, or ends it here where it can't go.
func (p *pair) receive(f mqtt.Frame) error {
	m := &p.pub
	if err := mqtt.DecodePublish(m, f, p.wire.Version); err != nil {
		return err
	}
	if m.Props.TopicAlias != 0 || !topic.ValidName(m.Topic) { // [MQTT-3.1.2-26] [MQTT-3.3.2-2]
		return fmt.Errorf("%w: the remote broker sent a topic alias or a topic that is not valid", mqtt.ProtocolError)
	}
	name, ok := inward(p.c.Topics, string(m.Topic))
	switch {
	case !ok:
		return p.discard(m, fault.New(fault.InNowhere, "topic", quoted(m.Topic)))
	case hasBeen(&m.Props, p.own):
		return p.discard(m, nil)
	}
	m.Topic = []byte(name)
	m.Props.SubscriptionIDs = nil
	through(&m.Props, p.remote)
	if most := p.l.MaxPacket(); most > 0 && m.Size(mqtt.V5) > most {
		return p.discard(m, fault.New(fault.InLarge, "topic", quoted(m.Topic), "bytes", most))
	}
	p.admit(m)
	p.r.received.Add(1)
	return p.toInstance(m.Append(nil, mqtt.V5))
}

// admit keeps the books of what the instance has not answered yet. A broker before 5.0 knows no Receive Maximum: it is
// held up here.
func (p *pair) admit(m *mqtt.Publish) {
	if m.QoS == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.Retain {
		p.kept[m.PacketID] = struct{}{}
	}
	if m.QoS == 1 {
		for p.open >= receiveMaximum && !p.over {
			p.room.Wait()
		}
		p.open++
	}
}

// discard tells the remote broker that a message is done. why is for people; nil when it is as it should be.
func (p *pair) discard(m *mqtt.Publish, why error) error {
	if why != nil {
		p.r.refusal(why)
	} else {
		p.r.returned.Add(1)
	}
	switch m.QoS {
	case 1:
		p.answer(&mqtt.Ack{Type: mqtt.PUBACK, PacketID: m.PacketID})
	case 2: // PUBREL follows, which the instance answers without knowing of the message
		p.answer(&mqtt.Ack{Type: mqtt.PUBREC, PacketID: m.PacketID})
	}
	return nil
}

// acknowledged carries the remote broker's part of a handshake in.
func (p *pair) acknowledged(a *mqtt.Ack) error {
	answer := mqtt.Ack{Type: a.Type, PacketID: a.PacketID}
	if a.Type == mqtt.PUBACK || a.Type == mqtt.PUBREC {
		p.mu.Lock()
		_, retained := p.retained[a.PacketID]
		delete(p.retained, a.PacketID)
		p.mu.Unlock()
		if a.Reason.Failed() {
			if a.Reason == mqtt.QuotaExceeded && !retained { // it passes; the message goes again
				return fault.Wrap(fault.ThereFull, reasonOf(a))
			}
			p.r.refusal(fault.Wrap(fault.ThereRefused, reasonOf(a), "reason", fault.Reason(byte(a.Reason))))
			answer.Reason = a.Reason
		}
	}
	return p.toInstance(answer.Append(nil, mqtt.V5))
}
