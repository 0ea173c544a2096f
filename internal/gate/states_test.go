package gate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"

	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
)

// wellFormed is a right packet of every type, as hex of what follows the first byte, for a state in which it would be good.
var wellFormed = [16]string{
	0: "\x00", 1: "\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00", 2: "\x02\x00\x00", 3: "\x04\x00\x01tx", 4: "\x02\x00\x01", 5: "\x02\x00\x01",
	6: "\x02\x00\x01", 7: "\x02\x00\x01", 8: "\x06\x00\x01\x00\x01t\x00", 9: "\x03\x00\x01\x00", 10: "\x05\x00\x01\x00\x01t", 11: "\x02\x00\x01",
	12: "\x00", 13: "\x00", 14: "\x00", 15: "\x00",
}

// Which flags a client may send, by type; PUBLISH apart.
var clientFlags = map[mqtt.Type]byte{mqtt.PUBACK: 0, mqtt.PUBREC: 0, mqtt.PUBREL: 2, mqtt.PUBCOMP: 0, mqtt.SUBSCRIBE: 2, mqtt.UNSUBSCRIBE: 2, mqtt.PINGREQ: 0}

// body is the sample of a type in a version: 5.0 has room for properties.
func body(kind mqtt.Type, v mqtt.Version) string {
	if v == mqtt.V5 {
		switch kind {
		case mqtt.PUBLISH:
			return "\x05\x00\x01t\x00x"
		case mqtt.SUBSCRIBE:
			return "\x07\x00\x01\x00\x00\x01t\x00"
		case mqtt.UNSUBSCRIBE:
			return "\x06\x00\x01\x00\x00\x01t"
		}
	}
	return wellFormed[kind]
}

// TestEveryTypeInEveryState is attack row 3: all 16 types with all 16 flags, before CONNECT, after it and behind
// DISCONNECT. What has no place in a state ends the connection at once.
func TestEveryTypeInEveryState(t *testing.T) {
	r := realRig(t)
	for first := range 256 {
		kind, flags := mqtt.Type(first>>4), byte(first&15)
		if b := append([]byte{byte(first)}, wellFormed[kind]...); first != int(mqtt.CONNECT)<<4 {
			c := rawDial(t, r.mqtt)
			if got := answers(t, c, b); len(got) > 0 {
				t.Errorf("%#x before CONNECT is answered with %x", first, got)
			}
			<-r.events
		}
		for _, v := range []mqtt.Version{mqtt.V311, mqtt.V5} {
			b := append([]byte{byte(first)}, body(kind, v)...)
			want, isClients := clientFlags[kind]
			if kind == mqtt.PUBLISH {
				isClients, want = flags>>1 == 0, flags // of QoS 0 without DUP; the sample has no identifier
			}
			c := r.enter("tcp", id(fmt.Sprintf("c%d-%d", first, v), v))
			got := answers(t, c, append(b, 0xC0, 0))
			open := strings.HasSuffix(string(got), "\xd0\x00")
			if open != (isClients && flags == want) {
				t.Errorf("%#x of version %d after CONNECT: open %v, answers %x", first, v, open, got)
			}
			if !open && v == mqtt.V5 && first != int(mqtt.DISCONNECT)<<4 && (len(got) < 3 || got[0] != byte(mqtt.DISCONNECT)<<4 || got[2] < 0x80) {
				t.Errorf("%#x of version 5: no DISCONNECT with a reason, but %x", first, got)
			}
			c = r.enter("tcp", id(fmt.Sprintf("d%d-%d", first, v), v))
			if got := answers(t, c, append([]byte{0xE0, 0}, b...)); len(got) > 0 {
				t.Errorf("%#x of version %d behind DISCONNECT is answered with %x", first, v, got)
			}
		}
	}
}

// answers sends b and reads until the connection ends or PINGRESP comes.
func answers(t *testing.T, c net.Conn, b []byte) (got []byte) {
	t.Helper()
	defer c.Close()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1)
	for {
		_, err := io.ReadFull(c, buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("the connection hangs after %x", b)
		}
		if err != nil {
			return got
		}
		if got = append(got, buf...); strings.HasSuffix(string(got), "\xd0\x00") {
			return got
		}
	}
}

// TestAnnouncedLengths is attack row 2, after CONNECT: memory follows the bytes that come, not those that are announced,
// and what is longer than the plan's packets ends at its head.
func TestAnnouncedLengths(t *testing.T) {
	r := realRig(t, broker.Limits{MaxPacket: 100_000})
	for _, kind := range transports {
		for name, head := range map[string]string{"over the plan": "\x30\xa1\x8d\x06", "the longest": "\x30\xff\xff\xff\x7f", "five bytes": "\x30\xff\xff\xff\xff\x01"} {
			for _, v := range []mqtt.Version{mqtt.V311, mqtt.V5} {
				c := r.enter(kind, id("c", v))
				if _, err := c.Write([]byte(head)); err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(c)
				if errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatalf("%s over %s: the connection stays", name, kind)
				}
				want := map[bool]byte{true: 0x81, false: 0x95}[name == "five bytes"]
				if v == mqtt.V5 && (len(got) < 3 || got[2] != want) {
					t.Errorf("%s over %s: DISCONNECT %x, want reason %#x", name, kind, got, want)
				}
				c.Close()
			}
		}
	}
}

// TestLengthsHoldNoMemory is attack row 2: connections that announce a long packet in the longest WebSocket frame, and
// then trickle, hold what they have sent.
func TestLengthsHoldNoMemory(t *testing.T) {
	r := newRig(t)
	const count, sent = 60, 10_000
	raw := append([]byte("\x30\x80\x80\x80\x07\x00\x01t"), make([]byte, sent)...) // 14 MB
	var all []*echo
	before := heapInUse()
	for i := range count {
		c, e := r.login(transports[i%len(transports)])
		out := raw
		if w, ok := c.(*wsClient); ok {
			head := binary.BigEndian.AppendUint64([]byte{0x80 | opBinary, 0xFF}, maxFrame)
			c, out = w.Conn, append(append(head, 0, 0, 0, 0), raw...)
		}
		if _, err := c.Write(out); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	for _, e := range all {
		until(t, "the arrival of what was sent", func() bool {
			e.mu.Lock()
			defer e.mu.Unlock()
			return e.most == len(raw)
		})
	}
	if grown := heapInUse() - before; grown > 8*count*sent {
		t.Errorf("%d connections hold %d bytes, having sent %d each", count, grown, sent)
	}
}

func heapInUse() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
