package mqtt

import (
	"bytes"
	"iter"
	"slices"
)

// read takes the properties of a PUBLISH or, with a place for the will delay, of a will.
func (p *PublishProps) read(s *propScan, delay *uint32) error {
	var q property
	copied := false // p.User is memory of its own
	for {
		before := s.b
		if !s.next(&q) {
			return s.err
		}
		switch q.id {
		case propPayloadFormat:
			p.PayloadFormat, p.FormatTold = byte(q.num), q.num == 0
		case propExpiry:
			p.HasExpiry, p.Expiry = true, q.num
		case propContentType:
			p.ContentType = q.text
		case propResponseTopic:
			p.ResponseTopic = q.text
			if !topicName(q.text) { // [MQTT-3.3.2-14]
				return errResponseTopic
			}
		case propCorrelation:
			p.Correlation, p.HasCorrelation = q.text, true
		case propSubscriptionID:
			p.SubscriptionIDs = append(p.SubscriptionIDs, q.num)
			if q.num == 0 {
				return errPropZero
			}
		case propTopicAlias:
			p.TopicAlias = uint16(q.num)
			if q.num == 0 { // [MQTT-3.3.2-8]
				return errAliasZero
			}
		case propWillDelay:
			*delay = q.num
		case propUser:
			copied = p.addUser(before[:len(before)-len(s.b)], copied)
		}
	}
}

// addUser keeps one encoded user property, in order [MQTT-3.3.2-18]. Neighbours are kept as one view of the buffer;
// only when another property stands between two are they copied, which it reports.
func (p *PublishProps) addUser(raw []byte, copied bool) bool {
	n := len(p.User)
	switch {
	case copied:
		p.User = append(p.User, raw...)
	case n == 0:
		p.User = raw
	case cap(p.User) >= n+len(raw) && &p.User[:n+1][n] == &raw[0]:
		p.User = p.User[:n+len(raw)]
	default:
		p.User = append(p.User[:n:n], raw...)
		return true
	}
	return copied
}

var (
	errResponseTopic = protocol("the response topic is empty or has wildcards")
	errAliasZero     = &fault{TopicAliasInvalid, "topic alias 0"}
)

// Size is the number of bytes of the properties, without the length in front of them.
func (p *PublishProps) Size() int {
	n := len(p.User)
	if p.PayloadFormat != 0 || p.FormatTold {
		n += 2
	}
	if p.HasExpiry {
		n += 5
	}
	if p.TopicAlias != 0 {
		n += 3
	}
	if p.ResponseTopic != nil {
		n += 3 + len(p.ResponseTopic)
	}
	if p.HasCorrelation {
		n += 3 + len(p.Correlation)
	}
	if p.ContentType != nil {
		n += 3 + len(p.ContentType)
	}
	for _, id := range p.SubscriptionIDs {
		n += 1 + varintSize(int(id))
	}
	return n
}

// Append appends the properties with their length in front, as they stand in a PUBLISH; DecodeProps reads them back.
func (p *PublishProps) Append(dst []byte) []byte {
	return p.append(appendVarint(dst, p.Size()))
}

func (p *PublishProps) append(dst []byte) []byte {
	if p.PayloadFormat != 0 || p.FormatTold {
		dst = append(dst, propPayloadFormat, p.PayloadFormat)
	}
	if p.HasExpiry {
		dst = appendPropU32(dst, propExpiry, p.Expiry)
	}
	if p.TopicAlias != 0 {
		dst = appendPropU16(dst, propTopicAlias, p.TopicAlias)
	}
	if p.ResponseTopic != nil {
		dst = appendBinary(append(dst, propResponseTopic), p.ResponseTopic)
	}
	if p.HasCorrelation {
		dst = appendBinary(append(dst, propCorrelation), p.Correlation)
	}
	if p.ContentType != nil {
		dst = appendBinary(append(dst, propContentType), p.ContentType)
	}
	for _, id := range p.SubscriptionIDs {
		dst = appendVarint(append(dst, propSubscriptionID), int(id))
	}
	return append(dst, p.User...)
}

// DecodeProps reads what Append wrote and returns the bytes behind it. p views b.
func (p *PublishProps) DecodeProps(b []byte) (rest []byte, err error) {
	*p = PublishProps{SubscriptionIDs: p.SubscriptionIDs[:0]}
	r := reader{b: b}
	s := r.scan(publishProps)
	if r.err != nil {
		return nil, r.err
	}
	return r.b, p.read(&s, nil)
}

// AppendProps appends the will properties with their length in front.
func (w *Will) AppendProps(dst []byte) []byte {
	n := w.Props.Size()
	if w.Delay != 0 {
		dst = appendPropU32(appendVarint(dst, n+5), propWillDelay, w.Delay)
		return w.Props.append(dst)
	}
	return w.Props.Append(dst)
}

// Clone returns properties that share no memory with p. Empty values stay told apart from absent ones.
func (p *PublishProps) Clone() PublishProps {
	q := *p
	q.ResponseTopic = bytes.Clone(p.ResponseTopic)
	q.Correlation = bytes.Clone(p.Correlation)
	q.ContentType = bytes.Clone(p.ContentType)
	q.User = bytes.Clone(p.User)
	q.SubscriptionIDs = slices.Clone(p.SubscriptionIDs)
	return q
}

// UserPairs yields the user properties in their order.
func (p *PublishProps) UserPairs() iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		s := propScan{reader: reader{b: p.User}, allowed: 1 << propUser}
		var q property
		for s.next(&q) {
			if !yield(string(q.text), string(q.value)) {
				return
			}
		}
	}
}
