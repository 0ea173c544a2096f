package app

import (
	"errors"
	"fmt"
	"strconv"
	"testing"

	"tsunagi/internal/home"
	"tsunagi/internal/mqttclient"
)

// TestLANBroker cuts the line to the platform while three publishers go on, ends and starts the device and the platform in
// between, and finds each message at the platform: in order, and at QoS 2 once. Messages of the platform's side come to
// the local network; what is not named crosses in neither direction, and nothing comes back.
func TestLANBroker(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	instance, secret, command := p.pairing()
	dir := t.TempDir()
	h := startHub(t, dir, command, "--broker-topics", lanTopics)
	key := h.user("house", "--topic", "#")
	h.until("connected", func(s home.Broker) bool { return s.State == "connected" })
	there := w.inCloud("there", instance, secret, "#")

	here := newPeer(t, h.lanOptions("here", "house", key), "commands/#", "private/#", "sensors/#")
	if err := errors.Join(here.publish("private/diary", "secret", 1), there.publish("pi/private/x", "not for the house", 1),
		there.publish("pi/commands/light", "on", 2), here.publish("sensors/hello", "up", 2)); err != nil {
		t.Fatal(err)
	}
	here.want("private/diary", "secret")
	seen := map[string]bool{}
	for range 2 {
		m := here.next()
		seen[m.Topic+"="+string(m.Payload)] = true
	}
	if !seen["commands/light=on"] || !seen["sensors/hello=up"] {
		t.Errorf("in the house: %v", seen)
	}
	seen = map[string]bool{}
	for range 3 { // its own two, and one from the house
		m := there.next()
		seen[m.Topic+"="+string(m.Payload)] = true
	}
	if !seen["pi/sensors/hello=up"] {
		t.Errorf("at the platform: %v", seen)
	}

	const each, qos0 = 400, 50
	lan := h.state.Address
	publishers := make([]*mqttPeer, 3)
	for i := range publishers {
		publishers[i] = newPeer(t, h.lanOptions(fmt.Sprint("p", i), "house", key))
	}
	stream := func(from int) {
		t.Helper()
		for i := from; i < from+each; i++ {
			for n, p := range publishers {
				m := &mqttclient.Message{Topic: fmt.Sprintf("sensors/p%d", n), Payload: []byte(strconv.Itoa(i)), QoS: 2}
				if err := p.c.PublishAsync(m, nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, p := range publishers {
			if err := p.c.Drain(p.soon()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if code := w.stop(); code != ExitOK {
		t.Fatalf("platform stopped with %d", code)
	}
	stream(0)
	for i := range qos0 { // a small device that knows no other QoS
		if err := here.publish("sensors/small", strconv.Itoa(i), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := here.publish("sensors/small", "end", 1); err != nil {
		t.Fatal(err)
	}
	// One more waits when the first was not acknowledged to the end.
	if s := h.until("waiting", func(s home.Broker) bool { return s.State == "waiting" && s.Waiting > 3*each+qos0 }); s.Error == "" || s.Bytes == 0 {
		t.Errorf("without a platform: %+v", s)
	}
	if code := h.stop(); code != ExitOK {
		t.Fatalf("device stopped with %d\n%s", code, h.log)
	}
	h = startHub(t, dir, "tsunagi flow", "--broker-topics", lanTopics, "--broker-listen", lan)
	stream(each)
	w = serveWorld(t, "--data", w.data, "--https", w.https, "--mqtts", w.mqtts)
	next, small := [3]int{}, 0
	for next != [3]int{2 * each, 2 * each, 2 * each} || small <= qos0 {
		m := there.next()
		var n int
		if _, err := fmt.Sscanf(m.Topic, "pi/sensors/p%d", &n); err == nil {
			if want := strconv.Itoa(next[n]); string(m.Payload) != want {
				t.Fatalf("publisher %d: message %s where %s is next", n, m.Payload, want)
			}
			next[n]++
			continue
		}
		if want := strconv.Itoa(small); m.Topic != "pi/sensors/small" || string(m.Payload) != want && (small < qos0 || string(m.Payload) != "end") {
			t.Fatalf("%q on %q where %d is next", m.Payload, m.Topic, small)
		}
		small++
	}
	h.until("empty", func(s home.Broker) bool { return s.State == "connected" && s.Waiting == 0 })
	if err := there.publish("pi/end", "", 1); err != nil {
		t.Fatal(err)
	}
	there.want("pi/end", "") // nothing came back, and nothing twice

	p.at(w)
	var figures struct{ Broker *home.Broker }
	if p.api("GET", "/devices/"+p.online().ID+"/figures", nil, &figures); figures.Broker == nil || figures.Broker.State != "connected" || figures.Broker.Users != 1 {
		t.Errorf("figures: %+v", figures.Broker)
	}
}
