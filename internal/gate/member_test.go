package gate

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"runtime"
	"testing"

	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/store/sqlite"
	"tsunagi/internal/store/sqlitetest"
)

// allRights allow everything.
type allRights struct{}

func (allRights) Generation() uint64 { return 1 }
func (allRights) MayPublish(string, string, byte, bool) broker.Verdict {
	return broker.Verdict{Allowed: true}
}
func (allRights) MaySubscribe(string, string) broker.Verdict { return broker.Verdict{Allowed: true} }
func (allRights) MayReceive(string, string) broker.Verdict   { return broker.Verdict{Allowed: true} }

// openDoor lets everybody into one broker.
type openDoor struct{ b *broker.Broker }

func (d openDoor) Admit(context.Context, Hello) (*broker.Broker, broker.Identity, error) {
	return d.b, broker.Identity{User: "u", Rights: allRights{}}, nil
}

// realRig is a gate before a real broker with a real store.
func realRig(t testing.TB, limits ...broker.Limits) *rig {
	t.Helper()
	o := broker.Options{ID: "i"}
	for _, l := range limits {
		o.Limits = l
	}
	store, err := sqlite.Open(t.Context(), sqlite.Options{Dir: sqlitetest.Dir(t), BallastBytes: -1, LowBytes: -1, CriticalBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	committer := broker.NewCommitter(store.Messages, func(t *broker.Turn) { t.Flush() }, nil)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- committer.Run(ctx) }() // ends with ctx
	o.Committer = committer
	b, err := broker.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after the gate's own, which stops the broker
		cancel()
		<-ended
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	r := newRig(t, func(o *Options) { o.Door, o.Drain = openDoor{b}, b.Stop })
	r.attach = attach
	return r
}

// enter logs in under an id and reads the CONNACK.
func (r *rig) enter(kind string, p mqtt.Connect) net.Conn {
	r.t.Helper()
	c := r.dial(kind)
	if _, err := c.Write(p.Append(nil)); err != nil {
		r.t.Fatal(err)
	}
	if got := readPacket(r.t, c); got[0] != 0x20 || got[3] != 0 {
		r.t.Fatalf("CONNACK %x", got)
	}
	return c
}

func id(name string, v mqtt.Version) mqtt.Connect {
	return mqtt.Connect{Version: v, Clean: true, ClientID: []byte(name), RequestProblem: true}
}

func (r *rig) subscribe(c net.Conn, v mqtt.Version, qos byte, filter string) {
	r.t.Helper()
	s := mqtt.Subscribe{PacketID: 1, Filters: []mqtt.Subscription{{Filter: []byte(filter), QoS: qos}}}
	if _, err := c.Write(s.Append(nil, v)); err != nil {
		r.t.Fatal(err)
	}
	if got := readPacket(r.t, c); got[0] != 0x90 {
		r.t.Fatalf("SUBACK %x", got)
	}
}

// TestRealBroker sends messages of all sizes and qualities from each transport to each, through a real broker.
func TestRealBroker(t *testing.T) {
	r := realRig(t)
	for i, from := range transports {
		to := transports[(i+2)%len(transports)]
		for qos := range byte(3) {
			t.Run(fmt.Sprintf("%s to %s QoS %d", from, to, qos), func(t *testing.T) {
				t.Parallel()
				topic := fmt.Sprintf("%s/%d", from, qos)
				sub, pub := r.enter(to, id("s-"+topic, mqtt.V311)), r.enter(from, id("p-"+topic, mqtt.V311))
				r.subscribe(sub, mqtt.V311, qos, topic)
				for n, size := range []int{0, 1, 1000, 5000, 70000, 300000} {
					p := mqtt.Publish{QoS: qos, Topic: []byte(topic), PacketID: uint16(n + 1), Payload: bytes.Repeat([]byte{byte(n)}, size)}
					if _, err := pub.Write(p.Append(nil, mqtt.V311)); err != nil {
						t.Fatal(err)
					}
					f, err := mqtt.Cut(readPacket(t, sub), 0)
					if err != nil {
						t.Fatal(err)
					}
					var got mqtt.Publish
					if err := mqtt.DecodePublish(&got, f, mqtt.V311); err != nil || !bytes.Equal(got.Payload, p.Payload) || got.QoS != qos {
						t.Fatalf("message %d: %d bytes of QoS %d, %v", n, len(got.Payload), got.QoS, err)
					}
					if qos == 0 {
						continue
					}
					first := map[byte]byte{1: 0x40, 2: 0x50}[qos]
					if ack := readPacket(t, pub); ack[0] != first || ack[3] != byte(n+1) {
						t.Fatalf("acknowledgement %x", ack)
					}
					if _, err := sub.Write([]byte{first, 2, byte(got.PacketID >> 8), byte(got.PacketID)}); err != nil {
						t.Fatal(err)
					}
					if qos == 2 {
						if rel := readPacket(t, sub); rel[0] != 0x62 {
							t.Fatalf("PUBREL %x", rel)
						}
					}
				}
			})
		}
	}
}

// TestGoodbyes: a 5.0 client reads why its connection ends, over every transport.
func TestGoodbyes(t *testing.T) {
	tests := []struct {
		name string
		want mqtt.Reason
		do   func(r *rig, kind string, c net.Conn)
	}{
		{"taken over", mqtt.SessionTakenOver, func(r *rig, kind string, _ net.Conn) { r.enter(kind, id("a", mqtt.V5)) }},
		{"malformed", mqtt.MalformedPacket, func(r *rig, _ string, c net.Conn) {
			if _, err := c.Write([]byte{0xC1, 0}); err != nil {
				r.t.Fatal(err)
			}
		}},
		{"silent", mqtt.KeepAliveTimeout, func(*rig, string, net.Conn) {}},
		{"stop", mqtt.ServerShuttingDown, func(r *rig, _ string, _ net.Conn) {
			go r.Stop(context.WithoutCancel(r.t.Context())) // ends when the client has been told; the rig's own waits
		}},
	}
	for _, tt := range tests {
		for _, kind := range transports {
			t.Run(tt.name+" "+kind, func(t *testing.T) {
				t.Parallel()
				r := realRig(t)
				p := id("a", mqtt.V5)
				if tt.want == mqtt.KeepAliveTimeout {
					p.KeepAlive = 1
				}
				c := r.enter(kind, p)
				tt.do(r, kind, c)
				got := readPacket(t, c)
				if got[0] != 0xE0 || mqtt.Reason(got[2]) != tt.want {
					t.Errorf("last packet %x, want DISCONNECT %#x", got, byte(tt.want))
				}
				wantClosed(t, c)
			})
		}
	}
}

// TestNothingLeft: connections that came and went leave neither goroutines nor counts.
func TestNothingLeft(t *testing.T) {
	r := realRig(t)
	r.enter("tcp", id("warm", mqtt.V5)).Close()
	until(t, "the first end", func() bool { return r.Connections() == 0 })
	r.workers.stop()
	before := runtime.NumGoroutine()
	for i := range 100 {
		c := r.enter(transports[i%len(transports)], id(fmt.Sprint(i), mqtt.V5))
		if i%3 == 0 {
			if _, err := c.Write([]byte{0xE0, 0}); err != nil {
				t.Fatal(err)
			}
		}
		c.Close()
	}
	until(t, "the end of all connections", func() bool { return r.Connections() == 0 })
	until(t, "the end of all goroutines", func() bool {
		r.workers.stop()
		return runtime.NumGoroutine() <= before
	})
}

// BenchmarkPairs sends messages through a real broker from one connection to another, 64 at once. Client and broker
// share the process, so it is for comparing with itself.
func BenchmarkPairs(b *testing.B) {
	for _, kind := range transports {
		b.Run(kind, func(b *testing.B) {
			r := realRig(b)
			sub, pub := r.enter(kind, id("s", mqtt.V311)), r.enter(kind, id("p", mqtt.V311))
			r.subscribe(sub, mqtt.V311, 0, "t/#")
			const at = 64
			batch := bytes.Repeat(publish(1, 64), at)
			in := make([]byte, len(batch))
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N/at + 1 {
				if _, err := pub.Write(batch); err != nil {
					b.Fatal(err)
				}
				for n := 0; n < len(in); {
					k, err := sub.Read(in[n:])
					if err != nil {
						b.Fatal(err)
					}
					n += k
				}
			}
		})
	}
}

// BenchmarkIdle reports the memory of 1,000 connections that have spoken once; some 500 bytes of each are the client's
// own socket in this process.
func BenchmarkIdle(b *testing.B) {
	const count = 1000
	for range b.N {
		r := realRig(b)
		var before, after runtime.MemStats
		r.enter("tcp", id("warm", mqtt.V311))
		runtime.GC() // twice, for what the pools keep over one
		runtime.GC()
		runtime.ReadMemStats(&before)
		conns := make([]net.Conn, 0, count)
		for i := range count {
			c, err := net.Dial("tcp", r.mqtt)
			if err != nil {
				b.Fatal(err)
			}
			conns = append(conns, c)
			p := id(fmt.Sprint(i), mqtt.V311)
			if _, err := c.Write(append(p.Append(nil), 0xC0, 0)); err != nil {
				b.Fatal(err)
			}
			readPacket(b, c)
			readPacket(b, c)
		}
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(int64(after.HeapAlloc-before.HeapAlloc))/count, "heapB/conn")
		b.ReportMetric(float64(int64(after.StackInuse-before.StackInuse))/count, "stackB/conn")
		for _, c := range conns {
			c.Close()
		}
	}
}
