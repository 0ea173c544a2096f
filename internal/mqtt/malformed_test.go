package mqtt

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// refusal is a packet that must not be taken.
type refusal struct {
	spec    string
	version Version
	wire    []byte
	want    Reason
}

func refusals() []refusal {
	connect := func(level int, flags int, rest ...any) []byte {
		return wire(0x10, lstr("MQTT"), level, flags, 0, 60, cat(rest...))
	}
	connect5 := func(props ...any) []byte { return connect(5, 2, block(props...), lstr("c")) }
	will5 := func(props ...any) []byte {
		return connect(5, 6, 0, lstr("c"), block(props...), lstr("w"), lstr("p"))
	}
	publish5 := func(props ...any) []byte { return wire(0x30, lstr("t"), block(props...), "x") }
	return []refusal{
		{"MQTT-2.1.3-1 flags of CONNECT", V311, wire(0x11, lstr("MQTT"), 4, 2, 0, 0, lstr("c")), MalformedPacket},
		{"MQTT-2.1.3-1 flags of CONNACK", V5, wire(0x21, 0, 0, 0), MalformedPacket},
		{"MQTT-2.1.3-1 flags of PUBACK", V5, wire(0x41, 0, 1), MalformedPacket},
		{"MQTT-2.1.3-1 flags of PUBREC", V311, wire(0x52, 0, 1), MalformedPacket},
		{"MQTT-3.6.1-1 flags of PUBREL", V311, wire(0x60, 0, 1), MalformedPacket},
		{"MQTT-2.1.3-1 flags of PUBCOMP", V5, wire(0x78, 0, 1), MalformedPacket},
		{"MQTT-3.8.1-1 flags of SUBSCRIBE", V311, wire(0x80, 0, 1, lstr("a"), 0), MalformedPacket},
		{"MQTT-2.1.3-1 flags of SUBACK", V311, wire(0x91, 0, 1, 0), MalformedPacket},
		{"MQTT-3.10.1-1 flags of UNSUBSCRIBE", V5, wire(0xA3, 0, 1, 0, lstr("a")), MalformedPacket},
		{"MQTT-2.1.3-1 flags of UNSUBACK", V311, wire(0xB1, 0, 1), MalformedPacket},
		{"MQTT-2.1.3-1 flags of PINGREQ", V311, wire(0xC1), MalformedPacket},
		{"MQTT-2.1.3-1 flags of PINGRESP", V5, wire(0xD4), MalformedPacket},
		{"MQTT-3.14.1-1 flags of DISCONNECT", V311, wire(0xE1), MalformedPacket},
		{"MQTT-3.15.1-1 flags of AUTH", V5, wire(0xF1), MalformedPacket},

		{"MQTT-3.1.2-1 protocol name", V5, wire(0x10, lstr("HTTP"), 4, 2, 0, 0, lstr("c")), UnsupportedProtocolVersion},
		{"MQTT-3.1.2-2 level 6", V5, connect(6, 2, 0, lstr("c")), UnsupportedProtocolVersion},
		{"MQTT-3.1.2-2 level 3 of MQTT", V5, connect(3, 2, 0, lstr("c")), UnsupportedProtocolVersion},
		{"MQTT-3.1.2-2 level 0", V5, connect(0, 2, lstr("c")), UnsupportedProtocolVersion},
		{"MQTT-3.1.2-2 a bridge's private bit in 5.0", V5, connect(0x85, 2, lstr("c")), UnsupportedProtocolVersion},
		{"MQTT-3.1.2-2 level 4 of MQIsdp", V5, wire(0x10, lstr("MQIsdp"), 4, 2, 0, 0, lstr("c")), UnsupportedProtocolVersion},
		{"MQTT-3.1.2-3 reserved flag", V5, connect(5, 3, 0, lstr("c")), MalformedPacket},
		{"MQTT-3.1.2-11 will QoS without will", V5, connect(5, 0x0A, 0, lstr("c")), MalformedPacket},
		{"MQTT-3.1.2-13 will retain without will", V311, connect(4, 0x22, lstr("c")), MalformedPacket},
		{"MQTT-3.1.2-12 will QoS 3", V5, connect(5, 0x1E, 0, lstr("c"), 0, lstr("w"), lstr("p")), MalformedPacket},
		{"v3.1.1 MQTT-3.1.2-22 password without user", V311, connect(4, 0x42, lstr("c"), lstr("p")), MalformedPacket},
		{"v3.1.1 MQTT-3.1.3-8 no id without clean session", V311, connect(4, 0, lstr("")), ClientIdentifierNotValid},
		{"3.1 needs an id", V31, wire(0x10, lstr("MQIsdp"), 3, 2, 0, 0, lstr("")), ClientIdentifierNotValid},
		{"MQTT-3.1.3-4 id is not UTF-8", V5, connect(5, 2, 0, lstr("\xff")), MalformedPacket},
		{"MQTT-1.5.4-1 id with a surrogate", V311, connect(4, 2, lstr("\xed\xa0\x80")), MalformedPacket},
		{"MQTT-1.5.4-2 id with U+0000", V311, connect(4, 2, lstr("a\x00")), MalformedPacket},
		{"MQTT-1.5.4-2 user with U+0000", V311, connect(4, 0x82, lstr("c"), lstr("\x00")), MalformedPacket},
		{"MQTT-3.1.3-11 will topic is not UTF-8", V311, connect(4, 6, lstr("c"), lstr("\xc0"), lstr("")), MalformedPacket},
		{"will topic empty", V311, connect(4, 6, lstr("c"), lstr(""), lstr("")), TopicNameInvalid},
		{"will topic with wildcard", V5, connect(5, 6, 0, lstr("c"), 0, lstr("a/+"), lstr("")), TopicNameInvalid},
		{"user missing", V311, connect(4, 0x82, lstr("c")), MalformedPacket},
		{"password missing", V5, connect(5, 0x42, 0, lstr("c")), MalformedPacket},
		{"bytes behind the payload", V311, connect(4, 2, lstr("c"), 0), MalformedPacket},
		{"no properties in 5.0", V5, wire(0x10, lstr("MQTT"), 5, 2, 0, 60), MalformedPacket},
		{"property length over the end", V5, connect(5, 2, 5, lstr("c")), MalformedPacket},
		{"property length not minimal", V5, connect(5, 2, 0x80, 0, lstr("c")), MalformedPacket},
		{"property length of five bytes", V5, connect(5, 2, 0x80, 0x80, 0x80, 0x80, 0, lstr("c")), MalformedPacket},
		{"property unknown", V5, connect5(0x04, 0), MalformedPacket},
		{"property 0", V5, connect5(0), MalformedPacket},
		{"property identifier of two bytes", V5, connect5(0x91, 0, 0, 0, 0, 1), MalformedPacket},
		{"property of another packet", V5, connect5(0x23, 0, 1), MalformedPacket},
		{"property cut off", V5, connect5(0x11, 0, 0), MalformedPacket},
		{"session expiry twice", V5, connect5(0x11, 0, 0, 0, 1, 0x11, 0, 0, 0, 1), ProtocolError},
		{"receive maximum 0", V5, connect5(0x21, 0, 0), ProtocolError},
		{"receive maximum twice", V5, connect5(0x21, 0, 1, 0x21, 0, 1), ProtocolError},
		{"maximum packet size 0", V5, connect5(0x27, 0, 0, 0, 0), ProtocolError},
		{"request response information 2", V5, connect5(0x19, 2), ProtocolError},
		{"request problem information 2", V5, connect5(0x17, 2), ProtocolError},
		{"authentication data alone", V5, connect5(0x16, lstr("x")), ProtocolError},
		{"user property key not UTF-8", V5, connect5(0x26, lstr("\xff"), lstr("")), MalformedPacket},
		{"user property value with U+0000", V5, connect5(0x26, lstr("k"), lstr("\x00")), MalformedPacket},
		{"user property without value", V5, connect5(0x26, lstr("k")), MalformedPacket},
		{"will delay twice", V5, will5(0x18, 0, 0, 0, 1, 0x18, 0, 0, 0, 1), ProtocolError},
		{"topic alias of a will", V5, will5(0x23, 0, 1), MalformedPacket},
		{"subscription identifier of a will", V5, will5(0x0B, 1), MalformedPacket},
		{"will response topic with wildcard", V5, will5(0x08, lstr("#")), ProtocolError},

		{"MQTT-3.2.2-1 reserved acknowledge flags", V311, wire(0x20, 2, 0), MalformedPacket},
		{"MQTT-3.2.2-6 session present with refusal", V311, wire(0x20, 1, 5), ProtocolError},
		{"return code 6", V311, wire(0x20, 0, 6), MalformedPacket},
		{"MQTT-3.2.2-8 reason of another packet", V5, wire(0x20, 0, 0x8D, 0), ProtocolError},
		{"server receive maximum 0", V5, wire(0x20, 0, 0, block(0x21, 0, 0)), ProtocolError},
		{"server maximum packet size 0", V5, wire(0x20, 0, 0, block(0x27, 0, 0, 0, 0)), ProtocolError},
		{"maximum QoS 2", V5, wire(0x20, 0, 0, block(0x24, 2)), ProtocolError},
		{"retain available 2", V5, wire(0x20, 0, 0, block(0x25, 2)), ProtocolError},
		{"CONNACK too short", V311, wire(0x20, 0), MalformedPacket},

		{"MQTT-3.3.1-4 QoS 3", V311, wire(0x36, lstr("t"), 0, 1), MalformedPacket},
		{"MQTT-3.3.1-2 DUP at QoS 0", V5, wire(0x38, lstr("t"), 0), MalformedPacket},
		{"MQTT-2.2.1-3 packet identifier 0", V5, wire(0x32, lstr("t"), 0, 0, 0), ProtocolError},
		{"no packet identifier", V311, wire(0x32, lstr("t"), 1), MalformedPacket},
		{"no topic", V311, wire(0x30, lstr("")), ProtocolError},
		{"neither topic nor alias", V5, wire(0x30, lstr(""), 0), ProtocolError},
		{"empty PUBLISH", V311, wire(0x30), MalformedPacket},
		{"topic over the end", V311, wire(0x30, 0, 9, "abc"), MalformedPacket},
		{"MQTT-3.3.2-8 topic alias 0", V5, publish5(0x23, 0, 0), TopicAliasInvalid},
		{"topic alias twice", V5, publish5(0x23, 0, 1, 0x23, 0, 1), ProtocolError},
		{"payload format 2", V5, publish5(0x01, 2), ProtocolError},
		{"payload format twice", V5, publish5(0x01, 1, 0x01, 1), ProtocolError},
		{"expiry twice", V5, publish5(0x02, 0, 0, 0, 1, 0x02, 0, 0, 0, 1), ProtocolError},
		{"content type twice", V5, publish5(0x03, lstr("a"), 0x03, lstr("a")), ProtocolError},
		{"content type not UTF-8", V5, publish5(0x03, lstr("\xff")), MalformedPacket},
		{"response topic twice", V5, publish5(0x08, lstr("a"), 0x08, lstr("a")), ProtocolError},
		{"MQTT-3.3.2-14 response topic with wildcard", V5, publish5(0x08, lstr("a/#")), ProtocolError},
		{"response topic empty", V5, publish5(0x08, lstr("")), ProtocolError},
		{"correlation twice", V5, publish5(0x09, lstr("a"), 0x09, lstr("a")), ProtocolError},
		{"subscription identifier 0", V5, publish5(0x0B, 0), ProtocolError},
		{"subscription identifier of five bytes", V5, publish5(0x0B, 0x80, 0x80, 0x80, 0x80, 1), MalformedPacket},
		{"subscription identifier not minimal", V5, publish5(0x0B, 0x81, 0), MalformedPacket},
		{"reason string in PUBLISH", V5, publish5(0x1F, lstr("s")), MalformedPacket},
		{"user property cut off", V5, publish5(0x26, lstr("k"), 0), MalformedPacket},
		{"no properties in PUBLISH of 5.0", V5, wire(0x30, lstr("t")), MalformedPacket},

		{"PUBACK too short", V311, wire(0x40, 1), MalformedPacket},
		{"PUBACK of 3.1.1 too long", V311, wire(0x40, 0, 1, 0), MalformedPacket},
		{"PUBACK with identifier 0", V311, wire(0x40, 0, 0), ProtocolError},
		{"MQTT-3.4.2-1 PUBACK reason", V5, wire(0x40, 0, 1, 0x8B), ProtocolError},
		{"MQTT-3.6.2-1 PUBREL reason", V5, wire(0x62, 0, 1, 0x87), ProtocolError},
		{"PUBREC bytes behind properties", V5, wire(0x50, 0, 1, 0, 0, 7), MalformedPacket},
		{"PUBREC reason string twice", V5, wire(0x50, 0, 1, 0, block(0x1F, lstr("a"), 0x1F, lstr("a"))), ProtocolError},
		{"PUBCOMP with a foreign property", V5, wire(0x70, 0, 1, 0, block(0x11, 0, 0, 0, 1)), MalformedPacket},

		{"MQTT-3.8.3-2 SUBSCRIBE without filter", V311, wire(0x82, 0, 1), ProtocolError},
		{"SUBSCRIBE without filter in 5.0", V5, wire(0x82, 0, 1, 0), ProtocolError},
		{"SUBSCRIBE with identifier 0", V311, wire(0x82, 0, 0, lstr("a"), 0), ProtocolError},
		{"SUBSCRIBE without options", V311, wire(0x82, 0, 1, lstr("a")), MalformedPacket},
		{"SUBSCRIBE filter not UTF-8", V311, wire(0x82, 0, 1, lstr("\xff"), 0), MalformedPacket},
		{"v3.1.1 MQTT-3.8.3-4 QoS 3", V311, wire(0x82, 0, 1, lstr("a"), 3), MalformedPacket},
		{"v3.1.1 MQTT-3.8.3-4 reserved bits", V311, wire(0x82, 0, 1, lstr("a"), 4), MalformedPacket},
		{"QoS 3 in 5.0", V5, wire(0x82, 0, 1, 0, lstr("a"), 3), ProtocolError},
		{"MQTT-3.8.3-5 reserved options", V5, wire(0x82, 0, 1, 0, lstr("a"), 0x40), MalformedPacket},
		{"retain handling 3", V5, wire(0x82, 0, 1, 0, lstr("a"), 0x30), ProtocolError},
		{"MQTT-3.8.3-4 no local and shared", V5, wire(0x82, 0, 1, 0, lstr("$share/g/a"), 4), ProtocolError},
		{"subscription identifier 0 of SUBSCRIBE", V5, wire(0x82, 0, 1, block(0x0B, 0), lstr("a"), 0), ProtocolError},
		{"subscription identifier twice", V5, wire(0x82, 0, 1, block(0x0B, 1, 0x0B, 2), lstr("a"), 0), ProtocolError},
		{"the second filter is cut off", V311, wire(0x82, 0, 1, lstr("a"), 0, 0, 5, "a"), MalformedPacket},

		{"SUBACK without codes", V311, wire(0x90, 0, 1), MalformedPacket},
		{"v3.1.1 MQTT-3.9.3-2 SUBACK code", V311, wire(0x90, 0, 1, 3), ProtocolError},
		{"SUBACK code of 5.0 in 3.1.1", V311, wire(0x90, 0, 1, 0x87), ProtocolError},
		{"MQTT-3.9.3-2 SUBACK code of UNSUBACK", V5, wire(0x90, 0, 1, 0, 0x11), ProtocolError},
		{"MQTT-3.11.3-2 UNSUBACK code of SUBACK", V5, wire(0xB0, 0, 1, 0, 1), ProtocolError},
		{"UNSUBACK of 3.1.1 with payload", V311, wire(0xB0, 0, 1, 0), MalformedPacket},

		{"MQTT-3.10.3-2 UNSUBSCRIBE without filter", V311, wire(0xA2, 0, 1), ProtocolError},
		{"UNSUBSCRIBE with identifier 0", V5, wire(0xA2, 0, 0, 0, lstr("a")), ProtocolError},
		{"UNSUBSCRIBE filter with U+0000", V311, wire(0xA2, 0, 1, lstr("\x00")), MalformedPacket},
		{"UNSUBSCRIBE with a foreign property", V5, wire(0xA2, 0, 1, block(0x0B, 1), lstr("a")), MalformedPacket},

		{"PINGREQ with a body", V311, wire(0xC0, 0), MalformedPacket},
		{"DISCONNECT of 3.1.1 with a body", V311, wire(0xE0, 0), MalformedPacket},
		{"MQTT-3.14.2-1 DISCONNECT reason", V5, wire(0xE0, 0x86), ProtocolError},
		{"DISCONNECT reason 0x01", V5, wire(0xE0, 1), ProtocolError},
		{"DISCONNECT session expiry twice", V5, wire(0xE0, 0, block(0x11, 0, 0, 0, 1, 0x11, 0, 0, 0, 1)), ProtocolError},
		{"MQTT-3.15.2-1 AUTH reason", V5, wire(0xF0, 1, 0), ProtocolError},
		{"AUTH without method", V5, wire(0xF0, 0x18, 0), ProtocolError},
		{"AUTH cut off", V5, wire(0xF0, 0x18), MalformedPacket},
	}
}

