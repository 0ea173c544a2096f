package mqtt

// DecodeDisconnect decodes a DISCONNECT. It takes what either side may send; a session expiry from a server or a
// server reference from a client is the receiver's to refuse.
func DecodeDisconnect(f Frame, v Version) (*Disconnect, error) {
	if err := flagsOf(f, v, 0); err != nil { // [MQTT-3.14.1-1]
		return nil, err
	}
	d := &Disconnect{}
	r := reader{b: f.Body}
	if v != V5 || len(r.b) == 0 {
		return d, r.end()
	}
	d.Reason = Reason(r.u8())
	if !disconnectAllows(d.Reason) { // [MQTT-3.14.2-1]
		return nil, errReason
	}
	if len(r.b) == 0 {
		return d, nil
	}
	s := r.scan(disconnectProps)
	var p property
	for s.next(&p) {
		switch p.id {
		case propSessionExpiry:
			d.SessionExpiry, d.HasSessionExpiry = p.num, true
		case propReasonString:
			d.ReasonString = string(p.text)
		case propUser:
			d.UserProps = append(d.UserProps, p.pair())
		case propServerReference:
			d.ServerReference = string(p.text)
		}
	}
	return d, firstError(s.err, r.end())
}

// disconnectAllows says whether r is in table 3-10.
func disconnectAllows(r Reason) bool {
	switch r {
	case Success, DisconnectWithWill:
		return true
	case UnsupportedProtocolVersion, ClientIdentifierNotValid, BadUserNameOrPassword, ServerUnavailable, Banned,
		BadAuthenticationMethod, PacketIdentifierInUse, PacketIdentifierNotFound:
		return false
	}
	return r.Failed() && r <= WildcardSubscriptionsNotSupported
}

// Append appends the packet in the form of version v.
func (d *Disconnect) Append(dst []byte, v Version) []byte {
	dst = append(dst, byte(DISCONNECT)<<4)
	plain := !d.HasSessionExpiry && d.ReasonString == "" && len(d.UserProps) == 0 && d.ServerReference == ""
	switch {
	case v != V5 || plain && d.Reason == Success:
		return append(dst, 0)
	case plain:
		return append(dst, 1, byte(d.Reason))
	}
	mark := len(dst)
	dst = append(dst, byte(d.Reason))
	props := len(dst)
	if d.HasSessionExpiry {
		dst = appendPropU32(dst, propSessionExpiry, d.SessionExpiry)
	}
	dst = appendPropText(dst, propServerReference, d.ServerReference)
	dst = appendPropText(dst, propReasonString, d.ReasonString)
	dst = appendPairs(dst, d.UserProps)
	return closeLength(closeLength(dst, props), mark)
}

// DecodeAuth decodes an AUTH.
func DecodeAuth(f Frame) (*Auth, error) {
	if f.First&0x0F != 0 { // [MQTT-3.15.1-1]
		return nil, errFlags
	}
	a := &Auth{}
	r := reader{b: f.Body}
	if len(r.b) == 0 {
		return a, nil
	}
	a.Reason = Reason(r.u8())
	if a.Reason != Success && a.Reason != ContinueAuthentication && a.Reason != ReAuthenticate { // [MQTT-3.15.2-1]
		return nil, errReason
	}
	s := r.scan(authProps)
	var p property
	for s.next(&p) {
		switch p.id {
		case propAuthMethod:
			a.Method = string(p.text)
		case propAuthData:
			a.Data = p.text
		case propReasonString:
			a.ReasonString = string(p.text)
		case propUser:
			a.UserProps = append(a.UserProps, p.pair())
		}
	}
	if err := firstError(r.err, s.err, r.end()); err != nil {
		return nil, err
	}
	if s.seen&(1<<propAuthMethod) == 0 { // 3.15.2.2.2
		return nil, protocol("no authentication method")
	}
	return a, nil
}

// Append appends the packet.
func (a *Auth) Append(dst []byte) []byte {
	dst = append(dst, byte(AUTH)<<4)
	mark := len(dst)
	if a.Reason != Success || a.Method != "" || a.Data != nil || a.ReasonString != "" || len(a.UserProps) > 0 {
		dst = append(dst, byte(a.Reason))
		props := len(dst)
		dst = appendText(append(dst, propAuthMethod), a.Method)
		if a.Data != nil {
			dst = appendBinary(append(dst, propAuthData), a.Data)
		}
		dst = appendPropText(dst, propReasonString, a.ReasonString)
		dst = closeLength(appendPairs(dst, a.UserProps), props)
	}
	return closeLength(dst, mark)
}

// DecodePing checks a PINGREQ or PINGRESP, which are empty [MQTT-3.12.1-1].
func DecodePing(f Frame, v Version) error {
	if err := flagsOf(f, v, 0); err != nil {
		return err
	}
	if len(f.Body) > 0 {
		return errTrailing
	}
	return nil
}

// AppendPing appends a PINGREQ or PINGRESP.
func AppendPing(dst []byte, t Type) []byte { return append(dst, byte(t)<<4, 0) }
