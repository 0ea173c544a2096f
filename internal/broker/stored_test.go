package broker

import (
	"bytes"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// FuzzStored reads whatever a damaged store may give: an error, never a panic, and what is read back is what was written.
func FuzzStored(f *testing.F) {
	clk := clock{time.Now, time.Now()}
	b := &Broker{clock: clk}
	p := mqtt.Publish{QoS: 2, Retain: true, Topic: []byte("a/b"), Payload: []byte("x"),
		Props: mqtt.PublishProps{HasExpiry: true, Expiry: 60, ContentType: []byte("t"), User: []byte{0x26, 0, 1, 'k', 0, 1, 'v'}}}
	_, rec := newMessage("a/b", &p, "client", "user", time.Now(), clk.ms())
	s := &Session{b: b, id: "c", sessionMeta: sessionMeta{user: "u", version: mqtt.V5, expiry: 60, will: &will{pub: p, delay: 5}}}
	f.Add(rec)
	f.Add(carriedRecord(Record{Offset: 7, Message: rec}))
	f.Add(s.encode())
	f.Add((&subscription{qos: 2, id: 300, noLocal: true}).encode(1 << 40))
	f.Add(encodeCursor(5, 9, []ref{{m: &message{offset: 3}, qos: 1}, {m: &message{offset: 400}, qos: 2}}))
	f.Add(sentPacket(ref{m: &message{offset: 3}, g: &group{full: "$share/g/t"}}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if o, err := readRecord(raw, &clk); err == nil {
			name, err := recordTopic(raw)
			if err != nil || string(name) != o.topic {
				t.Errorf("topic %q, %v, want %q", name, err, o.topic)
			}
			q := o.publish()
			m, again := newMessage(o.topic, &q, o.publisher, o.user, time.UnixMilli(0), 0)
			if p := m.body.Load(); !bytes.Equal(p.payload, o.payload) || p.qos != o.qos || p.retain != o.retain {
				t.Errorf("%+v became %+v", o, p)
			}
			if _, err := readRecord(carriedRecord(Record{Offset: 9, Message: again}), &clk); err != nil {
				t.Error(err)
			}
		}
		_, _ = recordTopic(raw)
		_, _, _ = (&Session{b: b}).decode(raw)
		_ = (&subscription{}).decode(raw)
		_, _ = readCursor(raw)
		_, _ = readPacket(raw)
	})
}

// TestNoAllocation is the promise of the hot path at QoS 0; the benchmarks say how long it takes.
func TestNoAllocation(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector lets pools forget")
	}
	for _, v := range []mqtt.Version{mqtt.V311, mqtt.V5} {
		r := newRig(t, Limits{})
		pub, sub := r.sink("p", v, false), r.sink("s", v, false)
		sub.sub(t, "bench/+", 0)
		sub.sub(t, "one/1", 1)
		turn := &Turn{}
		for name, buf := range map[string][]byte{
			"a run":     packets(64, v, func(int) string { return "bench/1" }, 0),
			"scattered": packets(64, v, func(i int) string { return []string{"bench/1", "bench/2", "bench/3"}[i%3] }, 0),
			"QoS 1":     packets(1, v, func(int) string { return "bench/1" }, 1),
		} {
			pub.handle(t, turn, buf)
			if n := testing.AllocsPerRun(200, func() { pub.handle(t, turn, buf) }); n >= 1 {
				t.Errorf("v%d %s: %v allocations", v, name, n)
			}
		}
	}
}
