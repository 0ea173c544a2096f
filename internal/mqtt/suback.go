package mqtt

import "encoding/binary"

// DecodeSuback decodes SUBACK and UNSUBACK.
func DecodeSuback(f Frame, v Version) (*Suback, error) {
	s := &Suback{Type: f.Type()}
	if err := flagsOf(f, v, 0); err != nil {
		return nil, err
	}
	r := reader{b: f.Body}
	s.PacketID = r.packetID()
	if v == V5 {
		scan := r.scan(ackProps)
		var p property
		for scan.next(&p) {
			switch p.id {
			case propReasonString:
				s.ReasonString = string(p.text)
			case propUser:
				s.UserProps = append(s.UserProps, p.pair())
			}
		}
		if scan.err != nil {
			return nil, scan.err
		}
	}
	if s.Type == UNSUBACK && v != V5 { // has no payload (3.11 of 3.1.1)
		return s, r.end()
	}
	if r.err == nil && len(r.b) == 0 {
		return nil, malformed("no reason codes")
	}
	for _, b := range r.b {
		if !s.allows(Reason(b), v) { // [MQTT-3.9.3-2] [MQTT-3.11.3-2] [v3.1.1 MQTT-3.9.3-2]
			return nil, errReason
		}
		s.Reasons = append(s.Reasons, Reason(b))
	}
	return s, r.err
}

// allows says whether r may be the answer to one filter.
func (s *Suback) allows(r Reason, v Version) bool {
	switch r {
	case Success, UnspecifiedError:
		return true
	case GrantedQoS1, GrantedQoS2:
		return s.Type == SUBACK
	case NoSubscriptionExisted:
		return s.Type == UNSUBACK
	case ImplementationSpecificError, NotAuthorized, TopicFilterInvalid, PacketIdentifierInUse:
		return v == V5
	case QuotaExceeded, SharedSubscriptionsNotSupported, SubscriptionIdentifiersNotSupported,
		WildcardSubscriptionsNotSupported:
		return v == V5 && s.Type == SUBACK
	}
	return false
}

// Append appends the packet in the form of version v. Before 5.0 each refusal is 0x80, which 3.1 doesn't know but
// which says more than a granted QoS would.
func (s *Suback) Append(dst []byte, v Version) []byte {
	dst = append(dst, byte(s.Type)<<4)
	mark := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, s.PacketID)
	if v == V5 {
		dst = appendReasonProps(dst, s.ReasonString, s.UserProps)
	}
	if s.Type == SUBACK || v == V5 {
		for _, r := range s.Reasons {
			if v != V5 && r.Failed() {
				r = UnspecifiedError
			}
			dst = append(dst, byte(r))
		}
	}
	return closeLength(dst, mark)
}
