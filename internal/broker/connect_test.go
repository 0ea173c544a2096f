package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tsunagi/internal/mqtt"
)

func TestConnack(t *testing.T) {
	r := newRig(t, Limits{MaxPacket: 1000, KeepAliveMax: time.Minute, SessionExpiryMax: time.Hour, ReceiveMaximum: 10, TopicAliasMax: 4})
	p := connectPacket("", mqtt.V5)
	p.KeepAlive, p.SessionExpiry, p.HasSessionExpiry = 0, mqtt.SessionForever, true
	c, a := r.connect(p)
	if a.AssignedID == "" || a.AssignedID != c.c.ID() || !a.HasServerKeepAlive || a.ServerKeepAlive != 60 || !a.HasSessionExpiry ||
		a.SessionExpiry != 3600 || a.ReceiveMaximum != 10 || a.TopicAliasMax != 4 || a.MaxPacket != 1000 || a.MaxQoS != 2 ||
		a.RetainUnavailable || a.NoWildcards || a.NoSubscriptionIDs {
		t.Errorf("%+v", a)
	}
	if c.c.KeepAlive() != time.Minute || c.c.MaxPacket() != 1000 {
		t.Error(c.c.KeepAlive(), c.c.MaxPacket())
	}
	p = connectPacket("x", mqtt.V5)
	p.KeepAlive = 30
	if _, a := r.connect(p); a.HasServerKeepAlive || a.AssignedID != "" || a.HasSessionExpiry {
		t.Errorf("%+v", a)
	}
	old := connectPacket("", mqtt.V311)
	old.KeepAlive = 300
	if c, _ := r.connect(old); c.c.ID() == "" || c.c.KeepAlive() != 300*time.Second {
		t.Error(c.c.ID(), c.c.KeepAlive())
	}
}

