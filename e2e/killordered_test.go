package e2e

import (
	"fmt"
	"sync"
	"time"

	"tsunagi/internal/mqtt"
)

const (
	publishers = 8
	window     = 8 // unacknowledged messages of one publisher
)

// ordered are QoS 1 messages to a session that is away: after each restart it gets every one that was acknowledged, in
// the order of its publisher.
type ordered struct {
	w     *world
	acked [publishers]int // of this round; guarded by w.mu
	total int
}

func newOrdered(w *world) *ordered {
	away, _ := connect(w.t, w.addr, "away", false)
	defer away.Close()
	away.subscribe(w.t, "kill/qos1/#", 1)
	return &ordered{w: w}
}

func (o *ordered) run(round int) {
	o.acked = [publishers]int{}
	var wg sync.WaitGroup
	for p := range publishers {
		c, ok := tryConnect(o.w.addr, fmt.Sprintf("pub-%d", p), true)
		if !ok {
			return
		}
		wg.Go(func() { o.publish(c, round, p) })
	}
	wg.Wait()
}

// publish sends numbered messages until the connection dies. Acknowledgements come in the order of the messages
// [MQTT-4.6.0-2], so their number is also the last one's.
func (o *ordered) publish(c *client, round, p int) {
	defer c.Close()
	for sent, acked := 0, 0; ; {
		for sent < acked+window {
			sent++
			if c.publish(fmt.Sprintf("kill/qos1/%d", p), uint16(sent%60000+1), fmt.Sprintf("%d %d %d", round, p, sent)) != nil {
				return
			}
		}
		f, err := c.read()
		if err != nil {
			return
		}
		var a mqtt.Ack
		if f.Type() != mqtt.PUBACK || mqtt.DecodeAck(&a, f, mqtt.V311) != nil || a.PacketID != uint16((acked+1)%60000+1) {
			o.w.t.Errorf("publisher %d: packet % x instead of the PUBACK of message %d", p, f.Body, acked+1)
			return
		}
		acked++
		if !o.w.note(func() { o.acked[p] = acked; o.total++ }) {
			return
		}
	}
}

// verify connects the session that was away and reads until it has every acknowledged message of the round.
func (o *ordered) verify(round int) {
	t := o.w.t
	t.Helper()
	c, present := connect(t, o.w.addr, "away", false)
	defer c.Close()
	if !present {
		t.Fatalf("round %d: the session is gone", round)
	}
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	var seen [publishers]int
	missing := func() (n int) {
		for p := range publishers {
			n += max(0, o.acked[p]-seen[p])
		}
		return n
	}
	for missing() > 0 {
		f, err := c.read()
		if err != nil {
			t.Fatalf("round %d: %d acknowledged messages are missing (%v); seen %v of %v", round, missing(), err, seen, o.acked)
		}
		if f.Type() != mqtt.PUBLISH {
			continue
		}
		var m mqtt.Publish
		if err := mqtt.DecodePublish(&m, f, mqtt.V311); err != nil {
			t.Fatal(err)
		}
		o.arrived(round, &seen, string(m.Payload))
		if c.ack(mqtt.PUBACK, m.PacketID) != nil {
			t.Fatalf("round %d: the connection broke", round)
		}
	}
}

// arrived counts one message. One seen before may come again; a gap may not be.
func (o *ordered) arrived(round int, seen *[publishers]int, payload string) {
	t := o.w.t
	t.Helper()
	var r, p, n int
	if _, err := fmt.Sscanf(payload, "%d %d %d", &r, &p, &n); err != nil {
		t.Fatalf("payload %q: %v", payload, err)
	}
	if r < round {
		return // sent before an earlier end, delivered again
	}
	if n > seen[p]+1 {
		t.Fatalf("round %d: publisher %d: message %d came after %d", round, p, n, seen[p])
	}
	seen[p] = max(seen[p], n)
}
