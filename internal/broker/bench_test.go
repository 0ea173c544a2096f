package broker

import (
	"bytes"
	"fmt"
	"testing"

	"tsunagi/internal/mqtt"
)

// The benchmarks go through Handle and a flush into nothing: everything but the sockets.

// sink is a link that takes everything and keeps nothing.
type sink struct {
	c     *Client
	bytes int
}

func (s *sink) Flush() { _ = s.c.Outbox().Flush(s.write) }

func (s *sink) write(parts [][]byte) (int, error) {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	s.bytes += n
	return n, nil
}

func (s *sink) Close(error) {}

func (r *rig) sink(id string, v mqtt.Version, persistent bool) *sink {
	s := &sink{}
	p := connectPacket(id, v)
	if persistent {
		p = persistentPacket(id, v)
	}
	c, err := r.b.Connect(r.t.Context(), &ConnectRequest{Packet: p, Identity: Identity{User: "u", Rights: AllowAll{}}, Link: s})
	if err != nil {
		r.t.Fatal(err)
	}
	s.c = c
	s.Flush()
	return s
}

func (s *sink) handle(t testing.TB, turn *Turn, buf []byte) {
	n, err := s.c.Handle(buf, turn)
	if err != nil || n != len(buf) {
		t.Fatalf("used %d of %d: %v", n, len(buf), err)
	}
	turn.Flush()
}

func (s *sink) sub(t testing.TB, filter string, qos byte) {
	var turn Turn
	p := mqtt.Subscribe{PacketID: 1, Filters: []mqtt.Subscription{{Filter: []byte(filter), QoS: qos}}}
	s.handle(t, &turn, p.Append(nil, s.c.version))
}

func packets(n int, v mqtt.Version, topic func(i int) string, qos byte) []byte {
	var buf []byte
	payload := bytes.Repeat([]byte("x"), 64)
	for i := range n {
		p := mqtt.Publish{Topic: []byte(topic(i)), Payload: payload, QoS: qos}
		if qos > 0 {
			p.PacketID = uint16(i + 1)
		}
		buf = p.Append(buf, v)
	}
	return buf
}

func perMessage(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/msg")
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds()/1e6, "Mmsg/s")
}

func BenchmarkPairs(b *testing.B) {
	for _, v := range []mqtt.Version{mqtt.V311, mqtt.V5} {
		for _, n := range []int{1, 64} {
			b.Run(fmt.Sprintf("v%d/batch%d", v, n), func(b *testing.B) {
				r := newRig(b, Limits{MaxPacket: 1 << 20})
				pub, sub := r.sink("p", v, false), r.sink("s", v, false)
				sub.sub(b, "bench/1", 0)
				buf := packets(n, v, func(int) string { return "bench/1" }, 0)
				var turn Turn
				b.ReportAllocs()
				for b.Loop() {
					pub.handle(b, &turn, buf)
				}
				perMessage(b, n)
			})
		}
	}
}

func BenchmarkFanOut(b *testing.B) {
	r := newRig(b, Limits{})
	pub := r.sink("p", mqtt.V311, false)
	for i := range 1000 {
		r.sink(fmt.Sprint("s", i), mqtt.V311, false).sub(b, "bench/1", 0)
	}
	for _, n := range []int{1, 64} {
		b.Run(fmt.Sprintf("batch%d", n), func(b *testing.B) {
			buf := packets(n, mqtt.V311, func(int) string { return "bench/1" }, 0)
			var turn Turn
			b.ReportAllocs()
			for b.Loop() {
				pub.handle(b, &turn, buf)
			}
			perMessage(b, n*1000)
		})
	}
}

func BenchmarkScattered(b *testing.B) {
	r := newRig(b, Limits{})
	pub := r.sink("p", mqtt.V311, false)
	for i := range 20 {
		s := r.sink(fmt.Sprint("s", i), mqtt.V311, false)
		for j := range 1000 {
			s.sub(b, fmt.Sprintf("dev/%d/+/%d", i, j), 0)
		}
	}
	buf := packets(20000, mqtt.V311, func(i int) string { return fmt.Sprintf("dev/%d/x/%d", i%20, i/20) }, 0)
	var turn Turn
	b.ReportAllocs()
	for b.Loop() {
		pub.handle(b, &turn, buf)
	}
	perMessage(b, 20000)
}

// BenchmarkFilters sends every message to another of 200,000 topics, more than any cache holds.
func BenchmarkFilters(b *testing.B) {
	const n = 200_000
	r := newRig(b, Limits{})
	pub := r.sink("p", mqtt.V311, false)
	for i := range 20 {
		s := r.sink(fmt.Sprint("s", i), mqtt.V311, false)
		for j := i; j < n; j += 20 {
			s.sub(b, fmt.Sprintf("bench/w%d/+", j), 0)
		}
	}
	const batch = 60
	bufs := make([][]byte, n/batch)
	for i := range bufs {
		bufs[i] = packets(batch, mqtt.V311, func(j int) string { return fmt.Sprintf("bench/w%d/x", i*batch+j) }, 0)
	}
	var turn Turn
	b.ReportAllocs()
	for b.Loop() {
		for _, buf := range bufs {
			pub.handle(b, &turn, buf)
		}
	}
	perMessage(b, len(bufs)*batch)
}

