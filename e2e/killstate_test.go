package e2e

import (
	"fmt"
	"math/rand/v2"
	"time"

	"tsunagi/internal/mqtt"
)

// kept are retained messages: after a restart each topic has the last value that was acknowledged, or the one that was
// on its way.
type kept struct {
	w     *world
	acked [keptTopics]int
	sent  [keptTopics]int
	total int
}

const keptTopics = 20

func newKept(w *world) *kept { return &kept{w: w} }

func (k *kept) run(round int) {
	c, ok := tryConnect(k.w.addr, "keeper", true)
	if !ok {
		return
	}
	defer c.Close()
	for n := round; ; n++ {
		i := n % keptTopics
		k.sent[i]++
		value := fmt.Sprint(k.sent[i])
		if k.sent[i]%5 == 0 {
			value = "" // removed
		}
		p := mqtt.Publish{QoS: 1, Retain: true, Topic: []byte(fmt.Sprintf("kill/kept/%d", i)), PacketID: 9, Payload: []byte(value)}
		if _, err := c.Write(p.Append(nil, mqtt.V311)); err != nil {
			return
		}
		if f, err := c.read(); err != nil || f.Type() != mqtt.PUBACK {
			return
		}
		if !k.w.note(func() { k.acked[i] = k.sent[i]; k.total++ }) {
			return
		}
	}
}

func (k *kept) verify(round int) {
	t := k.w.t
	t.Helper()
	c, _ := connect(t, k.w.addr, "keeper-reads", true)
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	for i := range keptTopics { // one at a time: what isn't retained shows by the SUBACK that follows
		has := c.retained(t, fmt.Sprintf("kill/kept/%d", i))
		fits := func(n int) bool { return n%5 == 0 && has == "" || n%5 != 0 && has == fmt.Sprint(n) }
		if !fits(k.acked[i]) && !fits(k.sent[i]) {
			t.Fatalf("round %d: topic %d has %q, acknowledged was %d and sent %d", round, i, has, k.acked[i], k.sent[i])
		}
		if fits(k.sent[i]) {
			k.acked[i] = k.sent[i]
		} else {
			k.sent[i] = k.acked[i]
		}
	}
}

// retained is the retained message of a topic, "" when there is none.
func (c *client) retained(t fataler, name string) (value string) {
	t.Helper()
	p := mqtt.Subscribe{PacketID: 3, Filters: []mqtt.Subscription{{Filter: []byte(name), QoS: 0}}}
	if _, err := c.Write(append(p.Append(nil, mqtt.V311), byte(mqtt.PINGREQ)<<4, 0)); err != nil {
		t.Fatal(err)
	}
	for {
		f, err := c.read()
		if err != nil {
			t.Fatalf("retained message of %s: %v", name, err)
		}
		var m mqtt.Publish
		switch {
		case f.Type() == mqtt.PINGRESP:
			return value
		case f.Type() == mqtt.PUBLISH && mqtt.DecodePublish(&m, f, mqtt.V311) == nil && m.Retain:
			value = string(m.Payload)
		}
	}
}

// interests are the subscriptions of a session that outlives its connections: after a restart it has those that were
// answered, no more and no less but for the one on its way.
type interests struct {
	w     *world
	has   [interestFilters]bool
	going int // filter whose change is not answered; -1: none
	total int
}

const interestFilters = 12

func newInterests(w *world) *interests {
	c, _ := connect(w.t, w.addr, "interested", false)
	c.Close()
	return &interests{w: w, going: -1}
}

func (n *interests) run(round int) {
	c, present, ok := resume(n.w.addr, "interested")
	if !ok {
		return
	}
	defer c.Close()
	if !present {
		n.w.t.Error("the session of the subscriber is gone")
		return
	}
	random := rand.New(rand.NewPCG(uint64(round), 5))
	for {
		i := random.IntN(interestFilters)
		n.going = i
		filter := fmt.Appendf(nil, "kill/sub/%d", i)
		var packet []byte
		if n.has[i] {
			packet = (&mqtt.Unsubscribe{PacketID: 5, Filters: [][]byte{filter}}).Append(nil, mqtt.V311)
		} else {
			packet = (&mqtt.Subscribe{PacketID: 5, Filters: []mqtt.Subscription{{Filter: filter, QoS: 1}}}).Append(nil, mqtt.V311)
		}
		if _, err := c.Write(packet); err != nil {
			return
		}
		if f, err := c.read(); err != nil || f.Type() != mqtt.SUBACK && f.Type() != mqtt.UNSUBACK {
			return
		}
		if !n.w.note(func() { n.has[i] = !n.has[i]; n.going = -1; n.total++ }) {
			return
		}
	}
}

// verify publishes to every filter and looks at what comes.
func (n *interests) verify(round int) {
	t := n.w.t
	t.Helper()
	c, present := connect(t, n.w.addr, "interested", false)
	defer c.Close()
	if !present {
		t.Fatalf("round %d: the session of the subscriber is gone", round)
	}
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	var packets []byte
	for i := range interestFilters {
		p := mqtt.Publish{QoS: 0, Topic: fmt.Appendf(nil, "kill/sub/%d", i), Payload: fmt.Append(nil, i)}
		packets = p.Append(packets, mqtt.V311)
	}
	if _, err := c.Write(append(packets, byte(mqtt.PINGREQ)<<4, 0)); err != nil {
		t.Fatal(err)
	}
	var got [interestFilters]bool
	for {
		f, err := c.read()
		if err != nil {
			t.Fatal(err)
		}
		if f.Type() == mqtt.PINGRESP {
			break
		}
		var m mqtt.Publish
		if f.Type() != mqtt.PUBLISH || mqtt.DecodePublish(&m, f, mqtt.V311) != nil {
			t.Fatalf("packet of type %d", f.Type())
		}
		var i int
		if _, err := fmt.Sscan(string(m.Payload), &i); err != nil {
			t.Fatal(err)
		}
		got[i] = true
	}
	for i := range got {
		if got[i] != n.has[i] && i != n.going {
			t.Fatalf("round %d: filter %d subscribed: %v, answered was %v", round, i, got[i], n.has[i])
		}
	}
	n.has, n.going = got, -1
}

func (w *world) counts() string {
	return fmt.Sprintf("acknowledged %d QoS 1 messages, %d QoS 2 messages complete, %d retained values, %d subscription changes; none missing or double",
		w.ordered.total, w.exact.done, w.kept.total, w.interests.total)
}

type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}
