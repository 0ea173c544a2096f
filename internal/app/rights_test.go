package app

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"tsunagi/internal/mqtt"
)

// device is a client of MQTT 5 on a socket of a world.
type device struct {
	net.Conn
	w  *world
	id uint16
}

// device logs a user in by TLS. A session that outlives the connection is asked for by keep.
func (w *world) device(user, password, clientID string, keep bool) *device {
	w.t.Helper()
	d := &device{Conn: w.dial(w.mqtts, w.tls("localhost")), w: w}
	p := mqtt.Connect{Version: mqtt.V5, Clean: !keep, ClientID: []byte(clientID), User: []byte(user), HasUser: true,
		Password: []byte(password), HasPassword: true, RequestProblem: true, HasSessionExpiry: keep}
	if keep {
		p.SessionExpiry = 3600
	}
	if _, err := d.Write(p.Append(nil)); err != nil {
		w.t.Fatal(err)
	}
	if a, err := mqtt.DecodeConnack(d.frame(), mqtt.V5); err != nil || a.Reason != mqtt.Success {
		w.t.Fatalf("%s as %s: %+v, %v", clientID, user, a, err)
	}
	return d
}

func (d *device) frame() mqtt.Frame {
	d.w.t.Helper()
	f, err := readFrame(d)
	if err != nil {
		d.w.t.Fatal(err)
	}
	return f
}

// publish sends a message of QoS 1 and returns the reason of its PUBACK.
func (d *device) publish(topic, payload string, retain bool) mqtt.Reason {
	d.w.t.Helper()
	d.id++
	p := mqtt.Publish{QoS: 1, Retain: retain, Topic: []byte(topic), PacketID: d.id, Payload: []byte(payload)}
	if _, err := d.Write(p.Append(nil, mqtt.V5)); err != nil {
		d.w.t.Fatal(err)
	}
	return d.ack(mqtt.PUBACK).Reason
}

func (d *device) ack(kind mqtt.Type) (a mqtt.Ack) {
	d.w.t.Helper()
	f := d.frame()
	if err := mqtt.DecodeAck(&a, f, mqtt.V5); err != nil || f.Type() != kind {
		d.w.t.Fatalf("type %d, %v, want %d", f.Type(), err, kind)
	}
	return a
}

func (d *device) send(kind mqtt.Type, id uint16) {
	d.w.t.Helper()
	if _, err := d.Write((&mqtt.Ack{Type: kind, PacketID: id}).Append(nil, mqtt.V5)); err != nil {
		d.w.t.Fatal(err)
	}
}

func (d *device) want(topic, payload string) mqtt.Publish {
	d.w.t.Helper()
	var p mqtt.Publish
	f := d.frame()
	if f.Type() != mqtt.PUBLISH {
		d.w.t.Fatalf("type %d, want PUBLISH of %s", f.Type(), topic)
	}
	if err := mqtt.DecodePublish(&p, f, mqtt.V5); err != nil || string(p.Topic) != topic || string(p.Payload) != payload {
		d.w.t.Fatalf("%s %q, %v; want %s %q", p.Topic, p.Payload, err, topic, payload)
	}
	return p
}

// quiet wants that nothing waits for the client.
func (d *device) quiet() {
	d.w.t.Helper()
	if _, err := d.Write([]byte{0xC0, 0}); err != nil {
		d.w.t.Fatal(err)
	}
	if f := d.frame(); f.Type() != mqtt.PINGRESP {
		d.w.t.Errorf("a packet of type %d came: %q", f.Type(), f.Body)
	}
}

// users are an instance with users who may do what the rules say.
func (w *world) users(names ...string) (id, first string, passwords map[string]string) {
	w.t.Helper()
	id, first = w.instance()
	passwords = map[string]string{}
	for _, n := range names {
		var u struct{ Password string }
		w.admin(&u, "user", "create", id, n)
		passwords[n] = u.Password
	}
	return id, first, passwords
}