func TestRefusedConnect(t *testing.T) {
	will := func(topic string) *mqtt.Will { return &mqtt.Will{Topic: []byte(topic)} }
	tests := []struct {
		name   string
		change func(*mqtt.Connect)
		want   mqtt.Reason
	}{
		{"enhanced authentication", func(p *mqtt.Connect) { p.AuthMethod = "SCRAM" }, mqtt.BadAuthenticationMethod},
		{"id too long", func(p *mqtt.Connect) { p.ClientID = make([]byte, 2000) }, mqtt.ClientIdentifierNotValid},
		{"v3.1.1 MQTT-3.1.3-8", func(p *mqtt.Connect) { p.Version, p.ClientID, p.Clean = mqtt.V311, nil, false }, mqtt.ClientIdentifierNotValid},
		{"will to a denied topic", func(p *mqtt.Connect) { p.Will = will("secret") }, mqtt.NotAuthorized},
		{"will to $SYS", func(p *mqtt.Connect) { p.Will = will("$SYS/x") }, mqtt.NotAuthorized},
		{"will to $CONTROL", func(p *mqtt.Connect) { p.Will = will("$CONTROL/x") }, mqtt.NotAuthorized},
		{"will with wildcard", func(p *mqtt.Connect) { p.Will = will("a/#") }, mqtt.TopicNameInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, Limits{})
			p := connectPacket("a", mqtt.V5)
			tt.change(p)
			_, err := r.try(p, Identity{User: "u", Rights: rules{pub: not("secret")}})
			if mqtt.ReasonOf(err) != tt.want {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if e, ok := r.event("refused"); !ok || e.Reason != tt.want || e.User != "u" {
				t.Errorf("event %+v", e)
			}
			if s := r.b.Stats(); s.Clients != 0 || len(r.b.Clients()) != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestConnectionLimit(t *testing.T) {
	r := newRig(t, Limits{Connections: 2, WebConnections: 1})
	a, _ := r.connect(connectPacket("a", mqtt.V5))
	r.connect(connectPacket("b", mqtt.V311))
	web := Identity{User: "web", Web: true}
	r.connectAs(connectPacket("w", mqtt.V5), web)
	for _, id := range []Identity{{User: "u"}, web} {
		_, err := r.try(connectPacket("c", mqtt.V5), id)
		if !errors.Is(err, mqtt.QuotaExceeded) || !strings.Contains(err.Error(), "connections") {
			t.Errorf("one too many: %v", err)
		}
	}
	e, _ := r.event("refused")
	if e.Gate != "limits" || e.Rule != "connections" || !strings.Contains(e.Cause, "a, b") || e.Client != "c" {
		t.Errorf("%+v", e)
	}
	a2, _ := r.connect(connectPacket("a", mqtt.V5)) // takes its own place over
	if got := a.reason(); got != mqtt.SessionTakenOver {
		t.Error(got)
	}
	a.gone()
	if s := r.b.Stats(); s.Clients != 2 || s.WebClients != 1 || r.b.Connected() != 2 {
		t.Errorf("%+v", s)
	}
	a2.gone()
	r.connect(connectPacket("c", mqtt.V5))
}

func TestSessionLimit(t *testing.T) {
	r := newRig(t, Limits{Sessions: 1})
	a, _ := r.connect(persistentPacket("a", mqtt.V5))
	if _, err := r.try(persistentPacket("b", mqtt.V5), Identity{}); !errors.Is(err, mqtt.QuotaExceeded) {
		t.Error(err)
	}
	r.simple("c")
	a.gone()
	r.connect(persistentPacket("a", mqtt.V5))
	ends := connectPacket("a", mqtt.V5)
	r.connect(ends) // the session is gone now
	r.connect(persistentPacket("b", mqtt.V5))
	if s := r.b.Stats(); s.Sessions != 1 {
		t.Errorf("%+v", s)
	}
}

func TestSessionPresent(t *testing.T) {
	for _, v := range []mqtt.Version{mqtt.V311, mqtt.V5} {
		r := newRig(t, Limits{})
		step := func(p *mqtt.Connect, want bool) *peer {
			t.Helper()
			c, ack := r.connect(p)
			if ack.SessionPresent != want {
				t.Errorf("v%d session present %v, want %v", v, ack.SessionPresent, want)
			}
			return c
		}
		step(persistentPacket("a", v), false).disconnect()
		step(persistentPacket("a", v), true).disconnect()
		r = r.restart()
		step(persistentPacket("a", v), true).disconnect()
		step(connectPacket("a", v), false).disconnect()
		r = r.restart()
		step(persistentPacket("a", v), false).disconnect()
		if v != mqtt.V5 {
			continue
		}
		fresh := persistentPacket("a", v)
		fresh.Clean = true
		step(fresh, false).sub("t", 1)
		step(fresh, false).gone() // takeover with clean start: the subscription is gone
		b := r.simple("b")
		b.pub(msg("t", "x", 1, 1))
		if k := b.wantAck(mqtt.PUBACK, 1); k.Reason != mqtt.NoMatchingSubscribers {
			t.Error(k.Reason)
		}
		last := persistentPacket("a", v)
		last.SessionExpiry = 0
		step(last, true).disconnect() // resumed, ends with this connection
		step(persistentPacket("a", v), false)
		r = r.restart()
		step(persistentPacket("a", v), true)
	}
}

func TestTakeoverRace(t *testing.T) {
	r := newRig(t, Limits{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 25 {
				p := connectPacket("same", mqtt.V5)
				if i%2 == 0 {
					p = persistentPacket("same", mqtt.V5)
				}
				q, err := r.try(p, Identity{User: "u"})
				if errors.Is(err, mqtt.ServerBusy) { // taken over too often
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				_ = q.send((&mqtt.Subscribe{PacketID: 1, Filters: []mqtt.Subscription{{Filter: []byte("t"), QoS: 2}}}).Append(nil, mqtt.V5))
				m := msg("t", "x", byte(i%3), 1)
				_ = q.send(m.Append(nil, mqtt.V5))
				if i%3 == 0 {
					q.gone()
				}
			}
		})
	}
	wg.Wait()
	live := 0
	for _, c := range r.b.Clients() {
		if c.Connected {
			live++
		}
	}
	if s := r.b.Stats(); live > 1 || s.Clients != live || len(r.b.Clients()) > 1 {
		t.Errorf("%d live, %+v", live, s)
	}
}

func TestTokenEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Limits{})
		w, _ := r.connectAs(connectPacket("w", mqtt.V5), Identity{User: "w", Web: true, Until: time.Now().Add(5 * time.Minute)})
		time.Sleep(5*time.Minute - time.Second)
		w.nothing()
		time.Sleep(2 * time.Second)
		if got := w.reason(); got != mqtt.MaximumConnectTime {
			t.Error(got)
		}
		r.stop()
	})
}

