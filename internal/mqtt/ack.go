package mqtt

import "encoding/binary"

// DecodeAck decodes PUBACK, PUBREC, PUBREL, PUBCOMP into a, reusing it.
func DecodeAck(a *Ack, f Frame, v Version) error {
	*a = Ack{Type: f.Type()}
	if err := flagsOf(f, v, ackFlags(a.Type)); err != nil {
		return err
	}
	r := reader{b: f.Body}
	a.PacketID = r.packetID()
	if v != V5 || len(r.b) == 0 { // without a reason code it is Success (3.4.2.1)
		return r.end()
	}
	a.Reason = Reason(r.u8())
	if !a.allows(a.Reason) { // [MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1] [MQTT-3.7.2-1]
		return errReason
	}
	if len(r.b) == 0 {
		return nil
	}
	s := r.scan(ackProps)
	var p property
	for s.next(&p) {
		switch p.id {
		case propReasonString:
			a.ReasonString = string(p.text)
		case propUser:
			a.UserProps = append(a.UserProps, p.pair())
		}
	}
	return firstError(s.err, r.end())
}

var errReason = protocol("a reason code that this packet cannot have")

// ackFlags are the fixed flags of the packet: PUBREL has 0010 [MQTT-3.6.1-1].
func ackFlags(t Type) byte {
	if t == PUBREL {
		return 0x02
	}
	return 0
}

// allows says whether the packet may carry reason code r.
func (a *Ack) allows(r Reason) bool {
	if a.Type == PUBREL || a.Type == PUBCOMP {
		return r == Success || r == PacketIdentifierNotFound
	}
	switch r {
	case Success, NoMatchingSubscribers, UnspecifiedError, ImplementationSpecificError, NotAuthorized, TopicNameInvalid,
		PacketIdentifierInUse, QuotaExceeded, PayloadFormatInvalid:
		return true
	}
	return false
}

// Append appends the packet in the form of version v.
func (a *Ack) Append(dst []byte, v Version) []byte {
	dst = append(dst, byte(a.Type)<<4|ackFlags(a.Type))
	plain := a.ReasonString == "" && len(a.UserProps) == 0
	switch {
	case v != V5 || plain && a.Reason == Success:
		return binary.BigEndian.AppendUint16(append(dst, 2), a.PacketID)
	case plain:
		return append(binary.BigEndian.AppendUint16(append(dst, 3), a.PacketID), byte(a.Reason))
	}
	mark := len(dst)
	dst = append(binary.BigEndian.AppendUint16(dst, a.PacketID), byte(a.Reason))
	return closeLength(appendReasonProps(dst, a.ReasonString, a.UserProps), mark)
}

// appendReasonProps appends the property block that most answers have.
func appendReasonProps(dst []byte, why string, pairs []Pair) []byte {
	mark := len(dst)
	dst = appendPropText(dst, propReasonString, why)
	return closeLength(appendPairs(dst, pairs), mark)
}
