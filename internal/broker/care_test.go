package broker

import (
	"testing"
	"testing/synctest"
	"time"

	"tsunagi/internal/mqtt"
)

// TestRetainExpiry wants a default time for what is retained, and for nothing else: neither for who is subscribed, nor for
// messages that have a time of their own.
func TestRetainExpiry(t *testing.T) {
	for qos := range byte(3) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Limits{RetainExpiry: []RetainExpiry{{"a/+/short", 10}, {"a/#", 100}}})
			away := persistentPacket("away", mqtt.V5)
			away.SessionExpiry = 10_000
			q, _ := r.connect(away)
			q.sub("a/#", qos)
			live := r.simple("live")
			live.sub("a/1/short", qos)
			q.gone()
			pub := r.simple("pub")
			publish := func(name string, id uint16, own uint32) {
				m := msg(name, "x", qos, id)
				m.Retain = true
				if own > 0 {
					m.Props.HasExpiry, m.Props.Expiry = true, own
				}
				pub.pub(m)
				switch qos {
				case 1:
					pub.wantAck(mqtt.PUBACK, id)
				case 2:
					pub.wantAck(mqtt.PUBREC, id)
					pub.ack(mqtt.PUBREL, id)
					pub.wantAck(mqtt.PUBCOMP, id)
				}
			}
			publish("a/1/short", 1, 0)
			publish("a/1/long", 2, 0)
			publish("a/1/own", 3, 1000)
			publish("b", 4, 0)
			if m := live.want("a/1/short", "x"); m.Props.HasExpiry {
				t.Errorf("QoS %d: who is subscribed gets it with a time: %+v", qos, m)
			}
			r.waitWrites()
			time.Sleep(5 * time.Second)
			r = r.restart()
			wantLeft(t, r, map[string]uint32{"a/1/short": 5, "a/1/long": 95, "a/1/own": 995, "b": 0})
			time.Sleep(20 * time.Second)
			wantLeft(t, r, map[string]uint32{"a/1/long": 75, "a/1/own": 975, "b": 0})
			if qos > 0 { // what waits for a session is no retained message
				q, _ = r.connect(away)
				if m := q.want("a/1/short", "x"); m.Props.HasExpiry {
					t.Errorf("QoS %d: what waits has a time: %+v", qos, m)
				}
			}
			r.stop()
		})
	}
}

// wantLeft compares what is retained, and for how many seconds.
func wantLeft(t *testing.T, r *rig, want map[string]uint32) {
	t.Helper()
	list, err := r.b.Browse("#", "", "", 100)
	if err != nil || len(list) != len(want) {
		t.Errorf("%d are retained, %v; want %v", len(list), err, want)
	}
	for _, m := range list {
		if left, ok := want[m.Topic]; !ok || m.ExpiresIn != left {
			t.Errorf("%s is retained for %d s more, want %d", m.Topic, m.ExpiresIn, left)
		}
	}
}

// TestRetainExpiryOfServer wants the same for what the server and wills retain.
func TestRetainExpiryOfServer(t *testing.T) {
	r := newRig(t, Limits{RetainExpiry: []RetainExpiry{{"#", 100}}})
	if err := r.b.Publish(t.Context(), "a", []byte("x"), 1, true); err != nil {
		t.Fatal(err)
	}
	if list, err := r.b.Browse("#", "", "", 9); err != nil || len(list) != 1 || list[0].ExpiresIn == 0 || list[0].ExpiresIn > 100 {
		t.Errorf("%+v, %v", list, err)
	}
	if err := r.b.Publish(t.Context(), "a", nil, 1, true); err != nil {
		t.Fatal(err)
	}
	if n, _ := r.b.CountRetained("#", 9); n != 0 {
		t.Error("not cleared")
	}
}

func TestRetainedCommand(t *testing.T) {
	for name, want := range map[string]bool{"house/lamp/set": true, "set": true, "a/cmd": true, "a/command": true, "a/command/b": false, "a/preset": false, "a/set/": false, "a/state": false} {
		for qos := range byte(2) {
			r := newRig(t, Limits{})
			pub := r.simple("remote")
			m := msg(name, "on", qos, 1)
			m.Retain = true
			pub.pub(m)
			if qos > 0 {
				pub.wantAck(mqtt.PUBACK, 1)
			}
			r.waitWrites()
			e, told := r.event("command")
			if told != want || told && (e.Topic != name || e.Client != "remote" || e.User != "u" || e.Cause == "") {
				t.Errorf("%s at QoS %d: %v %+v, want %v", name, qos, told, e, want)
			}
		}
	}
}

// TestRetainedCommandOnce wants one line when a topic gets a retained command, none for what replaces or clears it, and one
// in ten seconds for many.
func TestRetainedCommandOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Limits{})
		put := func(name, payload string) {
			if err := r.b.Publish(t.Context(), name, []byte(payload), 1, true); err != nil {
				t.Fatal(err)
			}
		}
		lines := func() (n, count int) {
			r.mu.Lock()
			defer r.mu.Unlock()
			for _, e := range r.events {
				if e.Kind == "command" {
					n, count = n+1, count+e.Count
				}
			}
			return n, count
		}
		put("a/set", "1")
		put("a/set", "2")
		put("a/set", "")
		for _, name := range []string{"b/set", "c/set", "d/set"} {
			put(name, "1")
		}
		if n, _ := lines(); n != 1 {
			t.Errorf("%d lines, want 1", n)
		}
		time.Sleep(11 * time.Second)
		put("e/set", "1")
		if n, count := lines(); n != 2 || count != 5 {
			t.Errorf("%d lines about %d, want 2 about 5", n, count)
		}
		r.stop()
	})
}
