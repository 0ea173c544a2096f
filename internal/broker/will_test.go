package broker

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"tsunagi/internal/mqtt"
)

func withWill(p *mqtt.Connect, delay uint32) *mqtt.Connect {
	p.Will = &mqtt.Will{QoS: 1, Retain: true, Delay: delay, Topic: []byte("will"), Payload: []byte("gone")}
	p.Will.Props.HasExpiry, p.Will.Props.Expiry = true, 1000
	return p
}

func TestWill(t *testing.T) {
	tests := []struct {
		name       string
		persistent bool
		delay      uint32
		end        func(*testing.T, *rig, *peer)
		after      time.Duration // -1: never
	}{
		{"reset", false, 0, func(_ *testing.T, _ *rig, p *peer) { p.gone() }, 0},
		{"DISCONNECT", false, 0, func(_ *testing.T, _ *rig, p *peer) { p.disconnect() }, -1},
		{"DISCONNECT with will", false, 0, func(t *testing.T, _ *rig, p *peer) {
			err := p.send((&mqtt.Disconnect{Reason: mqtt.DisconnectWithWill}).Append(nil, mqtt.V5))
			if !errors.Is(err, ErrDisconnected) {
				t.Error(err)
			}
			p.c.Gone(err)
		}, 0},
		{"protocol error", false, 0, func(_ *testing.T, _ *rig, p *peer) { p.c.Gone(p.send([]byte{0xD0, 0})) }, 0},
		{"takeover", false, 0, func(t *testing.T, r *rig, p *peer) { r.simple("a") }, 0},
		{"delay ends with the session", false, 50, func(_ *testing.T, _ *rig, p *peer) { p.gone() }, 0},
		{"delay", true, 50, func(_ *testing.T, _ *rig, p *peer) { p.gone() }, 50 * time.Second},
		{"delay longer than the session", true, 5000, func(_ *testing.T, _ *rig, p *peer) { p.gone() }, 100 * time.Second},
		{"delay and back in time", true, 50, func(t *testing.T, r *rig, p *peer) {
			p.gone()
			time.Sleep(20 * time.Second)
			q := persistentPacket("a", mqtt.V5)
			r.connect(q)
		}, -1},
		{"delay and clean start", true, 50, func(t *testing.T, r *rig, p *peer) { p.gone(); r.simple("a") }, 0},
		{"delay and takeover", true, 50, func(t *testing.T, r *rig, p *peer) { r.connect(persistentPacket("a", mqtt.V5)) }, -1},
		{"delay and kill -9", true, 50, func(t *testing.T, r *rig, p *peer) {
			*r = *r.restart()
		}, 50 * time.Second},
		{"clean session and kill -9", false, 0, func(t *testing.T, r *rig, p *peer) { *r = *r.restart() }, 0},
		{"clean session, DISCONNECT and kill -9", false, 0, func(t *testing.T, r *rig, p *peer) {
			p.disconnect()
			r.waitWrites()
			*r = *r.restart()
		}, -1},
		{"no delay and kill -9", true, 0, func(t *testing.T, r *rig, p *peer) { *r = *r.restart() }, 0},
		{"stop", false, 0, func(t *testing.T, r *rig, p *peer) {
			if err := r.b.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			b, err := New(Options{ID: "i1", Committer: r.k})
			if err != nil {
				t.Fatal(err)
			}
			r.b = b
		}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Limits{})
				p := connectPacket("a", mqtt.V5)
				if tt.persistent {
					p = persistentPacket("a", mqtt.V5)
					p.SessionExpiry = 100
				}
				a, _ := r.connect(withWill(p, tt.delay))
				tt.end(t, r, a)
				begin := time.Now()
				if tt.after > 0 {
					time.Sleep(tt.after - time.Second)
				}
				synctest.Wait()
				if _, ok := r.b.retained.Get("will"); ok && tt.after != 0 {
					t.Fatal("came too early")
				}
				time.Sleep(2 * time.Second)
				synctest.Wait()
				_, ok := r.b.retained.Get("will")
				if ok != (tt.after >= 0) {
					t.Errorf("will after %v: %v", time.Since(begin), ok)
				}
				if ok {
					s := r.simple("s")
					s.sub("will", 1)
					if m := s.want("will", "gone"); m.QoS != 1 || m.Props.Expiry < 990 {
						t.Errorf("%+v", m)
					}
				}
				r.stop()
			})
		})
	}
}

func TestWillJudgedAgain(t *testing.T) {
	may := true
	r := newRig(t, Limits{})
	a, _ := r.connectAs(withWill(connectPacket("a", mqtt.V5), 0), Identity{User: "u", Rights: rules{pub: func(string) bool { return may }}})
	may = false
	a.gone()
	r.waitWrites()
	if _, ok := r.b.retained.Get("will"); ok {
		t.Error("the will came although its user may not publish any more")
	}
	if e, ok := r.event("denied"); !ok || e.Topic != "will" {
		t.Errorf("%+v", e)
	}
}

// A will is published once, whatever happens to its client's session and however often the process is killed.
func TestWillOnceOverCrashes(t *testing.T) {
	for name, end := range map[string]func(r *rig, p *peer) *rig{
		"killed":              func(r *rig, _ *peer) *rig { return r.restart() },
		"reset, then killed":  func(r *rig, p *peer) *rig { p.gone(); r.waitWrites(); return r.restart() },
		"taken over by clean": func(r *rig, _ *peer) *rig { r.simple("a"); r.waitWrites(); return r.restart() },
		"taken over by persistent": func(r *rig, _ *peer) *rig {
			r.connect(persistentPacket("a", mqtt.V5))
			r.waitWrites()
			return r.restart()
		},
		"killed and back at once": func(r *rig, _ *peer) *rig {
			r = r.restart()
			r.simple("a")
			r.waitWrites()
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Limits{})
			watch, _ := r.connect(persistentPacket("watch", mqtt.V5))
			watch.sub("will", 1)
			p, _ := r.connect(withWill(connectPacket("a", mqtt.V5), 0))
			r = end(r, p)
			r.waitWrites()
			r = r.restart().restart()
			r.waitWrites()
			for k := range r.store.ses {
				if k != [2]string{pinInstance, "i1"} && k[1] != "watch" && (k[1] != "a" || name != "taken over by persistent") {
					t.Errorf("a record of %q is left", k)
				}
			}
			watch, _ = r.connect(persistentPacket("watch", mqtt.V5))
			if q := watch.wantPublish(); string(q.Topic) != "will" {
				t.Errorf("got %s", q.Topic)
			}
			watch.nothing()
		})
	}
}
