package conformance

import (
	"tsunagi/internal/mqtt"
)

// build makes the bytes of a packet to be sent.
func (r *reading) build(packet string, as args) []byte {
	switch packet {
	case "HEX":
		var words []string
		for _, a := range as {
			words = append(words, a.key)
		}
		return r.raw(words)
	case "CONNECT":
		return r.connect(as).Append(nil)
	case "PUBLISH":
		p := r.publish(as)
		return p.Append(nil, r.v)
	case "PUBACK", "PUBREC", "PUBREL", "PUBCOMP":
		return r.ack(packet, as).Append(nil, r.v)
	case "SUBSCRIBE":
		return r.subscribe(as).Append(nil, r.v)
	case "UNSUBSCRIBE":
		return r.unsubscribe(as).Append(nil, r.v)
	case "PINGREQ":
		return mqtt.AppendPing(nil, mqtt.PINGREQ)
	case "DISCONNECT":
		return r.disconnect(as).Append(nil, r.v)
	}
	r.fail("%s can't be sent: use HEX", packet)
	return nil
}

func (r *reading) connect(as args) *mqtt.Connect {
	c := &mqtt.Connect{Version: r.v, RequestProblem: true}
	will := func() *mqtt.Will {
		if c.Will == nil {
			c.Will = &mqtt.Will{}
		}
		return c.Will
	}
	for _, a := range as {
		switch a.key {
		case "id":
			c.ClientID = r.bytes(a.value)
		case "clean":
			c.Clean = true
		case "keepalive":
			c.KeepAlive = r.u16(a.value)
		case "user":
			c.HasUser, c.User = true, r.bytes(a.value)
		case "password":
			c.HasPassword, c.Password = true, r.bytes(a.value)
		case "will":
			will().Topic = r.bytes(a.value)
		case "will.payload":
			will().Payload = r.bytes(a.value)
		case "will.qos":
			will().QoS = r.u8(a.value)
		case "will.retain":
			will().Retain = true
		case "will.delay":
			will().Delay = r.u32(a.value)
		default:
			if len(a.key) > 5 && a.key[:5] == "will." {
				r.publishProp(&will().Props, arg{a.key[5:], a.value, a.flag})
			} else {
				r.connectProp(c, a)
			}
		}
	}
	return c
}

func (r *reading) connectProp(c *mqtt.Connect, a arg) {
	switch a.key {
	case "session":
		c.SessionExpiry, c.HasSessionExpiry = r.u32(a.value), true
	case "receive-max":
		c.ReceiveMaximum = r.u16(a.value)
	case "max-packet":
		c.MaxPacket = r.u32(a.value)
	case "alias-max":
		c.TopicAliasMax = r.u16(a.value)
	case "request-response":
		c.RequestResponse = true
	case "no-problem-info":
		c.RequestProblem = false
	case "user-property":
		c.UserProps = append(c.UserProps, r.pair(a.value))
	case "auth-method":
		c.AuthMethod = r.text(a.value)
	default:
		r.unknown(a)
	}
}

func (r *reading) publish(as args) mqtt.Publish {
	p := mqtt.Publish{Topic: []byte{}}
	for _, a := range as {
		switch a.key {
		case "topic":
			p.Topic = r.bytes(a.value)
		case "qos":
			p.QoS = r.u8(a.value)
		case "retain":
			p.Retain = true
		case "dup":
			p.Dup = true
		case "id":
			p.PacketID = r.id(a.value)
		case "payload":
			if p.Payload = r.bytes(a.value); a.value == "any" {
				r.fail("payload=any is for what comes")
			}
		case "size": // a payload of so many bytes
			p.Payload = make([]byte, r.u32(a.value))
		default:
			r.publishProp(&p.Props, a)
		}
	}
	return p
}

func (r *reading) publishProp(p *mqtt.PublishProps, a arg) {
	switch a.key {
	case "format":
		p.PayloadFormat = r.u8(a.value)
		p.FormatTold = p.PayloadFormat == 0
	case "expiry":
		p.Expiry, p.HasExpiry = r.u32(a.value), true
	case "alias":
		p.TopicAlias = r.alias(a.value)
	case "response":
		p.ResponseTopic = r.bytes(a.value)
	case "correlation":
		p.Correlation, p.HasCorrelation = r.bytes(a.value), true
	case "content":
		p.ContentType = r.bytes(a.value)
	case "subscription":
		p.SubscriptionIDs = append(p.SubscriptionIDs, r.u32(a.value))
	case "user-property":
		u := r.pair(a.value)
		p.User = mqtt.AppendUserProperty(p.User, u.Key, u.Value)
	default:
		r.unknown(a)
	}
}

func (r *reading) ack(packet string, as args) *mqtt.Ack {
	a := &mqtt.Ack{Type: types[packet]}
	for _, x := range as {
		switch x.key {
		case "id":
			a.PacketID = r.id(x.value)
		case "code":
			a.Reason = mqtt.Reason(r.u8(x.value))
		default:
			r.unknown(x)
		}
	}
	return a
}

var types = map[string]mqtt.Type{"CONNACK": mqtt.CONNACK, "PUBLISH": mqtt.PUBLISH, "PUBACK": mqtt.PUBACK,
	"PUBREC": mqtt.PUBREC, "PUBREL": mqtt.PUBREL, "PUBCOMP": mqtt.PUBCOMP, "SUBACK": mqtt.SUBACK,
	"UNSUBACK": mqtt.UNSUBACK, "PINGRESP": mqtt.PINGRESP, "DISCONNECT": mqtt.DISCONNECT, "AUTH": mqtt.AUTH}

// subscribe reads filter=… with the options that follow it.
func (r *reading) subscribe(as args) *mqtt.Subscribe {
	s := &mqtt.Subscribe{}
	for _, a := range as {
		switch a.key {
		case "id":
			s.PacketID = r.id(a.value)
			continue
		case "subscription":
			s.SubscriptionID = r.u32(a.value)
			continue
		case "filter":
			s.Filters = append(s.Filters, mqtt.Subscription{Filter: r.bytes(a.value)})
			continue
		}
		if len(s.Filters) == 0 {
			r.fail("%s before the first filter", a.key)
			return s
		}
		f := &s.Filters[len(s.Filters)-1]
		switch a.key {
		case "qos":
			f.QoS = r.u8(a.value)
		case "no-local":
			f.NoLocal = true
		case "as-published":
			f.RetainAsPublished = true
		case "handling":
			f.RetainHandling = r.u8(a.value)
		default:
			r.unknown(a)
		}
	}
	return s
}

func (r *reading) unsubscribe(as args) *mqtt.Unsubscribe {
	u := &mqtt.Unsubscribe{}
	for _, a := range as {
		switch a.key {
		case "id":
			u.PacketID = r.id(a.value)
		case "filter":
			u.Filters = append(u.Filters, r.bytes(a.value))
		default:
			r.unknown(a)
		}
	}
	return u
}

func (r *reading) disconnect(as args) *mqtt.Disconnect {
	d := &mqtt.Disconnect{}
	for _, a := range as {
		switch a.key {
		case "code":
			d.Reason = mqtt.Reason(r.u8(a.value))
		case "session":
			d.SessionExpiry, d.HasSessionExpiry = r.u32(a.value), true
		default:
			r.unknown(a)
		}
	}
	return d
}
