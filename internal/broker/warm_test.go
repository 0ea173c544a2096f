package broker

import (
	"fmt"
	"testing"

	"tsunagi/internal/mqtt"
)

// TestColdTopics sends to more topics than the cache has room for, until it isn't asked any more, and changes the
// subscriptions meanwhile: every message reaches its receiver, and none a receiver that has left.
func TestColdTopics(t *testing.T) {
	r := newRig(t, Limits{})
	pub, sub := r.sink("p", mqtt.V311, false), r.sink("s", mqtt.V311, false)
	sub.sub(t, "cold/+/x", 0)
	const batch = 1000 // has room in the outbox
	var bufs [][]byte
	for at := 0; at < mostSlots+mostSlots/4; at += batch {
		bufs = append(bufs, packets(batch, mqtt.V311, func(i int) string { return fmt.Sprintf("cold/%d/x", at+i) }, 0))
	}
	var turn Turn
	for range 3 {
		for _, buf := range bufs {
			before := sub.bytes
			pub.handle(t, &turn, buf)
			if got := sub.bytes - before; got != len(buf) {
				t.Fatalf("%d bytes arrived of %d", got, len(buf))
			}
		}
	}
	if turn.misses < warmFrom {
		t.Errorf("the turn counts %d misses; it should know that the cache doesn't help", turn.misses)
	}
	p := mqtt.Unsubscribe{PacketID: 2, Filters: [][]byte{[]byte("cold/+/x")}}
	sub.handle(t, &turn, p.Append(nil, mqtt.V311))
	before := sub.bytes
	pub.handle(t, &turn, bufs[0])
	if sub.bytes != before {
		t.Errorf("%d bytes came after UNSUBSCRIBE", sub.bytes-before)
	}
}
