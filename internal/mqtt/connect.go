package mqtt

import "encoding/binary"

// The bits of the connect flags (3.1.2.3).
const (
	flagReserved   = 0x01
	flagClean      = 0x02
	flagWill       = 0x04
	flagWillQoS    = 0x18
	flagWillRetain = 0x20
	flagPassword   = 0x40
	flagUser       = 0x80
)

// bridgeBit stands in the protocol level of a Connect with Bridge.
const bridgeBit = 0x80

// SessionForever is the session expiry interval that never ends.
const SessionForever = 0xFFFF_FFFF

// DecodeConnect decodes a CONNECT. It returns a packet with a failure, too: its Version says in which form the server
// may answer, and is 0 where the bytes aren't MQTT and a closed connection is the only answer.
func DecodeConnect(f Frame) (*Connect, error) {
	c := &Connect{ReceiveMaximum: 0xFFFF, RequestProblem: true}
	r := reader{b: f.Body}
	if err := c.readVersion(&r); err != nil {
		return c, err
	}
	if f.First&0x0F != 0 { // [MQTT-2.1.3-1]
		return c, errFlags
	}
	flags := r.u8()
	c.KeepAlive = r.u16()
	if r.err != nil {
		return c, r.err
	}
	if err := c.checkFlags(flags); err != nil {
		return c, err
	}
	c.Clean = flags&flagClean != 0
	if c.Version == V5 {
		if err := c.readProps(&r); err != nil {
			return c, err
		}
	} else if !c.Clean {
		c.SessionExpiry = SessionForever
	}
	if err := c.readPayload(&r, flags); err != nil {
		return c, err
	}
	if len(c.ClientID) == 0 && (c.Version == V31 || c.Version == V311 && !c.Clean) { // [v3.1.1 MQTT-3.1.3-8]
		return c, &fault{ClientIdentifierNotValid, "this version needs one here"}
	}
	return c, nil
}

// readVersion reads protocol name and level [MQTT-3.1.2-1] [MQTT-3.1.2-2].
func (c *Connect) readVersion(r *reader) error {
	name := r.binary()
	level := r.u8()
	if r.err != nil {
		return r.err
	}
	switch string(name) {
	case "MQTT":
		c.Version = V311
		if level >= byte(V5) && level != byte(V311)|bridgeBit {
			c.Version = V5
		}
	case "MQIsdp":
		c.Version = V31
	default:
		return &fault{UnsupportedProtocolVersion, "the protocol name is not MQTT"}
	}
	c.Bridge = c.Version != V5 && level == byte(c.Version)|bridgeBit
	if !c.Bridge && level != byte(c.Version) {
		return &fault{UnsupportedProtocolVersion, "3.1, 3.1.1 and 5.0 are spoken here"}
	}
	return nil
}

func (c *Connect) checkFlags(flags byte) error {
	switch {
	case flags&flagReserved != 0 && c.Version != V31: // [MQTT-3.1.2-3]
		return malformed("the reserved connect flag is set")
	case flags&flagWill == 0 && flags&(flagWillQoS|flagWillRetain) != 0 && c.Version != V31: // [MQTT-3.1.2-11] [MQTT-3.1.2-13]
		return malformed("will flags without a will")
	case flags&flagWill != 0 && flags&flagWillQoS == flagWillQoS: // [MQTT-3.1.2-12]
		return malformed("will QoS 3")
	case c.Version != V5 && flags&flagUser == 0 && flags&flagPassword != 0: // [v3.1.1 MQTT-3.1.2-22]
		return malformed("a password without a user name")
	}
	return nil
}

func (c *Connect) readProps(r *reader) error {
	s := r.scan(connectProps)
	hasData := false
	var p property
	for s.next(&p) {
		switch p.id {
		case propSessionExpiry:
			c.SessionExpiry, c.HasSessionExpiry = p.num, true
		case propReceiveMaximum:
			c.ReceiveMaximum = uint16(p.num)
			if p.num == 0 {
				return errPropZero
			}
		case propMaxPacket:
			c.MaxPacket = p.num
			if p.num == 0 {
				return errPropZero
			}
		case propTopicAliasMax:
			c.TopicAliasMax = uint16(p.num)
		case propRequestResponse:
			c.RequestResponse = p.num == 1
		case propRequestProblem:
			c.RequestProblem = p.num == 1
		case propUser:
			c.UserProps = append(c.UserProps, p.pair())
		case propAuthMethod:
			c.AuthMethod = string(p.text)
		case propAuthData:
			c.AuthData, hasData = p.text, true
		}
	}
	if s.err == nil && hasData && s.seen&(1<<propAuthMethod) == 0 {
		return errAuthData
	}
	return firstError(r.err, s.err)
}