func TestRefused(t *testing.T) {
	for _, tt := range refusals() {
		t.Run(tt.spec, func(t *testing.T) {
			f, err := Cut(tt.wire, 0)
			if err != nil {
				t.Fatal(err)
			}
			p, _, err := codec(f, tt.version)
			if ReasonOf(err) != tt.want {
				t.Errorf("%x: got %+v, %v, want %v", tt.wire, p, err, tt.want)
			}
		})
	}
}

func TestCut(t *testing.T) {
	tests := []struct {
		name string
		buf  []byte
		max  int
		size int
		want error
	}{
		{"nothing", nil, 0, 0, ErrShort},
		{"one byte", []byte{0xC0}, 0, 0, ErrShort},
		{"ping", []byte{0xC0, 0}, 0, 2, nil},
		{"two pings", []byte{0xC0, 0, 0xC0, 0}, 0, 2, nil},
		{"body is missing", []byte{0x30, 5, 1}, 0, 0, ErrShort},
		{"length is missing", []byte{0x30, 0x80}, 0, 0, ErrShort},
		{"length of three bytes is missing", []byte{0x30, 0x80, 0x80, 0x80}, 0, 0, ErrShort},
		{"MQTT-1.5.5-1 longer than it must be", []byte{0x30, 0x80, 0}, 0, 0, MalformedPacket},
		{"MQTT-1.5.5-1 four bytes for 1", []byte{0x30, 0x81, 0x80, 0x80, 0}, 0, 0, MalformedPacket},
		{"five bytes", []byte{0x30, 0x80, 0x80, 0x80, 0x80}, 0, 0, MalformedPacket},
		{"type 0", []byte{0}, 0, 0, MalformedPacket},
		{"type 0 with body", []byte{0x0F, 1, 1}, 0, 0, MalformedPacket},
		{"at the limit", []byte{0x30, 2, 0, 0}, 4, 4, nil},
		{"over the limit, body still away", []byte{0x30, 3}, 4, 0, PacketTooLarge},
		{"the largest, over the limit", []byte{0x30, 0xFF, 0xFF, 0xFF, 0x7F}, 1 << 20, 0, PacketTooLarge},
		{"the largest", []byte{0x30, 0xFF, 0xFF, 0xFF, 0x7F}, 0, 0, ErrShort},
		{"128 bytes", append([]byte{0x30, 0x80, 1}, make([]byte, 128)...), 131, 131, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Cut(tt.buf, tt.max)
			if !errors.Is(err, tt.want) || f.Size != tt.size {
				t.Errorf("Cut(%x, %d) = %+v, %v, want %d bytes, %v", tt.buf, tt.max, f, err, tt.size, tt.want)
			}
			if cap(f.Body) != len(f.Body) {
				t.Errorf("the body can be appended to over the next packet")
			}
		})
	}
}

