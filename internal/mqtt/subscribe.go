package mqtt

import (
	"bytes"
	"encoding/binary"
)

// The bits of the subscription options (3.8.3.1).
const (
	optionQoS               = 0x03
	optionNoLocal           = 0x04
	optionRetainAsPublished = 0x08
	optionRetainHandling    = 0x30
	optionReserved          = 0xC0
)

// DecodeSubscribe decodes a SUBSCRIBE. Filters are UTF-8 without U+0000; whether they are valid filters is for
// topic.ParseFilter to say.
func DecodeSubscribe(f Frame, v Version) (*Subscribe, error) {
	if err := flagsOf(f, v, 0x02); err != nil { // [MQTT-3.8.1-1]
		return nil, err
	}
	r := reader{b: f.Body}
	s := &Subscribe{PacketID: r.packetID()}
	if v == V5 {
		scan := r.scan(subscribeProps)
		var p property
		for scan.next(&p) {
			switch p.id {
			case propSubscriptionID:
				s.SubscriptionID = p.num
				if p.num == 0 {
					return nil, errPropZero
				}
			case propUser:
				s.UserProps = append(s.UserProps, p.pair())
			}
		}
		if scan.err != nil {
			return nil, scan.err
		}
	}
	for len(r.b) > 0 {
		sub, err := readSubscription(&r, v)
		if err != nil {
			return nil, err
		}
		s.Filters = append(s.Filters, sub)
	}
	if r.err != nil {
		return nil, r.err
	}
	if len(s.Filters) == 0 { // [MQTT-3.8.3-2]
		return nil, errNoFilter
	}
	return s, nil
}

var (
	errNoFilter = protocol("no topic filter")
	sharePrefix = []byte("$share/")
)

func readSubscription(r *reader, v Version) (Subscription, error) {
	s := Subscription{Filter: r.text()} // [MQTT-3.8.3-1]
	o := r.u8()
	if r.err != nil {
		return s, r.err
	}
	s.QoS = o & optionQoS
	if s.QoS == 3 { // 3.8.3.1; [v3.1.1 MQTT-3.8.3-4] calls it malformed
		if v == V5 {
			return s, protocol("QoS 3")
		}
		return s, malformed("QoS 3")
	}
	if v == V311 && o&^optionQoS != 0 || v == V5 && o&optionReserved != 0 { // [MQTT-3.8.3-5]
		return s, malformed("reserved subscription options are set")
	}
	if v != V5 {
		return s, nil
	}
	s.NoLocal = o&optionNoLocal != 0
	s.RetainAsPublished = o&optionRetainAsPublished != 0
	s.RetainHandling = o & optionRetainHandling >> 4
	if s.RetainHandling == 3 {
		return s, protocol("retain handling 3")
	}
	if s.NoLocal && bytes.HasPrefix(s.Filter, sharePrefix) { // [MQTT-3.8.3-4]
		return s, protocol("no local on a shared subscription")
	}
	return s, nil
}

// Append appends the packet in the form of version v.
func (s *Subscribe) Append(dst []byte, v Version) []byte {
	dst = append(dst, byte(SUBSCRIBE)<<4|0x02)
	mark := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, s.PacketID)
	if v == V5 {
		props := len(dst)
		if s.SubscriptionID != 0 {
			dst = appendVarint(append(dst, propSubscriptionID), int(s.SubscriptionID))
		}
		dst = closeLength(appendPairs(dst, s.UserProps), props)
	}
	for i := range s.Filters {
		dst = appendBinary(dst, s.Filters[i].Filter)
		dst = append(dst, s.Filters[i].options(v))
	}
	return closeLength(dst, mark)
}

func (s *Subscription) options(v Version) byte {
	o := s.QoS
	if v != V5 {
		return o
	}
	if s.NoLocal {
		o |= optionNoLocal
	}
	if s.RetainAsPublished {
		o |= optionRetainAsPublished
	}
	return o | s.RetainHandling<<4
}

// DecodeUnsubscribe decodes an UNSUBSCRIBE.
func DecodeUnsubscribe(f Frame, v Version) (*Unsubscribe, error) {
	if err := flagsOf(f, v, 0x02); err != nil { // [MQTT-3.10.1-1]
		return nil, err
	}
	r := reader{b: f.Body}
	u := &Unsubscribe{PacketID: r.packetID()}
	if v == V5 {
		scan := r.scan(unsubscribeProps)
		var p property
		for scan.next(&p) {
			u.UserProps = append(u.UserProps, p.pair())
		}
		if scan.err != nil {
			return nil, scan.err
		}
	}
	for len(r.b) > 0 {
		u.Filters = append(u.Filters, r.text()) // [MQTT-3.10.3-1]
	}
	if r.err != nil {
		return nil, r.err
	}
	if len(u.Filters) == 0 { // [MQTT-3.10.3-2]
		return nil, errNoFilter
	}
	return u, nil
}

// Append appends the packet in the form of version v.
func (u *Unsubscribe) Append(dst []byte, v Version) []byte {
	dst = append(dst, byte(UNSUBSCRIBE)<<4|0x02)
	mark := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, u.PacketID)
	if v == V5 {
		props := len(dst)
		dst = closeLength(appendPairs(dst, u.UserProps), props)
	}
	for _, f := range u.Filters {
		dst = appendBinary(dst, f)
	}
	return closeLength(dst, mark)
}