// readPayload reads the fields in their fixed order [MQTT-3.1.3-1].
func (c *Connect) readPayload(r *reader, flags byte) error {
	c.ClientID = r.text() // [MQTT-3.1.3-3] [MQTT-3.1.3-4]
	if flags&flagWill != 0 {
		w, err := readWill(r, c.Version, flags)
		if err != nil {
			return err
		}
		c.Will = w
	}
	// 3.1 lets the length win over the flags: what is announced may be missing.
	missing := func() bool { return c.Version == V31 && r.err == nil && len(r.b) == 0 }
	if flags&flagUser != 0 && !missing() {
		c.User, c.HasUser = r.text(), true // [MQTT-3.1.3-12]
	}
	if flags&flagPassword != 0 && !missing() {
		c.Password, c.HasPassword = r.binary(), true
	}
	return r.end()
}

func readWill(r *reader, v Version, flags byte) (*Will, error) {
	w := &Will{QoS: flags & flagWillQoS >> 3, Retain: flags&flagWillRetain != 0}
	if v == V5 {
		s := r.scan(willProps)
		if err := w.Props.read(&s, &w.Delay); err != nil {
			return nil, firstError(r.err, err)
		}
	}
	w.Topic = r.text() // [MQTT-3.1.3-11]
	w.Payload = r.binary()
	if r.err != nil {
		return nil, r.err
	}
	if !topicName(w.Topic) {
		return nil, &fault{TopicNameInvalid, "the will topic is empty or has wildcards"}
	}
	return w, nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Append appends the packet in the form of c.Version.
func (c *Connect) Append(dst []byte) []byte {
	dst = append(dst, byte(CONNECT)<<4)
	mark := len(dst)
	name := "MQTT"
	if c.Version == V31 {
		name = "MQIsdp"
	}
	dst = appendText(dst, name)
	level := byte(c.Version)
	if c.Bridge {
		level |= bridgeBit
	}
	dst = append(dst, level, c.flags())
	dst = binary.BigEndian.AppendUint16(dst, c.KeepAlive)
	if c.Version == V5 {
		dst = c.appendProps(dst)
	}
	dst = appendBinary(dst, c.ClientID)
	if w := c.Will; w != nil {
		if c.Version == V5 {
			dst = w.AppendProps(dst)
		}
		dst = appendBinary(dst, w.Topic)
		dst = appendBinary(dst, w.Payload)
	}
	if c.HasUser {
		dst = appendBinary(dst, c.User)
	}
	if c.HasPassword {
		dst = appendBinary(dst, c.Password)
	}
	return closeLength(dst, mark)
}

func (c *Connect) flags() byte {
	var f byte
	set := func(on bool, bit byte) {
		if on {
			f |= bit
		}
	}
	set(c.Clean, flagClean)
	set(c.HasUser, flagUser)
	set(c.HasPassword, flagPassword)
	if c.Will != nil {
		f |= flagWill | c.Will.QoS<<3&flagWillQoS
		set(c.Will.Retain, flagWillRetain)
	}
	return f
}

func (c *Connect) appendProps(dst []byte) []byte {
	mark := len(dst)
	if c.HasSessionExpiry {
		dst = appendPropU32(dst, propSessionExpiry, c.SessionExpiry)
	}
	if c.ReceiveMaximum != 0 && c.ReceiveMaximum != 0xFFFF {
		dst = appendPropU16(dst, propReceiveMaximum, c.ReceiveMaximum)
	}
	if c.MaxPacket != 0 {
		dst = appendPropU32(dst, propMaxPacket, c.MaxPacket)
	}
	if c.TopicAliasMax != 0 {
		dst = appendPropU16(dst, propTopicAliasMax, c.TopicAliasMax)
	}
	if c.RequestResponse {
		dst = append(dst, propRequestResponse, 1)
	}
	dst = appendPropNo(dst, propRequestProblem, !c.RequestProblem)
	dst = appendPairs(dst, c.UserProps)
	dst = appendAuth(dst, c.AuthMethod, c.AuthData)
	return closeLength(dst, mark)
}

// appendAuth appends the method and, when there is a method, the data.
func appendAuth(dst []byte, method string, data []byte) []byte {
	if method == "" && data == nil {
		return dst
	}
	dst = appendText(append(dst, propAuthMethod), method)
	if data != nil {
		dst = appendBinary(append(dst, propAuthData), data)
	}
	return dst
}
