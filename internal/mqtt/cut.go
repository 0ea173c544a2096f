package mqtt

// Cut takes the first packet off buf. maxPacket is the largest size allowed in bytes, fixed header included
// (0: no limit). It returns ErrShort while the packet is not complete; MalformedPacket for type 0 and for a remaining
// length of more than four bytes or not minimally encoded; PacketTooLarge as soon as the announced length is over the
// limit, before its bytes have come.
func Cut(buf []byte, maxPacket int) (Frame, error) {
	if len(buf) < 2 {
		if len(buf) == 1 && buf[0]>>4 == 0 {
			return Frame{}, malformed("packet type 0")
		}
		return Frame{}, ErrShort
	}
	length, header := int(buf[1]), 2
	if length >= 0x80 {
		n, used, err := varint(buf[1:])
		if err != nil {
			return Frame{}, err
		}
		length, header = int(n), 1+used
	}
	size := header + length
	switch {
	case buf[0]>>4 == 0: // [MQTT-2.1.2] table 2-1: forbidden
		return Frame{}, malformed("packet type 0")
	case maxPacket > 0 && size > maxPacket: // [MQTT-3.1.2-24] [MQTT-3.2.2-15]
		return Frame{}, &fault{PacketTooLarge, "the announced length is over the limit"}
	case len(buf) < size:
		return Frame{}, ErrShort
	}
	return Frame{First: buf[0], Body: buf[header:size:size], Size: size, Header: header}, nil
}

// varint reads a variable byte integer and says how many bytes it took: at most four [MQTT-1.5.5], in the shortest
// form [MQTT-1.5.5-1]. ErrShort means that its end is not there yet.
func varint(b []byte) (value uint32, used int, err error) {
	for i := range 4 {
		if i >= len(b) {
			return 0, 0, ErrShort
		}
		value |= uint32(b[i]&0x7F) << (7 * i)
		if b[i] < 0x80 {
			if b[i] == 0 && i > 0 {
				return 0, 0, malformed("a variable byte integer is longer than it must be")
			}
			return value, i + 1, nil
		}
	}
	return 0, 0, malformed("a variable byte integer has more than four bytes")
}

// varintSize is the number of bytes that appendVarint writes.
func varintSize(n int) int {
	switch {
	case n < 1<<7:
		return 1
	case n < 1<<14:
		return 2
	case n < 1<<21:
		return 3
	}
	return 4
}

// appendVarint appends n, 0 to MaxRemaining, in the shortest form.
func appendVarint(dst []byte, n int) []byte {
	for n >= 0x80 {
		dst = append(dst, byte(n)|0x80)
		n >>= 7
	}
	return append(dst, byte(n))
}

// closeLength puts the length of dst[mark:] in front of it. What was appended since mark moves by one to four bytes,
// which is cheaper than counting first for the small packets that use it.
func closeLength(dst []byte, mark int) []byte {
	n := len(dst) - mark
	var room [4]byte
	head := appendVarint(room[:0], n)
	dst = append(dst, head...)
	copy(dst[mark+len(head):], dst[mark:mark+n])
	copy(dst[mark:], head)
	return dst
}
