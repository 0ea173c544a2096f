package mqtt

import "encoding/binary"

// DecodePublish decodes into p, reusing it, without allocating, except where user properties are not neighbours and
// where more subscription identifiers come than p has had before. Topic names are checked for UTF-8 and U+0000 by
// topic.ValidName on a cache miss, not here; all else is checked. Whether a client may send what only servers send
// (subscription identifiers) is the broker's question [MQTT-3.3.4-6].
func DecodePublish(p *Publish, f Frame, v Version) error {
	ids := p.Props.SubscriptionIDs[:0]
	*p = Publish{Dup: f.First&0x08 != 0, QoS: f.First >> 1 & 3, Retain: f.First&0x01 != 0}
	if p.QoS == 3 { // [MQTT-3.3.1-4]
		return malformed("QoS 3")
	}
	if p.Dup && p.QoS == 0 {
		if v != V31 { // [MQTT-3.3.1-2]
			return malformed("DUP at QoS 0")
		}
		p.Dup = false
	}
	r := reader{b: f.Body}
	p.Topic = r.binary()
	if p.QoS > 0 {
		p.PacketID = r.packetID()
	}
	if v == V5 {
		s := r.scan(publishProps)
		p.Props.SubscriptionIDs = ids
		if len(s.b) > 0 || s.err != nil {
			if err := p.Props.read(&s, nil); err != nil {
				return err
			}
		}
	}
	if r.err != nil {
		return r.err
	}
	if len(p.Topic) == 0 && p.Props.TopicAlias == 0 { // [MQTT-4.7.3-1] and 3.3.2.1
		return protocol("neither topic nor topic alias")
	}
	p.Payload = r.b
	return nil
}

// Size is the number of bytes that Append will write.
func (p *Publish) Size(v Version) int {
	n := p.remaining(v)
	return 1 + varintSize(n) + n
}

// remaining is the remaining length of the packet.
func (p *Publish) remaining(v Version) int {
	n := 2 + len(p.Topic) + len(p.Payload)
	if p.QoS > 0 {
		n += 2
	}
	if v == V5 {
		props := p.Props.Size()
		n += varintSize(props) + props
	}
	return n
}

// Append appends the packet in the form of version v. Properties are left out before 5.0. The topic has at most 65535
// bytes and the whole at most MaxRemaining: what was decoded has, who makes messages checks.
func (p *Publish) Append(dst []byte, v Version) []byte {
	first := byte(PUBLISH)<<4 | p.QoS<<1
	if p.Dup {
		first |= 0x08
	}
	if p.Retain {
		first |= 0x01
	}
	dst = append(dst, first)
	dst = appendVarint(dst, p.remaining(v))
	dst = appendBinary(dst, p.Topic)
	if p.QoS > 0 {
		dst = binary.BigEndian.AppendUint16(dst, p.PacketID)
	}
	if v == V5 {
		dst = p.Props.Append(dst)
	}
	return append(dst, p.Payload...)
}
