package broker

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"tsunagi/internal/mqtt"
)

// stampEarlier makes all stored messages look as if they had been accepted a while earlier: what is stored are wall
// times, and so they do when the wall clock is set forward.
func (s *memStore) stampEarlier(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.log {
		at := int64(binary.BigEndian.Uint64(r.Message[2:]))
		binary.BigEndian.PutUint64(r.Message[2:], uint64(at-d.Milliseconds()))
	}
}

// While the process runs a message's expiry follows its own clock, also when its body is read back from the log.
func TestWallClockJumpExpiresNothing(t *testing.T) {
	for name, jump := range map[string]time.Duration{"a day forward": 24 * time.Hour, "a day back": -24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newMemStore()
				store.bodies = 1 // nothing stays in memory
				r := rigOn(t, store, Options{})
				away, _ := r.connect(persistentPacket("away", mqtt.V5))
				away.sub("t", 1)
				away.disconnect()
				pub := r.simple("pub")
				for i := range 10 {
					p := msg("t", string(rune('a'+i)), 1, uint16(i+1))
					p.Props.HasExpiry, p.Props.Expiry = true, 600
					if i == 9 {
						p.Props.Expiry = 50
					}
					pub.pub(p)
					pub.wantAck(mqtt.PUBACK, uint16(i+1))
				}
				store.stampEarlier(jump)
				time.Sleep(100 * time.Second)
				away, _ = r.connect(persistentPacket("away", mqtt.V5))
				for i := range 9 {
					if q := away.want("t", string(rune('a'+i))); q.Props.Expiry != 500 {
						t.Errorf("message %d expires in %d seconds, want 500", i, q.Props.Expiry)
					}
				}
				away.nothing()
				r.stop()
			})
		})
	}
}

// A clock that was set back a day while the server was away makes nothing live longer than it was meant to, and a will
// comes once.
func TestRestartWithClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Limits{})
		watch, _ := r.connect(persistentPacket("watch", mqtt.V5))
		watch.sub("will", 1)
		p := withWill(persistentPacket("a", mqtt.V5), 50)
		p.SessionExpiry = 100
		a, _ := r.connect(p)
		a.sub("t", 1)
		a.gone()
		pub := r.simple("pub")
		q := msg("t", "x", 1, 1)
		q.Props.HasExpiry, q.Props.Expiry = true, 60
		pub.pub(q)
		pub.wantAck(mqtt.PUBACK, 1)
		r.waitWrites()
		r.stop()
		r = rigOn(t, r.store, Options{Now: func() time.Time { return time.Now().Add(-24 * time.Hour) }})
		time.Sleep(49 * time.Second)
		watch, _ = r.connect(persistentPacket("watch", mqtt.V5))
		watch.nothing()
		time.Sleep(2 * time.Second)
		if got := watch.wantPublish(); string(got.Topic) != "will" {
			t.Errorf("got %s", got.Topic)
		}
		a, ack := r.connect(func() *mqtt.Connect { p := persistentPacket("a", mqtt.V5); p.SessionExpiry = 100; return p }())
		if !ack.SessionPresent {
			t.Error("the session is gone before its time")
		}
		if got := a.want("t", "x"); got.Props.Expiry > 60 {
			t.Errorf("the message lives for %d more seconds", got.Props.Expiry)
		}
		a.must((&mqtt.Ack{Type: mqtt.PUBACK, PacketID: 1}).Append(nil, mqtt.V5))
		a.gone()
		time.Sleep(101 * time.Second)
		if _, ack = r.connect(persistentPacket("a", mqtt.V5)); ack.SessionPresent {
			t.Error("the session outlives its expiry")
		}
		watch.nothing()
		r.stop()
	})
}
