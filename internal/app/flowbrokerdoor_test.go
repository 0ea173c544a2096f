package app

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/home"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/mqttclient"
)

// TestLANBrokerPairing ends the pairing while messages wait, pairs again, changes the keys, and switches the broker on
// after a pairing: what waits goes out each time.
func TestLANBrokerPairing(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	instance, secret, command := p.pairing()
	dir := t.TempDir()
	first := startPi(t, dir, command) // without a broker: its flows alone have the login
	p.online()
	first.stop()
	h := startHub(t, dir, "tsunagi flow", "--broker-topics", lanTopics)
	key := h.user("house", "--topic", "#")
	h.until("connected with a login of its own", func(s home.Broker) bool { return s.State == "connected" })
	there := w.inCloud("there", instance, secret, "pi/#")
	here := newPeer(t, h.lanOptions("here", "house", key))
	send := func(text string) { // at QoS 2: at QoS 1 a connection that ends in between has messages come twice
		t.Helper()
		if err := here.publish("sensors/a", text, 2); err != nil {
			t.Fatal(err)
		}
	}
	send("1")
	there.want("pi/sensors/a", "1")

	if status := p.api("POST", "/devices/"+p.online().ID+"/rotate", nil, nil); status != 204 {
		t.Fatalf("rotate: %d", status)
	}
	for i := range 20 {
		send("k" + strconv.Itoa(i))
	}
	for i := range 20 {
		there.want("pi/sensors/a", "k"+strconv.Itoa(i))
	}

	h.until("acknowledged, too", func(s home.Broker) bool { return s.Waiting == 0 }) // the last steps of QoS 2 come after the message
	if status := p.api("DELETE", "/devices/"+p.online().ID, nil, nil); status != 204 {
		t.Fatalf("unpair: %d", status)
	}
	h.until("unpaired", func(s home.Broker) bool { return s.State == "unpaired" })
	if !strings.Contains(h.log.String(), "the platform has unpaired this device") {
		t.Errorf("the log does not say so:\n%s", h.log)
	}
	send("2")
	lan := h.state.Address
	h.until("keeping it", func(s home.Broker) bool { return s.Waiting == 1 })
	h.stop()
	startHub(t, dir, p.command(instance), "--broker-topics", lanTopics, "--broker-listen", lan)
	there.want("pi/sensors/a", "2")
	send("3")
	there.want("pi/sensors/a", "3")
}

// TestLANBrokerDoor keeps out who has no login, and has no door without TLS unless it is named.
func TestLANBrokerDoor(t *testing.T) {
	dir := t.TempDir()
	d := startPi(t, dir, "tsunagi flow", "--broker", "--broker-listen", "127.0.0.1:0", "--broker-reserve-mb", "1")
	h := &hub{pi: d, t: t}
	if s := h.status(); s.Plain != "" || s.State != "off" {
		t.Errorf("by default: %+v", s)
	}
	d.stop()
	lanCommand(t, dir, "user", "add", "sensor", "--publish", "sensors/#", "--subscribe", "commands/#") // while nothing runs
	h = startHub(t, dir, "tsunagi flow")
	key := h.user("house", "--topic", "#")
	for _, login := range []struct{ user, password, id string }{
		{"", "", "a"}, {"house", "", "b"}, {"house", "wrong", "c"}, {"stranger", key, "d"}, {lanInstance, key, "e"}, {"house", key, "bridge-platform"},
	} {
		for _, addr := range []string{"mqtt://" + h.state.Plain, "mqtts://" + h.state.Address} {
			o := h.lanOptions(login.id, login.user, login.password)
			o.Addr, o.Version, o.Clean = addr, mqtt.V5, true
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			c, err := mqttclient.Open(ctx, o)
			cancel()
			if err == nil {
				c.Close()
				t.Errorf("%+v got in at %s", login, addr)
			}
		}
	}
	if strings.Contains(h.log.String(), key) {
		t.Error("a password stands in the log")
	}
	if list := h.run("user", "list"); !strings.Contains(list, "sensors/# (publish)") || !strings.Contains(list, "commands/# (subscribe)") {
		t.Errorf("users: %s", list)
	}
	house := newPeer(t, h.lanOptions("house", "house", key), "#")
	if err := house.publish("a", "1", 1); err != nil {
		t.Fatal(err)
	}
	house.want("a", "1")
	h.run("user", "remove", "house")
	o := h.lanOptions("late", "house", key)
	o.Version, o.Clean = mqtt.V5, true
	if c, err := mqttclient.Open(house.soon(), o); err == nil {
		c.Close()
		t.Error("a deleted user got in")
	}
}
