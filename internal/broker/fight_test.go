package broker

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tsunagi/internal/mqtt"
)

// TestTakeoverRate is attack row 8: two clients that fight for one identifier are held to a rate; the session stands.
func TestTakeoverRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Limits{})
		defer r.stop()
		fight := func() (ok int) {
			for range 100 {
				_, err := r.try(persistentPacket("same", mqtt.V5), Identity{User: "u"})
				if err == nil {
					ok++
				} else if !errors.Is(err, mqtt.ServerBusy) {
					t.Error(err)
				}
			}
			return ok
		}
		if n := fight(); n != 1+takeoverBurst { // the first takes nothing over
			t.Errorf("%d at once, want %d", n, 1+takeoverBurst)
		}
		time.Sleep(3 * takeoverPause)
		if n := fight(); n != 3 {
			t.Errorf("%d after three seconds, want 3", n)
		}
		if e, ok := r.event("refused"); !ok || e.Client != "same" || e.Reason != mqtt.ServerBusy {
			t.Errorf("%+v", e)
		}
		r.simple("another") // is not held back
	})
}

// TestFightLosesNothing is attack row 8: while two connections fight for an identifier, every QoS 1 message that was
// acknowledged to its publisher reaches the session, in order but for what is sent again, and each QoS 2 message once.
func TestFightLosesNothing(t *testing.T) {
	r := newRig(t, Limits{})
	first, _ := r.connect(persistentPacket("same", mqtt.V5))
	first.sub("t/#", 2)
	first.gone()
	pub := r.simple("pub")
	const n = 400
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range n {
			qos := byte(1 + i%2)
			pub.pub(msg(fmt.Sprint("t/", qos), fmt.Sprint(i), qos, uint16(i+1)))
			if qos == 1 {
				pub.wantAck(mqtt.PUBACK, uint16(i+1))
				continue
			}
			pub.wantAck(mqtt.PUBREC, uint16(i+1))
			pub.ack(mqtt.PUBREL, uint16(i+1))
			pub.wantAck(mqtt.PUBCOMP, uint16(i+1))
		}
	})
	var got [n]int
	seen := 0
	take := func(q *peer, most int) { // as a client does that counts a QoS 2 message when it is released
		pending := map[uint16]int{}
		for k := 0; k < most; k++ {
			f, ok := q.next(200 * time.Millisecond)
			if !ok {
				return
			}
			switch f.Type() {
			case mqtt.PUBLISH:
				var m mqtt.Publish
				if err := mqtt.DecodePublish(&m, f, mqtt.V5); err != nil {
					t.Error(err)
					return
				}
				var i int
				_, _ = fmt.Sscan(string(m.Payload), &i)
				if m.QoS == 1 {
					if got[i]++; got[i] == 1 {
						seen++
					}
					_ = q.send((&mqtt.Ack{Type: mqtt.PUBACK, PacketID: m.PacketID}).Append(nil, mqtt.V5))
					continue
				}
				pending[m.PacketID] = i
				if got[i]++; got[i] == 1 {
					seen++
				} else if !m.Dup {
					t.Errorf("message %d of QoS 2 came again as a new one", i)
				}
				_ = q.send((&mqtt.Ack{Type: mqtt.PUBREC, PacketID: m.PacketID}).Append(nil, mqtt.V5))
			case mqtt.PUBREL:
				var a mqtt.Ack
				if err := mqtt.DecodeAck(&a, f, mqtt.V5); err != nil {
					t.Error(err)
					return
				}
				_ = q.send((&mqtt.Ack{Type: mqtt.PUBCOMP, PacketID: a.PacketID}).Append(nil, mqtt.V5))
			}
		}
	}
	for i, end := 0, time.Now().Add(time.Minute); seen < n; i++ {
		if time.Now().After(end) {
			t.Fatalf("%d of %d messages have come", seen, n)
		}
		q, err := r.try(persistentPacket("same", mqtt.V5), Identity{User: "u"})
		if errors.Is(err, mqtt.ServerBusy) { // the one before stays, and goes on
			for _, c := range r.b.Clients() {
				if c.Connected && c.ID == "same" {
					r.b.Kick("same", "")
				}
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if f := q.frame(); f.Type() != mqtt.CONNACK {
			t.Fatal(f.Type())
		}
		most := 5 + i%7
		if i > 15 {
			most = 10 * n
		}
		take(q, most)
	}
	wg.Wait()
	for i, k := range got {
		if k == 0 {
			t.Errorf("message %d is lost", i)
		}
	}
}

// TestBoundClientIDs is attack row 7: where the plan binds them, a client identifier is its user's as long as the
// session lives, and another user gets nothing of it.
func TestBoundClientIDs(t *testing.T) {
	alice, bob := Identity{User: "alice"}, Identity{User: "bob"}
	for _, bind := range []bool{true, false} {
		r := newRig(t, Limits{BindClientIDs: bind})
		a, _ := r.connectAs(persistentPacket("id", mqtt.V5), alice)
		a.sub("private/#", 1)
		for _, away := range []bool{false, true} {
			if away {
				a.gone()
				r = r.restart()
			}
			_, err := r.try(persistentPacket("id", mqtt.V5), bob)
			if errors.Is(err, mqtt.ClientIdentifierNotValid) != bind {
				t.Errorf("binding %v, away %v: %v", bind, away, err)
			}
			if !bind {
				break
			}
		}
		if _, err := r.try(connectPacket("id", mqtt.V5), alice); err != nil {
			t.Error(err)
		}
	}
}
