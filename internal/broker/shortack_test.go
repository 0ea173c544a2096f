package broker

import (
	"bytes"
	"testing"

	"tsunagi/internal/mqtt"
)

// FuzzShortAck holds the quick way of acknowledgements to the general one: what it takes means the same there, in all
// versions, and nothing that the general way refuses gets through.
func FuzzShortAck(f *testing.F) {
	for _, first := range []byte{0x40, 0x41, 0x50, 0x60, 0x62, 0x70, 0x30, 0x90} {
		f.Add([]byte{first, 2, 0, 1})
	}
	f.Add([]byte{0x40, 2, 0, 0})
	f.Add([]byte{0x40, 3, 0, 1, 0x10})
	f.Add([]byte{0x40, 0x82, 0, 0, 1})
	f.Add([]byte{0x40, 2, 0})
	f.Fuzz(func(t *testing.T, buf []byte) {
		var quick mqtt.Ack
		if !shortAck(&quick, buf) {
			return
		}
		for _, v := range []mqtt.Version{mqtt.V31, mqtt.V311, mqtt.V5} {
			var full mqtt.Ack
			frame, err := mqtt.Cut(buf, 0)
			if err == nil {
				err = mqtt.DecodeAck(&full, frame, v)
			}
			if err != nil || frame.Size != shortAckSize || full.Type != quick.Type || full.PacketID != quick.PacketID ||
				quick.Reason != mqtt.Success || full.Reason != mqtt.Success {
				t.Errorf("version %d, % x: %+v, in general %+v, %v", v, buf, quick, full, err)
			}
			if v == mqtt.V5 && !bytes.Equal(quick.Append(nil, v), buf[:shortAckSize]) {
				t.Errorf("% x is %+v", buf, quick)
			}
		}
	})
}

func TestShortAckTakesAll(t *testing.T) {
	for _, kind := range []mqtt.Type{mqtt.PUBACK, mqtt.PUBREC, mqtt.PUBREL, mqtt.PUBCOMP} {
		var a mqtt.Ack
		packet := (&mqtt.Ack{Type: kind, PacketID: 0x1234}).Append(nil, mqtt.V5)
		if !shortAck(&a, packet) || a.Type != kind || a.PacketID != 0x1234 {
			t.Errorf("% x is %+v", packet, a)
		}
	}
}
