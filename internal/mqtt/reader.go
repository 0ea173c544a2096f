package mqtt

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// reader takes values off the front of a packet body. After the first failure it yields zero values and keeps err.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

func (r *reader) u8() byte {
	if len(r.b) < 1 {
		r.fail(errEnds)
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) u16() uint16 {
	if len(r.b) < 2 {
		r.fail(errEnds)
		return 0
	}
	v := binary.BigEndian.Uint16(r.b)
	r.b = r.b[2:]
	return v
}

func (r *reader) u32() uint32 {
	if len(r.b) < 4 {
		r.fail(errEnds)
		return 0
	}
	v := binary.BigEndian.Uint32(r.b)
	r.b = r.b[4:]
	return v
}

func (r *reader) varint() uint32 {
	v, used, err := varint(r.b)
	if err != nil {
		if err == ErrShort { //nolint:errorlint // varint returns it bare
			err = errEnds
		}
		r.fail(err)
		return 0
	}
	r.b = r.b[used:]
	return v
}

// binary takes binary data with its two bytes of length. It views the body and is never nil, unless it failed.
func (r *reader) binary() []byte {
	n := int(r.u16())
	if r.err != nil {
		return nil
	}
	return r.take(n)
}

// take takes n bytes.
func (r *reader) take(n int) []byte {
	if len(r.b) < n {
		r.fail(errEnds)
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

// text takes a UTF-8 string: well-formed, without surrogates [MQTT-1.5.4-1] and without U+0000 [MQTT-1.5.4-2].
// U+FEFF stays where it is [MQTT-1.5.4-3].
func (r *reader) text() []byte {
	s := r.binary()
	if r.err == nil && !validText(s) {
		r.fail(errText)
		return nil
	}
	return s
}

// packetID takes a packet identifier, which is never 0 [MQTT-2.2.1-3].
func (r *reader) packetID() uint16 {
	id := r.u16()
	if id == 0 {
		r.fail(errPacketID)
	}
	return id
}

// end is the first failure; bytes that nobody asked for are one, too.
func (r *reader) end() error {
	if r.err == nil && len(r.b) > 0 {
		r.fail(errTrailing)
	}
	return r.err
}

var (
	errEnds     = malformed("a field runs over the end of the packet")
	errTrailing = malformed("bytes are left behind the last field")
	errText     = malformed("a string is not UTF-8 or holds U+0000")
	errPacketID = protocol("packet identifier 0")
	errFlags    = malformed("reserved flags of the fixed header are set")
)

func validText(s []byte) bool {
	return utf8.Valid(s) && bytes.IndexByte(s, 0) < 0
}

// topicName says whether s can be published to, given that it is valid text: not empty [MQTT-4.7.3-1] and without
// wildcards [MQTT-3.3.2-2].
func topicName(s []byte) bool {
	return len(s) > 0 && bytes.IndexByte(s, '+') < 0 && bytes.IndexByte(s, '#') < 0
}

// flagsOf checks the reserved flags of the fixed header [MQTT-2.1.3-1]. In 3.1 these packets could carry DUP and QoS,
// so there nothing is asked.
func flagsOf(f Frame, v Version, want byte) error {
	if v != V31 && f.First&0x0F != want {
		return errFlags
	}
	return nil
}

// appendBinary appends s with its length. More than 65535 bytes can't be said: the rest is cut off.
func appendBinary(dst, s []byte) []byte {
	s = s[:min(len(s), 0xFFFF)]
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(s)))
	return append(dst, s...)
}

// appendText appends s with its length, cut off before the first character that doesn't fit into 65535 bytes.
func appendText(dst []byte, s string) []byte {
	if len(s) > 0xFFFF {
		n := 0xFFFF
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(s)))
	return append(dst, s...)
}
