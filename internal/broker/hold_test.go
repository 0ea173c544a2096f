package broker

import (
	"testing"
	"testing/synctest"
	"time"

	"tsunagi/internal/mqtt"
)

// A fast instance acknowledges at once and writes within a second; a crash loses what was not written, and only that.
func TestFastIsWrittenWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Limits{Fast: true})
		away, _ := r.connect(persistentPacket("away", mqtt.V5))
		away.sub("t", 1)
		away.disconnect()
		pub := r.simple("pub")
		synctest.Wait()
		time.Sleep(2 * time.Second) // what connecting has touched is written
		synctest.Wait()
		before, _ := r.store.counts()
		publish := func(payload string, qos byte) {
			t.Helper()
			pub.pub(msg("t", payload, qos, 1))
			if qos == 1 {
				pub.wantAck(mqtt.PUBACK, 1)
				return
			}
			pub.wantAck(mqtt.PUBREC, 1)
			pub.ack(mqtt.PUBREL, 1)
			pub.wantAck(mqtt.PUBCOMP, 1)
		}
		publish("one", 1)
		publish("two", 2)
		publish("three", 1)
		if writes, _ := r.store.counts(); writes != before {
			t.Errorf("%d writes for what may be held", writes-before)
		}
		time.Sleep(holdTime)
		synctest.Wait()
		if writes, records := r.store.counts(); writes != before+1 || records != 3 {
			t.Errorf("%d writes and %d records after a second, want one and three", writes-before, records)
		}
		publish("four", 1)
		r.stop = func() {} // the committer goes with the test: nothing of it is written any more
		r.store.mu.Lock()
		r.store.fail = ErrStoreFailed
		r.store.mu.Unlock()
		r.store.mu.Lock()
		copied := &memStore{next: r.store.next, log: r.store.log, ret: r.store.ret, ses: r.store.ses, subs: r.store.subs, cur: r.store.cur, pkt: r.store.pkt}
		r.store.mu.Unlock()
		again := rigOn(t, copied, Options{Limits: Limits{Fast: true}})
		away, _ = again.connect(persistentPacket("away", mqtt.V5))
		away.want("t", "one")
		away.want("t", "two")
		away.want("t", "three")
		away.nothing()
	})
}

// What is safe comes behind what is held, and takes it along.
func TestSafeTakesHeldAlong(t *testing.T) {
	r := newRig(t, Limits{Fast: true})
	away, _ := r.connect(persistentPacket("away", mqtt.V5))
	away.sub("t", 1)
	away.disconnect()
	pub := r.simple("pub")
	pub.pub(msg("t", "held", 1, 1))
	pub.wantAck(mqtt.PUBACK, 1)
	other, err := New(Options{ID: "i2", Committer: r.k})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Publish(t.Context(), "kept", []byte("v"), 1, true); err != nil {
		t.Fatal(err)
	}
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	if len(r.store.log) != 1 {
		t.Errorf("%d records, want that of the fast instance", len(r.store.log))
	}
}

// A full store refuses what is fast, too, since a second later it could not be kept.
func TestFastIsRefusedWhenFull(t *testing.T) {
	r := newRig(t, Limits{Fast: true})
	away, _ := r.connect(persistentPacket("away", mqtt.V5))
	away.sub("t", 1)
	away.disconnect()
	pub := r.simple("pub")
	r.store.mu.Lock()
	r.store.full = func(b *Batch) bool { return len(b.Log) > 0 }
	r.store.mu.Unlock()
	pub.pub(msg("t", "x", 1, 1))
	if a := pub.wantAck(mqtt.PUBACK, 1); a.Reason != mqtt.QuotaExceeded {
		t.Errorf("reason %v, want 0x97", a.Reason)
	}
	if err := r.k.Err(); err != nil {
		t.Error(err)
	}
}

// counts says how often was written, and how many records there are.
func (s *memStore) counts() (writes, records int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes, len(s.log)
}
