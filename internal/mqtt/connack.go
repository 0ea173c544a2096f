package mqtt

// DecodeConnack decodes a CONNACK (clients need it). A body of two bytes is read as that of 3.1.1 even when 5.0 was
// asked for: so answers a server that doesn't know 5.0.
func DecodeConnack(f Frame, v Version) (*Connack, error) {
	if f.First&0x0F != 0 {
		return nil, errFlags
	}
	r := reader{b: f.Body}
	flags, code := r.u8(), r.u8()
	if r.err != nil {
		return nil, r.err
	}
	c := &Connack{SessionPresent: flags&1 != 0 && v != V31, MaxQoS: 2}
	if flags > 1 && v != V31 { // [MQTT-3.2.2-1]
		return nil, malformed("reserved acknowledge flags are set")
	}
	if v != V5 || len(f.Body) == 2 {
		if int(code) >= len(returnCodes) {
			return nil, malformed("a return code that doesn't exist")
		}
		c.Reason = returnCodes[code]
		return c, firstError(r.end(), c.check())
	}
	c.Reason = Reason(code)
	if !c.allows(c.Reason) { // [MQTT-3.2.2-8]
		return nil, errReason
	}
	if err := c.readProps(&r); err != nil {
		return nil, err
	}
	return c, firstError(r.end(), c.check())
}

// check wants no session with a refusal [MQTT-3.2.2-6].
func (c *Connack) check() error {
	if c.Reason != Success && c.SessionPresent {
		return protocol("session present with a refusal")
	}
	return nil
}

// allows says whether r is in table 3-1.
func (c *Connack) allows(r Reason) bool {
	switch r {
	case Success, UnspecifiedError, MalformedPacket, ProtocolError, ImplementationSpecificError,
		UnsupportedProtocolVersion, ClientIdentifierNotValid, BadUserNameOrPassword, NotAuthorized, ServerUnavailable,
		ServerBusy, Banned, BadAuthenticationMethod, TopicNameInvalid, PacketTooLarge, QuotaExceeded,
		PayloadFormatInvalid, RetainNotSupported, QoSNotSupported, UseAnotherServer, ServerMoved,
		ConnectionRateExceeded:
		return true
	}
	return false
}

func (c *Connack) readProps(r *reader) error {
	s := r.scan(connackProps)
	var p property
	for s.next(&p) {
		if p.num == 0 && (p.id == propReceiveMaximum || p.id == propMaxPacket) {
			return errPropZero
		}
		if !c.setLimit(&p) {
			c.setText(&p)
		}
	}
	return firstError(r.err, s.err)
}

// setLimit keeps what the server can do and how much of it; false for another property.
func (c *Connack) setLimit(p *property) bool {
	switch p.id {
	case propSessionExpiry:
		c.SessionExpiry, c.HasSessionExpiry = p.num, true
	case propReceiveMaximum:
		c.ReceiveMaximum = uint16(p.num)
	case propMaxQoS:
		c.MaxQoS = byte(p.num)
	case propRetainAvailable:
		c.RetainUnavailable = p.num == 0
	case propMaxPacket:
		c.MaxPacket = p.num
	case propTopicAliasMax:
		c.TopicAliasMax = uint16(p.num)
	case propWildcards:
		c.NoWildcards = p.num == 0
	case propSubIDAvailable:
		c.NoSubscriptionIDs = p.num == 0
	case propShared:
		c.NoShared = p.num == 0
	case propServerKeepAlive:
		c.ServerKeepAlive, c.HasServerKeepAlive = uint16(p.num), true
	default:
		return false
	}
	return true
}

// setText keeps what the server says.
func (c *Connack) setText(p *property) {
	switch p.id {
	case propAssignedID:
		c.AssignedID = string(p.text)
	case propReasonString:
		c.ReasonString = string(p.text)
	case propUser:
		c.UserProps = append(c.UserProps, p.pair())
	case propResponseInfo:
		c.ResponseInfo = string(p.text)
	case propServerReference:
		c.ServerReference = string(p.text)
	case propAuthMethod:
		c.AuthMethod = string(p.text)
	case propAuthData:
		c.AuthData = p.text
	}
}

// Append appends the packet in the form of version v. With a refusal there is no session present [MQTT-3.2.2-6].
func (c *Connack) Append(dst []byte, v Version) []byte {
	var present byte
	if c.SessionPresent && c.Reason == Success && v != V31 {
		present = 1
	}
	if v != V5 {
		return append(dst, byte(CONNACK)<<4, 2, present, c.Reason.ReturnCode())
	}
	dst = append(dst, byte(CONNACK)<<4)
	mark := len(dst)
	dst = append(dst, present, byte(c.Reason))
	props := len(dst)
	dst = c.appendLimits(dst)
	dst = appendPropText(dst, propAssignedID, c.AssignedID)
	dst = appendPropText(dst, propResponseInfo, c.ResponseInfo)
	dst = appendPropText(dst, propServerReference, c.ServerReference)
	dst = appendAuth(dst, c.AuthMethod, c.AuthData)
	dst = appendPropText(dst, propReasonString, c.ReasonString)
	dst = appendPairs(dst, c.UserProps)
	return closeLength(closeLength(dst, props), mark)
}

func (c *Connack) appendLimits(dst []byte) []byte {
	if c.HasSessionExpiry {
		dst = appendPropU32(dst, propSessionExpiry, c.SessionExpiry)
	}
	if c.ReceiveMaximum != 0 && c.ReceiveMaximum != 0xFFFF {
		dst = appendPropU16(dst, propReceiveMaximum, c.ReceiveMaximum)
	}
	if c.MaxQoS < 2 && c.Reason == Success {
		dst = append(dst, propMaxQoS, c.MaxQoS)
	}
	dst = appendPropNo(dst, propRetainAvailable, c.RetainUnavailable)
	if c.MaxPacket != 0 {
		dst = appendPropU32(dst, propMaxPacket, c.MaxPacket)
	}
	if c.TopicAliasMax != 0 {
		dst = appendPropU16(dst, propTopicAliasMax, c.TopicAliasMax)
	}
	dst = appendPropNo(dst, propWildcards, c.NoWildcards)
	dst = appendPropNo(dst, propSubIDAvailable, c.NoSubscriptionIDs)
	dst = appendPropNo(dst, propShared, c.NoShared)
	if c.HasServerKeepAlive {
		dst = appendPropU16(dst, propServerKeepAlive, c.ServerKeepAlive)
	}
	return dst
}
