package broker

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tsunagi/internal/mqtt"
)

// lost is what the report says of a client, by cause.
func (r *rig) lost(client string) map[string]uint64 {
	got := map[string]uint64{}
	for _, i := range r.b.LossReport(1000) {
		if i.Client == client {
			for _, c := range i.Causes {
				got[c.Cause.String()] = c.Count
			}
		}
	}
	return got
}

func wantLost(t *testing.T, r *rig, client string, want map[string]uint64) {
	t.Helper()
	if got := r.lost(client); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s has lost %v, want %v", client, got, want)
	}
}

func TestLossMeter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Limits{QueueMessages: 3})
		defer r.stop()
		pub := r.simple("pub")
		away, _ := r.connect(persistentPacket("away", mqtt.V5))
		away.sub("zero/#", 0)
		away.sub("one/#", 1)
		away.gone()
		for range 70 {
			pub.pub(msg("zero/a", "x", 0, 0))
		}
		wantLost(t, r, "away", map[string]uint64{"away": 70})
		for i := range 5 {
			pub.pub(msg("one/a", fmt.Sprint(i), 1, uint16(i+1)))
			pub.wantAck(mqtt.PUBACK, uint16(i+1))
		}
		wantLost(t, r, "away", map[string]uint64{"away": 70, "queue_messages": 2})
		short := msg("one/short", "old", 1, 9)
		short.Props.HasExpiry, short.Props.Expiry = true, 1
		pub.pub(short)
		pub.wantAck(mqtt.PUBACK, 9)
		time.Sleep(2 * time.Second)
		away, _ = r.connect(persistentPacket("away", mqtt.V5))
		away.wantPublish() // of the three that the queue has room for, one is too old
		away.wantPublish()
		away.nothing()
		wantLost(t, r, "away", map[string]uint64{"away": 70, "queue_messages": 3, "expired": 1})

		small := persistentPacket("small", mqtt.V5)
		small.MaxPacket = 50
		p, _ := r.connect(small)
		p.sub("big", 0)
		p.sub("big1", 1)
		pub.pub(msg("big", string(make([]byte, 100)), 0, 0))
		pub.pub(msg("big1", string(make([]byte, 100)), 1, 10))
		pub.wantAck(mqtt.PUBACK, 10)
		wantLost(t, r, "small", map[string]uint64{"too_large": 2})

		slow := r.simple("slow")
		slow.sub("fast", 0)
		slow.stuck = true
		for range 30 {
			pub.pub(msg("fast", string(make([]byte, 100<<10)), 0, 0))
		}
		if got := r.lost("slow"); got["slow"] == 0 || len(got) != 1 {
			t.Errorf("slow has lost %v", got)
		}
		st := r.b.Stats()
		if st.Lost[LossAway] != 70 || st.Lost[LossQueue] != 3 || st.Lost[LossTooLarge] != 2 || st.Lost[LossExpired] != 1 || st.Lost[LossSlow] == 0 {
			t.Errorf("all together %v", st.Lost)
		}
	})
}

// TestLossesOutliveTheirSession has a session end with what waits for it; its client comes back and goes on with the
// count, another user's client of the same name does not.
func TestLossesOutliveTheirSession(t *testing.T) {
	r := newRig(t, Limits{})
	pub := r.simple("pub")
	p, _ := r.connect(persistentPacket("c", mqtt.V5))
	p.sub("t", 1)
	p.gone()
	for i := range 4 {
		pub.pub(msg("t", "x", 1, uint16(i+1)))
		pub.wantAck(mqtt.PUBACK, uint16(i+1))
	}
	q, _ := r.connect(connectPacket("c", mqtt.V5)) // clean start
	wantLost(t, r, "c", map[string]uint64{"session_ended": 4})
	if e, ok := r.event("dropped"); !ok || e.Rule != "session_expiry" || e.Count != 4 {
		t.Errorf("event %+v", e)
	}
	q.gone()
	wantLost(t, r, "c", map[string]uint64{"session_ended": 4})
	for i := range 2 * maxPast { // others crowd it out, but not at once
		x := r.simple(fmt.Sprint("x", i%7))
		x.c.s.lose(LossSlow, 1)
		x.gone()
	}
	wantLost(t, r, "c", map[string]uint64{"session_ended": 4})
	for i := range maxPast {
		x := r.simple(fmt.Sprint("y", i))
		x.c.s.lose(LossSlow, 1)
		x.gone()
	}
	wantLost(t, r, "c", map[string]uint64{})
	if n := len(r.b.past.of); n > maxPast {
		t.Errorf("%d are kept", n)
	}
	a, _ := r.connectAs(connectPacket("z", mqtt.V5), Identity{User: "alice"})
	a.c.s.lose(LossSlow, 1)
	a.gone()
	b, _ := r.connectAs(connectPacket("z", mqtt.V5), Identity{User: "bob"})
	if b.c.s.losses.Load() != nil {
		t.Error("bob goes on with alice's count")
	}
}

func TestFightIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Limits{})
		defer r.stop()
		r.from = "192.0.2.1:1000"
		r.simple("same")
		for i := range fightFrom - 1 {
			r.from = fmt.Sprintf("192.0.2.%d:%d", 2-i%2, 2000+i)
			r.simple("same")
		}
		if e, ok := r.event("fight"); ok {
			t.Errorf("after %d takeovers: %+v", fightFrom-1, e)
		}
		r.from = "192.0.2.1:4000"
		r.simple("same")
		e, ok := r.event("fight")
		if !ok || e.Client != "same" || e.Rule != "client_id" || e.Cause == "" {
			t.Errorf("event %+v", e)
		}
		list := r.b.Fights()
		if len(list) != 1 || fmt.Sprint(list[0].Addresses) != "[192.0.2.1 192.0.2.2]" || list[0].Takeovers != fightFrom {
			t.Errorf("fights %+v", list)
		}
		for range 10 { // goes on, and isn't told again so soon
			r.simple("same")
		}
		n := 0
		for _, e := range r.events {
			if e.Kind == "fight" {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d words about it", n)
		}
		time.Sleep(fightAgain + time.Second)
		if list := r.b.Fights(); len(list) != 0 {
			t.Errorf("long after: %+v", list)
		}
		for range 5 { // a client that comes back now and then after its network was gone fights nobody
			time.Sleep(fightPause + time.Second)
			r.simple("flaky")
		}
		if list := r.b.Fights(); len(list) != 0 {
			t.Errorf("a flaky client: %+v", list)
		}
	})
}

func TestHostOf(t *testing.T) {
	for remote, want := range map[string]string{"192.0.2.1:80": "192.0.2.1", "[2001:db8::1]:80": "2001:db8::1", "2001:db8::1": "2001:db8::1", "here": "here"} {
		if got := hostOf(remote); got != want {
			t.Errorf("hostOf(%q) = %q, want %q", remote, got, want)
		}
	}
}