func TestVarint(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 16383, 16384, 2097151, 2097152, MaxRemaining} {
		b := appendVarint(nil, n)
		got, used, err := varint(b)
		if int(got) != n || used != len(b) || err != nil || varintSize(n) != len(b) {
			t.Errorf("%d became %x, %d, %v; size %d", n, b, got, err, varintSize(n))
		}
	}
}

func TestConnectAnswerable(t *testing.T) {
	tests := []struct {
		name string
		wire []byte
		want Version
	}{
		{"HTTP", wire(0x10, lstr("HTTP"), 4), 0},
		{"level 6", wire(0x10, lstr("MQTT"), 6, 2, 0, 0, 0, lstr("c")), V5},
		{"level 2", wire(0x10, lstr("MQTT"), 2, 2, 0, 0, lstr("c")), V311},
		{"3.1 without id", wire(0x10, lstr("MQIsdp"), 3, 2, 0, 0, lstr("")), V31},
		{"broken 5", wire(0x10, lstr("MQTT"), 5, 0xFF), V5},
		{"nothing", wire(0x10), 0},
	}
	for _, tt := range tests {
		f, _ := Cut(tt.wire, 0)
		c, err := DecodeConnect(f)
		if err == nil || c == nil || c.Version != tt.want {
			t.Errorf("%s: %+v, %v, want version %d", tt.name, c, err, tt.want)
		}
	}
}