func TestRecheckAndKick(t *testing.T) {
	ok := true
	r := rigOn(t, newMemStore(), Options{Rights: func(user string) (Rights, bool) {
		return AllowAll{}, ok || user != "bad"
	}})
	a, _ := r.connectAs(connectPacket("a", mqtt.V5), Identity{User: "bad"})
	b, _ := r.connectAs(connectPacket("b", mqtt.V5), Identity{User: "good"})
	r.b.Recheck("bad", "good")
	a.nothing()
	ok = false
	r.b.Recheck("good")
	a.nothing()
	r.b.Recheck("bad", "good")
	if got := a.reason(); got != mqtt.NotAuthorized {
		t.Error(got)
	}
	b.nothing()
	if !r.b.Kick("b", "kicked from the panel") || r.b.Kick("nobody", "") {
		t.Error("Kick")
	}
	if got := b.reason(); got != mqtt.AdministrativeAction {
		t.Error(got)
	}
}

func TestKickAll(t *testing.T) {
	r := newRig(t, Limits{})
	a, _ := r.connectAs(connectPacket("a", mqtt.V5), Identity{User: "one", Rights: AllowAll{}})
	b, _ := r.connectAs(connectPacket("b", mqtt.V5), Identity{User: "one", Rights: AllowAll{}})
	c, _ := r.connectAs(connectPacket("c", mqtt.V5), Identity{User: "two", Rights: AllowAll{}})
	r.b.KickAll("the user was deleted", func(id, user string) bool { return user == "one" && id != "b" })
	if got := a.reason(); got != mqtt.AdministrativeAction {
		t.Error(got)
	}
	b.nothing()
	c.nothing()
}

func TestStop(t *testing.T) {
	r := newRig(t, Limits{})
	a, _ := r.connect(persistentPacket("a", mqtt.V5))
	a.sub("t", 1)
	old, _ := r.connect(connectPacket("old", mqtt.V311))
	if r.b.Idle() {
		t.Error("idle with clients")
	}
	if err := r.b.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := a.reason(); got != mqtt.ServerShuttingDown {
		t.Error(got)
	}
	if f, ok := old.next(0); ok || old.closed == nil {
		t.Error(f, old.closed)
	}
	if _, err := r.try(connectPacket("b", mqtt.V5), Identity{}); !errors.Is(err, mqtt.ServerUnavailable) {
		t.Error(err)
	}
	b, err := New(Options{ID: "i1", Committer: r.k}) // can be made again
	if err != nil {
		t.Fatal(err)
	}
	r.b = b
	a, ack := r.connect(persistentPacket("a", mqtt.V5))
	if !ack.SessionPresent {
		t.Error("session lost")
	}
	a.pub(msg("t", "x", 1, 1))
	a.want("t", "x")
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Limits{})
		p := persistentPacket("a", mqtt.V5)
		p.SessionExpiry = 100
		a, _ := r.connect(p)
		a.sub("#", 1)
		a.disconnect()
		b := r.simple("b")
		for i, e := range []uint32{10, 50} {
			m := msg("t", fmt.Sprint(e), 1, uint16(i+1))
			m.Props.HasExpiry, m.Props.Expiry = true, e
			m.Retain = true
			b.pub(m)
			b.wantAck(mqtt.PUBACK, uint16(i+1))
		}
		time.Sleep(20 * time.Second)
		a, ack := r.connect(p)
		if !ack.SessionPresent {
			t.Fatal("session expired too early")
		}
		if m := a.want("t", "50"); m.Props.Expiry != 30 {
			t.Errorf("expiry %d, want 30", m.Props.Expiry)
		}
		a.nothing()
		c := r.simple("c")
		c.sub("t", 0)
		if m := c.want("t", "50"); m.Props.Expiry != 30 || !m.Retain {
			t.Errorf("%+v", m)
		}
		a.gone()
		time.Sleep(40 * time.Second)
		c.sub("t", 0) // the retained message is over
		c.nothing()
		r.waitWrites()
		if len(r.store.ret) != 0 {
			t.Error("an expired retained message is still stored")
		}
		time.Sleep(59 * time.Second)
		if n := len(r.b.Clients()); n != 3 {
			t.Errorf("%d sessions before the expiry", n)
		}
		time.Sleep(2 * time.Second)
		r.waitWrites()
		if n := len(r.b.Clients()); n != 2 || len(r.store.subs) != 0 || r.b.Stats().Sessions != 0 {
			t.Errorf("%d sessions, %v", n, r.store.subs)
		}
		r.stop()
	})
}

