package mqtt

import "encoding/binary"

// The property identifiers of MQTT 5.0, table 2-4.
const (
	propPayloadFormat   = 0x01
	propExpiry          = 0x02
	propContentType     = 0x03
	propResponseTopic   = 0x08
	propCorrelation     = 0x09
	propSubscriptionID  = 0x0B
	propSessionExpiry   = 0x11
	propAssignedID      = 0x12
	propServerKeepAlive = 0x13
	propAuthMethod      = 0x15
	propAuthData        = 0x16
	propRequestProblem  = 0x17
	propWillDelay       = 0x18
	propRequestResponse = 0x19
	propResponseInfo    = 0x1A
	propServerReference = 0x1C
	propReasonString    = 0x1F
	propReceiveMaximum  = 0x21
	propTopicAliasMax   = 0x22
	propTopicAlias      = 0x23
	propMaxQoS          = 0x24
	propRetainAvailable = 0x25
	propUser            = 0x26
	propMaxPacket       = 0x27
	propWildcards       = 0x28
	propSubIDAvailable  = 0x29
	propShared          = 0x2A
)

// kind is the data type of a property.
type kind byte

const (
	kindNone kind = iota
	kindByte
	kindU16
	kindU32
	kindVarint
	kindText
	kindBinary
	kindPair
)

// kinds says the type of each identifier; the others don't exist.
var kinds = [64]kind{
	propPayloadFormat: kindByte, propExpiry: kindU32, propContentType: kindText, propResponseTopic: kindText,
	propCorrelation: kindBinary, propSubscriptionID: kindVarint, propSessionExpiry: kindU32, propAssignedID: kindText,
	propServerKeepAlive: kindU16, propAuthMethod: kindText, propAuthData: kindBinary, propRequestProblem: kindByte,
	propWillDelay: kindU32, propRequestResponse: kindByte, propResponseInfo: kindText, propServerReference: kindText,
	propReasonString: kindText, propReceiveMaximum: kindU16, propTopicAliasMax: kindU16, propTopicAlias: kindU16,
	propMaxQoS: kindByte, propRetainAvailable: kindByte, propUser: kindPair, propMaxPacket: kindU32,
	propWildcards: kindByte, propSubIDAvailable: kindByte, propShared: kindByte,
}

// Which properties a packet may hold, a bit for each identifier (table 2-4).
const (
	publishProps uint64 = 1<<propPayloadFormat | 1<<propExpiry | 1<<propContentType | 1<<propResponseTopic |
		1<<propCorrelation | 1<<propSubscriptionID | 1<<propTopicAlias | 1<<propUser
	willProps    uint64 = publishProps&^(1<<propSubscriptionID|1<<propTopicAlias) | 1<<propWillDelay
	connectProps uint64 = 1<<propSessionExpiry | 1<<propReceiveMaximum | 1<<propMaxPacket | 1<<propTopicAliasMax |
		1<<propRequestResponse | 1<<propRequestProblem | 1<<propUser | 1<<propAuthMethod | 1<<propAuthData
	connackProps uint64 = 1<<propSessionExpiry | 1<<propReceiveMaximum | 1<<propMaxQoS | 1<<propRetainAvailable |
		1<<propMaxPacket | 1<<propAssignedID | 1<<propTopicAliasMax | 1<<propReasonString | 1<<propUser |
		1<<propWildcards | 1<<propSubIDAvailable | 1<<propShared | 1<<propServerKeepAlive | 1<<propResponseInfo |
		1<<propServerReference | 1<<propAuthMethod | 1<<propAuthData
	subscribeProps   uint64 = 1<<propSubscriptionID | 1<<propUser
	unsubscribeProps uint64 = 1 << propUser
	ackProps         uint64 = 1<<propReasonString | 1<<propUser
	disconnectProps  uint64 = ackProps | 1<<propSessionExpiry | 1<<propServerReference
	authProps        uint64 = ackProps | 1<<propAuthMethod | 1<<propAuthData
)

// property is one property as read; which fields are set depends on its kind.
type property struct {
	id    byte
	num   uint32 // byte, two and four byte integers, variable byte integer
	text  []byte // string, binary data, key of a pair
	value []byte // value of a pair
}

// propScan walks over the properties of one packet.
type propScan struct {
	reader
	allowed uint64
	seen    uint64
}

// scan takes a property block with its length off r.
func (r *reader) scan(allowed uint64) propScan {
	n := int(r.varint())
	if r.err != nil {
		return propScan{}
	}
	return propScan{reader: reader{b: r.take(n)}, allowed: allowed}
}

// next reads the next property into p; false at the end and at a failure, which err tells apart. A property that the
// packet can't have makes it malformed (2.2.2.2), one that comes twice is a protocol error, but for user properties
// and for subscription identifiers of a PUBLISH.
func (s *propScan) next(p *property) bool {
	if len(s.b) == 0 {
		return false
	}
	p.id = s.u8() // a variable byte integer by the standard; all that exist have one byte, in its shortest form
	if p.id >= 64 || s.allowed&(1<<p.id) == 0 {
		s.fail(errPropUnknown)
		return false
	}
	bit := uint64(1) << p.id
	if s.seen&bit != 0 && p.id != propUser && (p.id != propSubscriptionID || s.allowed != publishProps) {
		s.fail(errPropTwice)
		return false
	}
	s.seen |= bit
	s.read(p)
	return s.err == nil
}

// read takes the value of property p.id.
func (s *propScan) read(p *property) {
	switch kinds[p.id] {
	case kindByte:
		p.num = uint32(s.u8())
		if p.num > 1 { // a protocol error for each of them where the standard says something
			s.fail(errPropByte)
		}
	case kindU16:
		p.num = uint32(s.u16())
	case kindU32:
		p.num = s.u32()
	case kindVarint:
		p.num = s.varint()
	case kindText:
		p.text = s.text()
	case kindBinary:
		p.text = s.binary()
	case kindPair:
		p.text = s.text()
		p.value = s.text()
	}
}

// pair is the user property just read.
func (p *property) pair() Pair { return Pair{string(p.text), string(p.value)} }

var (
	errPropUnknown = malformed("a property that this packet cannot have")
	errPropTwice   = protocol("a property comes twice")
	errPropByte    = protocol("a property that says yes or no is neither 0 nor 1")
	errPropZero    = protocol("a property is 0 that must not be")
	errAuthData    = protocol("authentication data without a method")
)

func appendPropU16(dst []byte, id byte, v uint16) []byte {
	return binary.BigEndian.AppendUint16(append(dst, id), v)
}

func appendPropU32(dst []byte, id byte, v uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, id), v)
}

// appendPropText appends nothing for an empty string.
func appendPropText(dst []byte, id byte, s string) []byte {
	if s == "" {
		return dst
	}
	return appendText(append(dst, id), s)
}

// appendPropNo appends the 0 of a capability that is missing.
func appendPropNo(dst []byte, id byte, missing bool) []byte {
	if !missing {
		return dst
	}
	return append(dst, id, 0)
}

func appendPairs(dst []byte, pairs []Pair) []byte {
	for _, p := range pairs {
		dst = AppendUserProperty(dst, p.Key, p.Value)
	}
	return dst
}

// AppendUserProperty appends one user property in the form that PublishProps.User holds.
func AppendUserProperty(dst []byte, key, value string) []byte {
	return appendText(appendText(append(dst, propUser), key), value)
}
