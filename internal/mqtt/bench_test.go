package mqtt

import "testing"

// The two functions that every message passes: neither may allocate.
func BenchmarkPublish(b *testing.B) {
	full := Publish{QoS: 1, PacketID: 1, Topic: []byte("home/kitchen/temperature"), Payload: make([]byte, 64),
		Props: PublishProps{PayloadFormat: 1, HasExpiry: true, Expiry: 60, ContentType: []byte("text/plain"),
			ResponseTopic: []byte("answers"), SubscriptionIDs: []uint32{1, 2}, User: userProp}}
	plain := Publish{Topic: full.Topic, Payload: full.Payload}
	for _, bb := range []struct {
		name    string
		packet  *Publish
		version Version
	}{{"311 QoS 0", &plain, V311}, {"5 QoS 0", &plain, V5}, {"5 with properties", &full, V5}} {
		wire := bb.packet.Append(nil, bb.version)
		b.Run("decode "+bb.name, func(b *testing.B) {
			b.ReportAllocs()
			var p Publish
			for b.Loop() {
				f, err := Cut(wire, 1<<20)
				if err == nil {
					err = DecodePublish(&p, f, bb.version)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("append "+bb.name, func(b *testing.B) {
			b.ReportAllocs()
			buf := make([]byte, 0, 1024)
			for b.Loop() {
				buf = bb.packet.Append(buf[:0], bb.version)
			}
		})
	}
}

func TestPublishAllocatesNothing(t *testing.T) {
	for _, s := range samples {
		if _, ok := s.packet.(*Publish); !ok {
			continue
		}
		var p Publish
		buf := make([]byte, 0, 1024)
		if n := testing.AllocsPerRun(100, func() {
			f, _ := Cut(s.wire, 0)
			if err := DecodePublish(&p, f, s.version); err != nil {
				t.Fatal(err)
			}
			buf = p.Append(buf[:0], s.version)
		}); n != 0 {
			t.Errorf("%s: %v allocations", s.name, n)
		}
	}
}