// 3.1 was laxer; what its clients may send is taken.
func TestLenientV31(t *testing.T) {
	f, _ := Cut(wire(0x10, lstr("MQIsdp"), 3, 0xC2, 0, 0, lstr("c")), 0)
	if c, err := DecodeConnect(f); err != nil || c.HasUser || c.HasPassword {
		t.Errorf("announced user and password may be missing: %+v, %v", c, err)
	}
	f, _ = Cut(wire(0x8A, 0, 1, lstr("a"), 0xFD), 0)
	if s, err := DecodeSubscribe(f, V31); err != nil || s.Filters[0].QoS != 1 {
		t.Errorf("SUBSCRIBE with DUP and reserved bits: %+v, %v", s, err)
	}
	f, _ = Cut(wire(0x38, lstr("a")), 0)
	var p Publish
	if err := DecodePublish(&p, f, V31); err != nil || p.Dup {
		t.Errorf("DUP at QoS 0: %+v, %v", p, err)
	}
}

func TestConnackForOlderServer(t *testing.T) {
	f, _ := Cut(wire(0x20, 0, 1), 0)
	if c, err := DecodeConnack(f, V5); err != nil || c.Reason != UnsupportedProtocolVersion {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestUserPropertiesApart(t *testing.T) {
	prop := func(v string) []byte { return AppendUserProperty(nil, "k", v) }
	f, _ := Cut(wire(0x30, lstr("t"), block(prop("1"), prop("2"), 0x01, 1, prop("3"), 0x0B, 1, prop("4"), prop("5")), "x"), 0)
	body := bytes.Clone(f.Body)
	var p Publish
	if err := DecodePublish(&p, f, V5); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for k, v := range p.Props.UserPairs() {
		got.WriteString(k + v + " ")
	}
	if got.String() != "k1 k2 k3 k4 k5 " || !bytes.Equal(body, f.Body) {
		t.Errorf("user properties in order: %q; buffer touched: %v", got.String(), !bytes.Equal(body, f.Body))
	}
	for range p.Props.UserPairs() {
		break // stopping early is fine
	}
}

func TestPropsAlone(t *testing.T) {
	for _, s := range samples {
		p, ok := s.packet.(*Publish)
		if !ok || s.version != V5 {
			continue
		}
		var got PublishProps
		b := append(p.Props.Append(nil), "rest"...)
		rest, err := got.DecodeProps(b)
		if err != nil || string(rest) != "rest" || got.Size() != p.Props.Size() {
			t.Errorf("%s: %+v, rest %q, %v", s.name, got, rest, err)
		}
		kept := got.Clone()
		clear(b)
		if !bytes.Equal(kept.Append(nil), p.Props.Append(nil)) {
			t.Errorf("%s: the clone shares memory: %+v", s.name, kept)
		}
	}
	var p PublishProps
	if _, err := p.DecodeProps([]byte{9, 1}); !errors.Is(err, MalformedPacket) {
		t.Errorf("cut off: %v", err)
	}
}

func TestPublishSize(t *testing.T) {
	for _, n := range []int{0, 100, 127, 128, 20000, 3 << 20} {
		p := Publish{QoS: 1, PacketID: 1, Topic: []byte("a/b"), Payload: make([]byte, n), Props: PublishProps{User: userProp}}
		for _, v := range []Version{V31, V311, V5} {
			if b := p.Append(nil, v); len(b) != p.Size(v) {
				t.Errorf("version %d, %d bytes of payload: Size %d, appended %d", v, n, p.Size(v), len(b))
			}
		}
	}
}

func TestLongText(t *testing.T) {
	d := Disconnect{Reason: ServerBusy, ReasonString: strings.Repeat("a", 65534) + "é"}
	f, err := Cut(d.Append(nil, V5), 0)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeDisconnect(f, V5)
	if err != nil || len(got.ReasonString) != 65534 {
		t.Errorf("cut at a character: %d bytes, %v", len(got.ReasonString), err)
	}
}

func TestReturnCode(t *testing.T) {
	tests := map[Reason]byte{Success: 0, UnsupportedProtocolVersion: 1, ClientIdentifierNotValid: 2, ServerUnavailable: 3,
		ServerBusy: 3, QuotaExceeded: 3, BadUserNameOrPassword: 4, NotAuthorized: 5, Banned: 5, UseAnotherServer: 5}
	for r, want := range tests {
		if got := r.ReturnCode(); got != want {
			t.Errorf("%v: return code %d, want %d", r, got, want)
		}
	}
}

func TestReasonWords(t *testing.T) {
	if s := PacketTooLarge.Error(); s != "packet too large" {
		t.Error(s)
	}
	if s := Reason(0xFE).Error(); s != "reason code 0xFE" {
		t.Error(s)
	}
	if err := malformed("x"); !errors.Is(err, MalformedPacket) || err.Error() != "malformed packet: x" {
		t.Error(err)
	}
	if ReasonOf(nil) != Success || ReasonOf(errors.New("x")) != UnspecifiedError {
		t.Error("ReasonOf")
	}
}
