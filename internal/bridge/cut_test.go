package bridge

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/mqttclient"
)

// stream publishes count messages on topics p0, p1 and p2 at a QoS, without waiting for each.
func (d *device) stream(prefix string, from, count int, qos byte) {
	d.t.Helper()
	for i := from; i < from+count; i++ {
		for p := range 3 {
			m := &mqttclient.Message{Topic: fmt.Sprintf("%sp%d", prefix, p), Payload: []byte(strconv.Itoa(i)), QoS: qos}
			if err := d.c.PublishAsync(m, nil); err != nil {
				d.t.Fatal(err)
			}
		}
	}
}

// all waits for count messages of each of the three publishers: none missing, each publisher's in order, and at QoS 2
// none twice.
func (d *device) all(prefix string, count int, qos byte) {
	d.t.Helper()
	next, twice := [3]int{}, 0
	for next != [3]int{count, count, count} {
		m := d.next()
		rest, ok := strings.CutPrefix(m.Topic, prefix+"p")
		p, err := strconv.Atoi(rest)
		n, err2 := strconv.Atoi(string(m.Payload))
		switch {
		case !ok || err != nil || err2 != nil || p > 2:
			d.t.Fatalf("a message %q on %q", m.Payload, m.Topic)
		case n == next[p]:
			next[p]++
		case n < next[p] && qos < 2:
			twice++
		default:
			d.t.Fatalf("publisher %d: message %d where %d is next", p, n, next[p])
		}
	}
	if qos < 2 && twice > 0 {
		d.t.Logf("%d of %d messages came twice at QoS 1", twice, 3*count)
	}
}

// TestCut takes the cable out again and again while messages go both ways, and for longer while they gather.
func TestCut(t *testing.T) {
	for _, v := range []mqtt.Version{mqtt.V5, mqtt.V311} {
		for qos := byte(1); qos <= 2; qos++ {
			if testing.Short() && (v == mqtt.V5) != (qos == 2) { // the others run without the race detector
				continue
			}
			t.Run(fmt.Sprintf("version %d QoS %d", v, qos), func(t *testing.T) {
				home, cloud := newSite(t, "home", broker.Limits{}), newSite(t, "cloud", broker.Limits{})
				c := home.bridge("mqtt://"+cloud.addr, Topic{Out, "#", "up/", "home/up/", 2}, Topic{In, "#", "down/", "home/down/", 2})
				c.Version = v
				home.link(c)
				there := newDevice(t, "mqtt://"+cloud.addr, "there", mqtt.V5, "home/up/#")
				here := newDevice(t, "mqtt://"+home.addr, "here", mqtt.V5, "down/#")
				const rounds, each = 8, 60
				for round := range rounds {
					here.stream("up/", round*each, each, qos)
					there.stream("home/down/", round*each, each, qos)
					home.cut(round >= 3 && round <= 5) // for longer: the next rounds gather
					if round == 5 {
						if err := here.c.Drain(soon(t)); err != nil {
							t.Fatal(err)
						}
						if st := home.until(c.ID, func(s State) bool { return s.State == Waiting && s.LastError != "" }); st.Queued == 0 {
							t.Errorf("nothing is queued while the cable is out: %+v", st)
						}
						home.cut(false)
					}
				}
				there.all("home/up/", rounds*each, qos)
				here.all("down/", rounds*each, qos)
			})
		}
	}
}

// TestRestarts stops and starts either side while QoS 2 messages go both ways.
func TestRestarts(t *testing.T) {
	home, cloud := newSite(t, "home", broker.Limits{}), newSite(t, "cloud", broker.Limits{})
	c := home.bridge("mqtt://"+cloud.addr, Topic{Out, "#", "up/", "home/up/", 2}, Topic{In, "#", "down/", "home/down/", 2})
	home.link(c)
	there := newDevice(t, "mqtt://"+cloud.addr, "there", mqtt.V5, "home/up/#")
	here := newDevice(t, "mqtt://"+home.addr, "here", mqtt.V5, "down/#")
	const each = 100
	for round := range 4 {
		here.stream("up/", round*each, each, 2)
		there.stream("home/down/", round*each, each, 2)
		if round%2 == 0 {
			cloud.restart()
		} else {
			home.restart()
			home.bridges.Set("instance", []Config{c}, func(string) bool { return false })
		}
	}
	there.all("home/up/", 4*each, 2)
	here.all("down/", 4*each, 2)
}

// TestKeptBeforeTheFirstConnection makes a bridge to where nobody is: messages are kept from then on, and retained ones
// go when it first connects.
func TestKeptBeforeTheFirstConnection(t *testing.T) {
	home, cloud := newSite(t, "home", broker.Limits{}), newSite(t, "cloud", broker.Limits{})
	here := newDevice(t, "mqtt://"+home.addr, "here", mqtt.V5)
	there := newDevice(t, "mqtt://"+cloud.addr, "there", mqtt.V5, "#")
	here.publish("up/retained", "old", 0, true)
	home.cut(true)
	c := home.bridge("mqtt://"+cloud.addr, Topic{Out, "#", "up/", "", 2})
	home.bridges.Set("instance", []Config{c}, nil)
	home.until(c.ID, func(s State) bool { return strings.Contains(s.LastError, "cable is out") })
	here.publish("up/a", "1", 1, false)
	home.cut(false)
	got := map[string]string{}
	for len(got) < 2 {
		m := there.next()
		got[m.Topic] = string(m.Payload)
	}
	if got["a"] != "1" || got["retained"] != "old" {
		t.Errorf("came: %v", got)
	}
}

// TestDeleted ends the sessions of a bridge that is deleted, on both sides; one that is switched off keeps them.
func TestDeleted(t *testing.T) {
	home, cloud := newSite(t, "home", broker.Limits{}), newSite(t, "cloud", broker.Limits{})
	c := home.bridge("mqtt://"+cloud.addr, Topic{Both, "#", "a/", "a/", 1})
	for _, keep := range []bool{true, false} {
		home.link(c)
		home.bridges.Set("instance", nil, func(string) bool { return keep })
		if err := home.bridges.Stop(soon(t)); err != nil {
			t.Fatal(err)
		}
		if _, ok := home.broker.Session(LocalID(c.ID)); ok != keep {
			t.Errorf("kept %v: the session here is there: %v", keep, ok)
		}
		for cloud.connected(c.ClientID) {
		}
		if _, ok := cloud.broker.Session(c.ClientID); ok != keep {
			t.Errorf("kept %v: the session there is there: %v", keep, ok)
		}
		home.restart()
	}
}
