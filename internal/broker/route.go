package broker

import "tsunagi/internal/mqtt"

// route hands an accepted message to all its receivers: room 4. The receivers were collected from the tree before; no
// lock of the broker is held. o.match is the message's topic.
func (b *Broker) route(o *outgoing, t *Turn) {
	if w := b.watches.Load(); w != nil {
		b.sawOne(*w, o)
	}
	for i := range o.match.receivers {
		r := &o.match.receivers[i]
		if r.local && r.s == o.from { // [MQTT-3.8.3-3]
			if r = r.own; r == nil {
				continue
			}
		}
		r.s.deliver(r, o, t)
	}
	for _, g := range o.match.groups {
		g.deliver(o, t)
	}
}

// routeRun hands a run of QoS 0 messages to all receivers of their topic. raw holds whole packets without
// properties and flags, count of them, the longest of longest bytes; for receivers of the same kind it is forwarded
// as one range of bytes.
func (b *Broker) routeRun(c *Client, m *match, raw []byte, count, longest int, t *Turn) {
	if w := b.watches.Load(); w != nil {
		b.sawRun(*w, c, m, raw, count)
	}
	share := len(raw) >= shareFrom && len(m.receivers) > 2
	owned := false
	var other []byte // the run as the other kind sees it, encoded for the first that needs it
	for i := range m.receivers {
		r := &m.receivers[i]
		if r.local && r.s == c.s {
			if r = r.own; r == nil {
				continue
			}
		}
		to := r.s.client.Load()
		if to == nil {
			r.s.lose(LossAway, count)
			continue
		}
		if !r.allows(to, m.topic) {
			r.s.lose(LossDenied, count)
			continue
		}
		switch {
		case longest > int(to.maxOut)-runGrowth || to.wire == wire5 && len(r.ids) > 0 || to.outbox.aliases != nil:
			to.deliverEach(raw, c.wire, r.ids, t)
		case to.wire == c.wire:
			if share && !owned {
				raw, owned = append([]byte(nil), raw...), true
			}
			to.deliverRun(raw, count, owned, t)
		default:
			if other == nil && share {
				other = convertRun(nil, raw, c.wire, to.wire, nil)
			} else if other == nil {
				t.run = convertRun(t.run[:0], raw, c.wire, to.wire, nil)
				other = t.run
			}
			to.deliverRun(other, count, share, t)
		}
	}
	for _, g := range m.groups {
		g.deliverRun(m, raw, c.wire, t)
	}
}

// deliverRun hands a run of QoS 0 messages out to the members in turn.
func (g *group) deliverRun(m *match, raw []byte, from wire, t *Turn) {
	o := &t.out
	for len(raw) > 0 {
		size, head := frameSize(raw)
		o.reset()
		o.match, o.raw, o.rawWire = m, raw[:size], from
		o.pub = mqtt.Publish{}
		o.pub.Topic, o.pub.Payload = splitPlain(raw[head:size], from)
		g.deliver(o, t)
		raw = raw[size:]
	}
}

// runGrowth is by how much a message of a run can grow when it is converted without identifiers, in bytes.
const runGrowth = 2

// convertRun appends the messages of a run as the kind to sees them.
func convertRun(dst, raw []byte, from, to wire, ids []uint32) []byte {
	p := mqtt.Publish{Props: mqtt.PublishProps{SubscriptionIDs: ids}}
	for len(raw) > 0 {
		size, head := frameSize(raw)
		p.Topic, p.Payload = splitPlain(raw[head:size], from)
		dst = p.Append(dst, to.version())
		raw = raw[size:]
	}
	return dst
}

// splitPlain takes the body of a QoS 0 publish without properties apart.
func splitPlain(body []byte, w wire) (name, payload []byte) {
	n := 2 + (int(body[0])<<8 | int(body[1]))
	name, payload = body[2:n], body[n:]
	if w == wire5 {
		payload = payload[1:] // the length of no properties
	}
	return name, payload
}

// frameSize is the size of the complete and checked packet at the start of raw and that of its fixed header.
func frameSize(raw []byte) (size, head int) {
	length, shift := 0, 0
	for head = 1; ; head++ {
		length |= int(raw[head]&0x7F) << shift
		shift += 7
		if raw[head] < 0x80 {
			head++
			return head + length, head
		}
	}
}
