package hook

import (
	"bytes"
	"testing"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
)

// BenchmarkUnheard publishes what no hook listens to: it costs the same with hooks of all kinds and without any.
func BenchmarkUnheard(b *testing.B) {
	for _, name := range []string{"without hooks", "beside hooks"} {
		b.Run(name, func(b *testing.B) {
			s := newSite(b, nil)
			if name == "beside hooks" {
				clock, pump, freezer := at("0 23 * * *", "Europe/Berlin"), silent("pump/+", 60), watching("freezer/+", "payload > -15", func(h *account.Hook) { h.Edge = true })
				clock.ID, pump.ID, freezer.ID = "clock", "pump", "freezer"
				s.set(clock, pump, freezer)
			}
			c := s.connect("publisher")
			packet := (&mqtt.Publish{Topic: []byte("kitchen/temperature"), Payload: bytes.Repeat([]byte("x"), 64)}).Append(nil, mqtt.V5)
			var turn broker.Turn
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Handle(packet, &turn); err != nil {
					b.Fatal(err)
				}
				turn.Flush()
			}
		})
	}
}