// TestNoWildcardFromData is attack row 9: names that strangers choose never become wildcards or further levels.
func TestNoWildcardFromData(t *testing.T) {
	w := serveWorld(t)
	id, first, pw := w.users("dev")
	w.admin(nil, "rule", "create", id, "allow", "both", "by-id/%c/#")
	w.admin(nil, "rule", "create", id, "allow", "both", "by-user/%u/#")
	owner := w.device(id, first, "owner", false)
	for _, evil := range []string{"#", "+", "+/x", "a/#", "victim/own", "%u", "%c", "$share/g/#"} {
		name, password := "dev", pw["dev"]
		if evil[0] != '$' { // a user of that name, too
			var u struct{ Password string }
			w.admin(&u, "user", "create", id, evil)
			name, password = evil, u.Password
		}
		d := w.device(id+":"+name, password, evil, false)
		for _, f := range []string{"#", "+/#", "by-id/#", "by-id/+/#", "by-id/+/+/#", "by-id/victim/#", "$share/g/by-id/+/#", "by-id/" + evil + "/#",
			"by-user/#", "by-user/+/#", "by-user/victim/#", "$share/g/by-user/+/#", "by-user/" + evil + "/#"} {
			subscribe(t, d, f) // whatever is granted: nothing may come of it
		}
		for _, name := range []string{"by-id/victim/x", "by-id/victim", "by-id/x/y/z", "by-id/victim/own/x", "by-user/victim/x", "by-user/x/y", "by-user/victim/own/x", "secret"} {
			if r := owner.publish(name, "secret", false); r.Failed() {
				t.Fatal(r)
			}
			if r := d.publish(name, "forged", false); r != mqtt.NotAuthorized {
				t.Errorf("client id %q publishes to %s: %v", evil, name, r)
			}
		}
		d.quiet()
		d.Close()
	}
}

// TestWildcardsShowNothingDenied is attack row 10: whatever covers a denied topic, alone or shared, live or retained,
// does not deliver it.
func TestWildcardsShowNothingDenied(t *testing.T) {
	w := serveWorld(t)
	id, first, pw := w.users("dev", "nobody")
	w.admin(nil, "rule", "create", id, "allow", "subscribe", "#", "--user", "dev")
	w.admin(nil, "rule", "create", id, "deny", "both", "secret/#")
	for _, bad := range [][]string{{"perhaps", "both", "a"}, {"allow", "both", "a/#/b"}, {"allow", "both", ""}, {"allow", "", "a"}} {
		if code, text := w.tryAdmin(append([]string{"rule", "create", id}, bad...)...); code == ExitOK {
			t.Errorf("the rule %q was made: %s", bad, text)
		}
	}
	owner := w.device(id, first, "owner", false)
	if r := owner.publish("secret/x", "secret", true); r != mqtt.NotAuthorized {
		t.Errorf("a deny rule for all: %v", r)
	}
	w.admin(nil, "user", "create", id, "spy")
	var rules []struct{ ID, Filter string }
	w.admin(&rules, "rule", "list", id)
	for _, r := range rules {
		if r.Filter == "secret/#" {
			w.admin(nil, "rule", "delete", id, r.ID)
		}
	}
	w.admin(nil, "rule", "create", id, "deny", "both", "secret/#", "--user", "dev")
	if r := owner.publish("secret/kept", "secret", true); r.Failed() {
		t.Fatal(r)
	}
	for i, f := range []string{"#", "+/+", "+/#", "secret/#", "secret/+", "secret/kept", "$share/g/#", "$share/g/+/+", "$share/g/secret/#", "secret/x"} {
		d := w.device(id+":dev", pw["dev"], fmt.Sprint("d", i), false)
		got := subscribe(t, d, f)
		if strings.Contains(f, "secret") && got != "87" {
			t.Errorf("SUBSCRIBE %s: %s", f, got)
		}
		if r := owner.publish("secret/x", "secret", false); r.Failed() {
			t.Error(r)
		}
		if r := owner.publish("open/x", "open", false); r.Failed() {
			t.Error(r)
		}
		if got == "00" {
			d.want("open/x", "open")
		}
		d.quiet()
		d.Close()
	}
	none := w.device(id+":nobody", pw["nobody"], "n", false) // without a rule everything is denied
	if got := subscribe(t, none, "#", "a", "$SYS/#"); got != "87 87 87" {
		t.Errorf("without rules: SUBACK %s", got)
	}
	if r := none.publish("a", "x", false); r != mqtt.NotAuthorized {
		t.Errorf("without rules: PUBACK %v", r)
	}
}

