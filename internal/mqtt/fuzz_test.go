package mqtt

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

// codec decodes one packet of any type and appends it again; packet is what was decoded.
func codec(f Frame, v Version) (packet any, encode func([]byte) []byte, err error) {
	switch f.Type() {
	case CONNECT:
		c, err := DecodeConnect(f)
		return c, c.Append, err
	case CONNACK:
		c, err := DecodeConnack(f, v)
		return c, func(b []byte) []byte { return c.Append(b, v) }, err
	case PUBLISH:
		p := &Publish{}
		err := DecodePublish(p, f, v)
		return p, func(b []byte) []byte { return p.Append(b, v) }, err
	case PUBACK, PUBREC, PUBREL, PUBCOMP:
		a := &Ack{}
		err := DecodeAck(a, f, v)
		return a, func(b []byte) []byte { return a.Append(b, v) }, err
	case SUBSCRIBE:
		s, err := DecodeSubscribe(f, v)
		return s, func(b []byte) []byte { return s.Append(b, v) }, err
	case UNSUBSCRIBE:
		u, err := DecodeUnsubscribe(f, v)
		return u, func(b []byte) []byte { return u.Append(b, v) }, err
	case SUBACK, UNSUBACK:
		s, err := DecodeSuback(f, v)
		return s, func(b []byte) []byte { return s.Append(b, v) }, err
	case DISCONNECT:
		d, err := DecodeDisconnect(f, v)
		return d, func(b []byte) []byte { return d.Append(b, v) }, err
	case AUTH:
		a, err := DecodeAuth(f)
		return a, func(b []byte) []byte { return a.Append(b) }, err
	}
	return f.Type(), func(b []byte) []byte { return AppendPing(b, f.Type()) }, DecodePing(f, v)
}

// FuzzPacket decodes a body as every type and version. What can be decoded stays the same when appended and decoded
// again, and appending it is a fixed point.
func FuzzPacket(f *testing.F) {
	for _, s := range samples {
		fr, err := Cut(s.wire, 0)
		if err != nil {
			f.Fatalf("%s: %v", s.name, err)
		}
		f.Add(fr.First, fr.Body, byte(s.version))
	}
	for _, r := range refusals() {
		fr, err := Cut(r.wire, 0)
		if err != nil {
			f.Fatalf("%s: %v", r.spec, err)
		}
		f.Add(fr.First, fr.Body, byte(r.version))
	}
	f.Fuzz(func(t *testing.T, first byte, body []byte, version byte) {
		v := V31 + Version(version%3)
		fr := Frame{First: first, Body: body, Header: 2, Size: 2 + len(body)}
		if fr.Type() == 0 {
			return
		}
		p, encode, err := codec(fr, v)
		if err != nil {
			if ReasonOf(err) == UnspecifiedError || !ReasonOf(err).Failed() {
				t.Fatalf("%02x %x: error %v carries reason %v", first, body, err, ReasonOf(err))
			}
			return
		}
		wire := encode(nil)
		again, err := Cut(wire, 0)
		if err != nil || again.Size != len(wire) {
			t.Fatalf("%02x %x: %+v became %x: %v", first, body, p, wire, err)
		}
		q, encode, err := codec(again, v)
		if c, ok := p.(*Connack); ok && c.Reason.Failed() {
			c.MaxQoS = 2 // is not said with a refusal
		}
		if err != nil || !reflect.DeepEqual(p, q) {
			t.Fatalf("%02x %x: %+v became %x, %+v: %v", first, body, p, wire, q, err)
		}
		if twice := encode(nil); !bytes.Equal(wire, twice) {
			t.Fatalf("%02x %x: appended %x, then %x", first, body, wire, twice)
		}
	})
}

// FuzzCut feeds a stream whole and byte by byte: the frames must be the same.
func FuzzCut(f *testing.F) {
	var all []byte
	for _, s := range samples {
		all = append(all, s.wire...)
	}
	f.Add(all, uint16(0))
	f.Add([]byte{0x30, 0x80, 0x80, 0x80, 0x80, 0x01}, uint16(100))
	f.Add([]byte{0xC0, 0x80, 0x00}, uint16(2))
	f.Fuzz(func(t *testing.T, raw []byte, limit uint16) {
		for len(raw) > 0 {
			fr, err := Cut(raw, int(limit))
			for n := range min(len(raw), fr.Size) {
				if _, err := Cut(raw[:n], int(limit)); err == nil {
					t.Fatalf("%x: the first %d of %d bytes are taken for a packet", raw, n, fr.Size)
				}
			}
			if err != nil {
				if !errors.Is(err, ErrShort) && !ReasonOf(err).Failed() {
					t.Fatalf("%x: %v", raw, err)
				}
				return
			}
			if fr.Size-fr.Header != len(fr.Body) || limit > 0 && fr.Size > int(limit) {
				t.Fatalf("%x: %+v with limit %d", raw, fr, limit)
			}
			raw = raw[fr.Size:]
		}
	})
}
