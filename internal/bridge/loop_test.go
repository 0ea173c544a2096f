package bridge

import (
	"fmt"
	"strings"
	"testing"

	"tsunagi/internal/broker"
	"tsunagi/internal/fault"
	"tsunagi/internal/mqtt"
)

// TestLoop has two bridges between the same two brokers, everything in both directions, and one bridge to itself.
func TestLoop(t *testing.T) {
	a, b := newSite(t, "a", broker.Limits{}), newSite(t, "b", broker.Limits{})
	all := Topic{Both, "#", "", "", 2}
	a.link(a.bridge("mqtt://"+b.addr, all))
	b.link(b.bridge("mqtt://"+a.addr, all))
	onA, onB := newDevice(t, "mqtt://"+a.addr, "on-a", mqtt.V5, "#"), newDevice(t, "mqtt://"+b.addr, "on-b", mqtt.V5, "#")
	onA.publish("x", "once", 2, false)
	seenA, seenB := map[string]int{}, map[string]int{}
	for i := range 20 { // a loop would turn many times meanwhile
		onA.publish(fmt.Sprint("mark", i), "mark", 2, false)
		onA.until(seenA, fmt.Sprintf("mark%d=mark", i))
		onB.until(seenB, fmt.Sprintf("mark%d=mark", i))
	}
	if seenA["x=once"] != 1 || seenB["x=once"] < 1 || seenB["x=once"] > 2 { // two bridges are two ways to b
		t.Errorf("one message came %d times to its own broker and %d times to the other", seenA["x=once"], seenB["x=once"])
	}
}

// until counts messages until one comes.
func (d *device) until(seen map[string]int, last string) {
	d.t.Helper()
	for seen[last] == 0 {
		m := d.next()
		seen[m.Topic+"="+string(m.Payload)]++
	}
}

// TestNoEcho has one bridge with everything both ways: what goes out doesn't come back, in either version.
func TestNoEcho(t *testing.T) {
	for _, v := range []mqtt.Version{mqtt.V5, mqtt.V311} {
		home, cloud := newSite(t, "home", broker.Limits{}), newSite(t, "cloud", broker.Limits{})
		c := home.bridge("mqtt://"+cloud.addr, Topic{Both, "#", "", "", 2})
		c.Version = v
		home.link(c)
		here, there := newDevice(t, "mqtt://"+home.addr, "here", mqtt.V5, "#"), newDevice(t, "mqtt://"+cloud.addr, "there", mqtt.V5, "#")
		here.publish("x", "1", 2, false)
		there.want("x", "1")
		there.publish("y", "2", 2, false)
		there.want("y", "2")
		here.want("x", "1")
		here.want("y", "2")
		here.publish("end", "3", 2, false)
		here.want("end", "3")
		there.want("end", "3")
	}
}

// code is the fault that words tell.
func code(words string) fault.Code {
	if told := fault.Read(words); told != nil {
		return told.Code
	}
	return ""
}

// TestRefusals tells in words why nothing or not everything goes through.
func TestRefusals(t *testing.T) {
	home, cloud := newSite(t, "home", broker.Limits{}), newSite(t, "cloud", broker.Limits{MaxPacket: 1000})
	c := home.bridge("mqtt://"+cloud.addr, Topic{Out, "#", "", "", 2})
	c.User, c.Password = "stranger", "secret-word"
	home.bridges.Set("instance", []Config{c}, nil)
	st := home.until(c.ID, func(s State) bool { return s.LastError != "" })
	if !strings.Contains(st.LastError, "refused the connection") || !strings.Contains(st.LastError, "who is that") || strings.Contains(st.LastError, "secret-word") || code(st.LastError) != fault.Login {
		t.Errorf("wrong login: %q", st.LastError)
	}
	c.User = "friend"
	home.link(c)
	here, there := newDevice(t, "mqtt://"+home.addr, "here", mqtt.V5), newDevice(t, "mqtt://"+cloud.addr, "there", mqtt.V5, "#")
	for qos := range byte(3) {
		here.publish("large", strings.Repeat("x", 2000), qos, false)
		here.publish("small", fmt.Sprint(qos), qos, false)
		there.want("small", fmt.Sprint(qos))
	}
	if st := home.until(c.ID, func(s State) bool { return s.Refused == 3 }); !strings.Contains(st.LastRefusal, "1000 bytes") || code(st.LastRefusal) != fault.OutLarge {
		t.Errorf("too large: %+v", st)
	}
}