// BenchmarkQoS1 and BenchmarkQoS2 run whole handshakes on both sides.
func BenchmarkQoS1(b *testing.B) {
	for _, v := range []mqtt.Version{mqtt.V311, mqtt.V5} {
		b.Run(fmt.Sprintf("v%d", v), func(b *testing.B) {
			r := newRig(b, Limits{})
			pub, sub := r.sink("p", v, false), r.sink("s", v, false)
			sub.sub(b, "bench/1", 1)
			buf := packets(20, v, func(int) string { return "bench/1" }, 1)
			var acks []byte
			for i := range 20 {
				acks = (&mqtt.Ack{Type: mqtt.PUBACK, PacketID: uint16(i + 1)}).Append(acks, v)
			}
			var turn Turn
			b.ReportAllocs()
			for b.Loop() {
				pub.handle(b, &turn, buf)
				open := sub.c.s.out.used
				if open != 20 {
					b.Fatal(open)
				}
				// Identifiers are used in turn: acknowledge those that are out.
				acks = acks[:0]
				for id := range sub.c.s.out.slots {
					if sub.c.s.out.slots[id].state != slotFree {
						acks = append(acks, byte(mqtt.PUBACK)<<4, 2, byte((id+1)>>8), byte(id+1))
					}
				}
				sub.handle(b, &turn, acks)
			}
			perMessage(b, 20)
		})
	}
}

func BenchmarkQoS2(b *testing.B) {
	r := newRig(b, Limits{})
	pub, sub := r.sink("p", mqtt.V311, false), r.sink("s", mqtt.V311, false)
	sub.sub(b, "bench/1", 2)
	buf := packets(20, mqtt.V311, func(int) string { return "bench/1" }, 2)
	var rel []byte
	for i := range 20 {
		rel = (&mqtt.Ack{Type: mqtt.PUBREL, PacketID: uint16(i + 1)}).Append(rel, mqtt.V311)
	}
	var turn Turn
	var recs, comps []byte
	b.ReportAllocs()
	for b.Loop() {
		pub.handle(b, &turn, buf)
		pub.handle(b, &turn, rel)
		recs, comps = recs[:0], comps[:0]
		for id := range sub.c.s.out.slots {
			if sub.c.s.out.slots[id].state != slotFree {
				recs = append(recs, byte(mqtt.PUBREC)<<4, 2, byte((id+1)>>8), byte(id+1))
				comps = append(comps, byte(mqtt.PUBCOMP)<<4, 2, byte((id+1)>>8), byte(id+1))
			}
		}
		sub.handle(b, &turn, recs)
		sub.handle(b, &turn, comps)
	}
	perMessage(b, 20)
}

// BenchmarkRetained replays 10,000 retained messages to a new subscription.
func BenchmarkRetained(b *testing.B) {
	r := newRig(b, Limits{})
	const n = 10_000
	for i := range n {
		if err := r.b.Publish(b.Context(), fmt.Sprintf("house/%d/room/%d", i%100, i), bytes.Repeat([]byte("x"), 64), 0, true); err != nil {
			b.Fatal(err)
		}
	}
	sub := r.sink("s", mqtt.V311, false)
	b.ReportAllocs()
	for b.Loop() {
		sub.sub(b, "#", 0)
	}
	perMessage(b, n)
}

// BenchmarkSubscribe adds wildcard filters to one session that has many.
func BenchmarkSubscribe(b *testing.B) {
	r := newRig(b, Limits{})
	s := r.sink("s", mqtt.V311, false)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.sub(b, fmt.Sprintf("dev/%d/+/state", i), 0)
		i++
	}
}

// BenchmarkStored is the way through the committer with a store that costs nothing: one persistent session is away.
func BenchmarkStored(b *testing.B) {
	r := newRig(b, Limits{QueueMessages: 1000})
	away := r.sink("away", mqtt.V311, true)
	away.sub(b, "#", 1)
	r.waitWrites()
	away.c.Gone(nil)
	pub := r.sink("p", mqtt.V311, false)
	buf := packets(64, mqtt.V311, func(int) string { return "bench/1" }, 1)
	var turn Turn
	b.ReportAllocs()
	for b.Loop() {
		pub.handle(b, &turn, buf)
		if r.store.length() > 100_000 {
			r.store.mu.Lock()
			r.store.log = nil
			r.store.mu.Unlock()
		}
	}
	r.waitWrites()
	perMessage(b, 64)
}

// BenchmarkRetain publishes retained messages on topics that have one already, with a store that costs nothing.
func BenchmarkRetain(b *testing.B) {
	for qos := range byte(2) {
		b.Run(fmt.Sprintf("qos%d", qos), func(b *testing.B) {
			r := newRig(b, Limits{RetainedMessages: 1000})
			pub := r.sink("p", mqtt.V5, false)
			var buf []byte
			for i := range 64 {
				p := mqtt.Publish{Topic: fmt.Appendf(nil, "house/room/%d/state", i), Payload: bytes.Repeat([]byte("x"), 64), QoS: qos, Retain: true}
				if qos > 0 {
					p.PacketID = uint16(i + 1)
				}
				buf = p.Append(buf, mqtt.V5)
			}
			var turn Turn
			b.ReportAllocs()
			for b.Loop() {
				pub.handle(b, &turn, buf)
				r.waitWrites()
			}
			perMessage(b, 64)
		})
	}
}