// TestRightsTakenAway is attack row 13: as soon as the change has been answered, live subscriptions, queued and retained
// messages and QoS 2 that is half done are judged by the new rights.
func TestRightsTakenAway(t *testing.T) {
	w := serveWorld(t)
	id, first, pw := w.users("dev", "pub")
	var rule struct{ ID string }
	w.admin(&rule, "rule", "create", id, "allow", "both", "room/#", "--user", "dev")
	w.admin(nil, "rule", "create", id, "allow", "both", "hall/#", "--user", "dev")
	var other struct{ ID string }
	w.admin(&other, "rule", "create", id, "allow", "both", "room/#", "--user", "pub")
	owner := w.device(id, first, "owner", false)
	away, live := w.device(id+":dev", pw["dev"], "away", true), w.device(id+":dev", pw["dev"], "live", true)
	for _, d := range []*device{away, live} {
		p := mqtt.Subscribe{PacketID: 1, Filters: []mqtt.Subscription{{Filter: []byte("room/#"), QoS: 2}, {Filter: []byte("hall/#"), QoS: 2}}}
		if _, err := d.Write(p.Append(nil, mqtt.V5)); err != nil {
			t.Fatal(err)
		}
		if f := d.frame(); f.Type() != mqtt.SUBACK {
			t.Fatal(f.Type())
		}
	}
	away.Close()
	half := mqtt.Publish{QoS: 2, Topic: []byte("room/half"), PacketID: 900, Payload: []byte("half")}
	pub := w.device(id+":pub", pw["pub"], "pub", true)
	if _, err := pub.Write(half.Append(nil, mqtt.V5)); err != nil {
		t.Fatal(err)
	}
	pub.ack(mqtt.PUBREC)
	first2 := live.want("room/half", "half") // its PUBREC comes after the change
	owner.publish("room/queued", "secret", false)
	owner.publish("hall/queued", "open", false)
	live.want("room/queued", "secret")
	live.want("hall/queued", "open")

	w.admin(nil, "rule", "delete", id, rule.ID)
	w.admin(nil, "rule", "delete", id, other.ID)
	owner.publish("room/now", "secret", true)
	owner.publish("hall/now", "open", false)
	live.want("hall/now", "open")
	live.send(mqtt.PUBREC, first2.PacketID) // what has been sent is completed, without its content again
	live.ack(mqtt.PUBREL)
	live.send(mqtt.PUBCOMP, first2.PacketID)
	live.quiet()
	pub.send(mqtt.PUBREL, 900)
	if a := pub.ack(mqtt.PUBCOMP); a.PacketID != 900 {
		t.Errorf("PUBCOMP %+v", a)
	}
	if r := pub.publish("room/again", "forged", false); r != mqtt.NotAuthorized {
		t.Errorf("publishing goes on: %v", r)
	}
	if _, err := pub.Write((&mqtt.Publish{QoS: 2, Topic: []byte("room/half"), PacketID: 901, Payload: []byte("x")}).Append(nil, mqtt.V5)); err != nil {
		t.Fatal(err)
	}
	if a := pub.ack(mqtt.PUBREC); a.Reason != mqtt.NotAuthorized {
		t.Errorf("QoS 2 goes on: %v", a.Reason)
	}
	away = w.device(id+":dev", pw["dev"], "away", true)
	for _, m := range []string{"hall/queued", "hall/now"} {
		p := away.want(m, "open")
		if p.QoS == 1 {
			away.send(mqtt.PUBACK, p.PacketID)
		}
	}
	away.quiet()
}
