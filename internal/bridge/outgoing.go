package bridge

import (
	"tsunagi/internal/fault"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/resident"
)

// outgoing turns one packet of the instance into one for the remote broker.
func (p *pair) outgoing(f mqtt.Frame) error {
	switch f.Type() {
	case mqtt.PUBLISH:
		return p.send(f)
	case mqtt.PUBACK, mqtt.PUBREC, mqtt.PUBREL, mqtt.PUBCOMP:
		var a mqtt.Ack
		if err := mqtt.DecodeAck(&a, f, mqtt.V5); err != nil {
			return err
		}
		return p.acknowledge(&a)
	case mqtt.SUBACK:
		return resident.Refused(f, mqtt.V5, fault.HereSubscription)
	case mqtt.DISCONNECT:
		return p.l.Dismissed(f)
	}
	return nil
}

// send carries a message out, or ends it here where it can't go.
func (p *pair) send(f mqtt.Frame) error {
	m := &p.out
	if err := mqtt.DecodePublish(m, f, mqtt.V5); err != nil {
		return err
	}
	name, ok := outward(p.c.Topics, string(m.Topic))
	switch {
	case !ok:
		return p.drop(m, fault.New(fault.OutNowhere, "topic", quoted(m.Topic)))
	case hasBeen(&m.Props, p.own, p.remote):
		return p.drop(m, nil)
	case m.QoS > p.wire.Connack.MaxQoS:
		return fault.New(fault.MostQoS, "qos", p.wire.Connack.MaxQoS)
	}
	m.Topic = []byte(name)
	m.Props.TopicAlias, m.Props.SubscriptionIDs = 0, nil
	m.Retain = m.Retain && !p.wire.Connack.RetainUnavailable
	through(&m.Props, p.own)
	if most := int(p.wire.Connack.MaxPacket); most > 0 && m.Size(p.wire.Version) > most {
		return p.drop(m, fault.New(fault.OutLarge, "topic", quoted(m.Topic), "bytes", most))
	}
	if m.QoS > 0 && m.Retain {
		p.mu.Lock()
		p.retained[m.PacketID] = struct{}{}
		p.mu.Unlock()
	}
	p.buf = m.Append(p.buf, p.wire.Version)
	p.r.sent.Add(1)
	return nil
}

// drop tells the instance that a message is done. why is for people; nil when it is as it should be.
func (p *pair) drop(m *mqtt.Publish, why error) error {
	if why != nil {
		p.r.refusal(why)
	} else {
		p.r.returned.Add(1)
	}
	a := mqtt.Ack{Type: mqtt.PUBACK, PacketID: m.PacketID}
	switch m.QoS {
	case 0:
		return nil
	case 2:
		a.Type, a.Reason = mqtt.PUBREC, mqtt.UnspecifiedError // ends it [MQTT-4.3.3-4]
	}
	return p.toInstance(a.Append(nil, mqtt.V5))
}

// acknowledge carries the instance's part of a handshake out.
func (p *pair) acknowledge(a *mqtt.Ack) error {
	p.mu.Lock()
	_, kept := p.kept[a.PacketID]
	switch a.Type {
	case mqtt.PUBACK:
		p.open--
		p.room.Signal()
		fallthrough
	case mqtt.PUBREC:
		delete(p.kept, a.PacketID)
	}
	p.mu.Unlock()
	if a.Reason.Failed() && a.Type != mqtt.PUBREL && a.Type != mqtt.PUBCOMP {
		if a.Reason == mqtt.QuotaExceeded && !kept { // it passes; unacknowledged, the message comes again
			return fault.Wrap(fault.HereFull, reasonOf(a))
		}
		p.r.refusal(fault.Wrap(fault.HereRefused, reasonOf(a), "reason", fault.Reason(byte(a.Reason))))
	}
	answer := mqtt.Ack{Type: a.Type, PacketID: a.PacketID}
	if a.Type == mqtt.PUBREL {
		answer.Reason = a.Reason
	}
	p.buf = answer.Append(p.buf, p.wire.Version)
	return nil
}
