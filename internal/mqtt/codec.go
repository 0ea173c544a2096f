package mqtt

// Cut takes the first packet off buf. maxPacket is the largest size allowed in bytes, fixed header included
// (0: no limit). It returns ErrShort while the packet is not complete; MalformedPacket for a remaining length of
// more than four bytes or not minimally encoded; PacketTooLarge as soon as the announced length is over the limit,
// before its bytes have come.
func Cut(buf []byte, maxPacket int) (Frame, error) { panic("stub") }

// Each Decode… reads the body of a frame of its type. A failure is a Reason (MalformedPacket, ProtocolError, …),
// possibly wrapped with what was wrong.

// DecodeConnect decodes a CONNECT.
func DecodeConnect(f Frame) (*Connect, error) { panic("stub") }

// DecodePublish decodes into p, reusing it, without allocating. Topic names are checked for UTF-8 and U+0000 by
// topic.ValidName on a cache miss, not here; all else is checked.
func DecodePublish(p *Publish, f Frame, v Version) error { panic("stub") }

// DecodeAck decodes PUBACK, PUBREC, PUBREL, PUBCOMP.
func DecodeAck(a *Ack, f Frame, v Version) error { panic("stub") }

// DecodeSubscribe decodes a SUBSCRIBE.
func DecodeSubscribe(f Frame, v Version) (*Subscribe, error) { panic("stub") }

// DecodeUnsubscribe decodes an UNSUBSCRIBE.
func DecodeUnsubscribe(f Frame, v Version) (*Unsubscribe, error) { panic("stub") }

// DecodeDisconnect decodes a DISCONNECT.
func DecodeDisconnect(f Frame, v Version) (*Disconnect, error) { panic("stub") }

// DecodeAuth decodes an AUTH.
func DecodeAuth(f Frame) (*Auth, error) { panic("stub") }

// DecodeConnack decodes a CONNACK (clients need it).
func DecodeConnack(f Frame, v Version) (*Connack, error) { panic("stub") }

// DecodeSuback decodes SUBACK and UNSUBACK.
func DecodeSuback(f Frame, v Version) (*Suback, error) { panic("stub") }

// Each Append writes one packet to dst and returns it.

// Append appends the packet in the form of version v.
func (c *Connect) Append(dst []byte) []byte { panic("stub") }

// Append appends the packet in the form of version v.
func (c *Connack) Append(dst []byte, v Version) []byte { panic("stub") }

// Append appends the packet in the form of version v. Properties are left out before 5.0.
func (p *Publish) Append(dst []byte, v Version) []byte { panic("stub") }

// Append appends the packet in the form of version v.
func (a *Ack) Append(dst []byte, v Version) []byte { panic("stub") }

// Append appends the packet in the form of version v.
func (s *Subscribe) Append(dst []byte, v Version) []byte { panic("stub") }

// Append appends the packet in the form of version v.
func (u *Unsubscribe) Append(dst []byte, v Version) []byte { panic("stub") }

// Append appends the packet in the form of version v.
func (s *Suback) Append(dst []byte, v Version) []byte { panic("stub") }

// Append appends the packet in the form of version v.
func (d *Disconnect) Append(dst []byte, v Version) []byte { panic("stub") }

// Append appends the packet.
func (a *Auth) Append(dst []byte) []byte { panic("stub") }