// waitWrites returns when everything that has been handed to the committer is written.
func (r *rig) waitWrites() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.b.cursors.flush(ctx); err != nil {
		r.t.Fatal(err)
	}
}

func TestExpiryGoesOnWhileAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Limits{})
		p := persistentPacket("a", mqtt.V5)
		p.SessionExpiry = 100
		a, _ := r.connect(p)
		a.sub("#", 1)
		a.disconnect()
		b := r.simple("b")
		m := msg("t", "x", 1, 1)
		m.Props.HasExpiry, m.Props.Expiry = true, 50
		b.pub(m)
		b.wantAck(mqtt.PUBACK, 1)
		r.waitWrites()
		time.Sleep(30 * time.Second)
		r = r.restart()
		a, ack := r.connect(p)
		if !ack.SessionPresent {
			t.Fatal("session lost")
		}
		if m := a.want("t", "x"); m.Props.Expiry != 20 {
			t.Errorf("expiry %d, want 20", m.Props.Expiry)
		}
		a.disconnect()
		r.waitWrites()
		r.stop()
		time.Sleep(99 * time.Second)
		r = r.restart()
		if n := len(r.b.Clients()); n != 1 {
			t.Error("ended too early")
		}
		time.Sleep(2 * time.Second)
		if n := len(r.b.Clients()); n != 0 {
			t.Error("did not end")
		}
		r.stop()
	})
}

// TestKeepAliveMax is attack row 31: the plan's longest keep-alive is told to clients of 5.0 that want none or a longer
// one; older ones can't be told and keep theirs, so that TCP has to find out that they are dead.
func TestKeepAliveMax(t *testing.T) {
	r := newRig(t, Limits{KeepAliveMax: time.Hour})
	for _, tt := range []struct {
		v           mqtt.Version
		asked, told uint16
		want        time.Duration
	}{
		{mqtt.V5, 0, 3600, time.Hour}, {mqtt.V5, 65_535, 3600, time.Hour}, {mqtt.V5, 3601, 3600, time.Hour}, {mqtt.V5, 3600, 0, time.Hour},
		{mqtt.V5, 10, 0, 10 * time.Second}, {mqtt.V311, 0, 0, 0}, {mqtt.V311, 65_535, 0, 65_535 * time.Second},
	} {
		p := connectPacket("a", tt.v)
		p.KeepAlive = tt.asked
		c, ack := r.connect(p)
		if ack.HasServerKeepAlive != (tt.told > 0) || ack.ServerKeepAlive != tt.told || c.c.KeepAlive() != tt.want {
			t.Errorf("version %d asks for %d: told %d, holds %v; want %d, %v", tt.v, tt.asked, ack.ServerKeepAlive, c.c.KeepAlive(), tt.told, tt.want)
		}
		c.gone()
	}
}
