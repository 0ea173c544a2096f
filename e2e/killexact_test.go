package e2e

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"tsunagi/internal/mqtt"
)

// exact are QoS 2 messages between sessions that both go on after each restart: all that were begun arrive exactly once,
// in the order of their publisher.
type exact struct {
	w       *world
	senders []*exactSender
	got     map[string]int  // payload -> how often the receiver took it
	last    map[int]int     // sender -> number of its last message
	open    map[uint16]bool // identifiers that the receiver has taken and not yet seen released
	done    int             // messages whose PUBCOMP came
}

// exactSender is a publisher's own state, which outlives the connection, as the protocol asks for.
type exactSender struct {
	n      int
	sent   int
	flight []flight // in the order in which they were sent
}

type flight struct {
	id       uint16
	payload  string
	released bool // PUBREC has come
}

const exactSenders = 3

func newExact(w *world) *exact {
	e := &exact{w: w, got: map[string]int{}, last: map[int]int{}, open: map[uint16]bool{}}
	c, _ := connect(w.t, w.addr, "exact-receiver", false)
	defer c.Close()
	c.subscribe(w.t, "kill/qos2/#", 2)
	for n := range exactSenders {
		c, _ := connect(w.t, w.addr, fmt.Sprintf("exact-%d", n), false)
		c.Close()
		e.senders = append(e.senders, &exactSender{n: n})
	}
	return e
}

func (e *exact) run(round int) {
	var wg sync.WaitGroup
	wg.Go(func() { e.receive(nil) })
	for _, s := range e.senders {
		wg.Go(func() { e.send(s, window) })
	}
	wg.Wait()
}

// verify lets all senders complete what they had begun, and the receiver take it.
func (e *exact) verify(round int) {
	t := e.w.t
	t.Helper()
	for _, s := range e.senders {
		e.send(s, 0)
		if len(s.flight) > 0 {
			t.Fatalf("round %d: sender %d could not complete %v", round, s.n, s.flight)
		}
	}
	e.receive(func() bool {
		for _, s := range e.senders {
			if e.last[s.n] < s.sent {
				return false
			}
		}
		return len(e.open) == 0
	})
	for _, s := range e.senders {
		for i := range s.sent {
			if payload := fmt.Sprintf("%d %d", s.n, i+1); e.got[payload] != 1 {
				t.Fatalf("round %d: message %q was received %d times", round, payload, e.got[payload])
			}
		}
	}
}

// send resumes the sender's session, then keeps more messages open until the connection dies; with none it ends when
// all are complete.
func (e *exact) send(s *exactSender, more int) {
	c, present, ok := resume(e.w.addr, fmt.Sprintf("exact-%d", s.n))
	if !ok {
		return
	}
	defer c.Close()
	if !present {
		e.w.t.Errorf("the session of sender %d is gone", s.n)
		return
	}
	for i, f := range s.flight { // [MQTT-4.4.0-1]
		var err error
		if f.released {
			err = c.ack(mqtt.PUBREL, f.id)
		} else {
			err = c.publish2(fmt.Sprintf("kill/qos2/%d", s.n), s.flight[i], true)
		}
		if err != nil {
			return
		}
	}
	for more > 0 || len(s.flight) > 0 {
		for len(s.flight) < more {
			s.sent++
			f := flight{id: uint16(s.sent%60000 + 1), payload: fmt.Sprintf("%d %d", s.n, s.sent)}
			s.flight = append(s.flight, f)
			if c.publish2(fmt.Sprintf("kill/qos2/%d", s.n), f, false) != nil {
				return
			}
		}
		f, err := c.read()
		if err != nil || !e.answered(c, s, f) {
			return
		}
	}
}

// answered takes PUBREC and PUBCOMP; false ends the sender.
func (e *exact) answered(c *client, s *exactSender, f mqtt.Frame) bool {
	var a mqtt.Ack
	if mqtt.DecodeAck(&a, f, mqtt.V311) != nil {
		e.w.t.Errorf("sender %d: packet % x", s.n, f.Body)
		return false
	}
	i := slices.IndexFunc(s.flight, func(f flight) bool { return f.id == a.PacketID })
	if i < 0 {
		e.w.t.Errorf("sender %d: an answer for identifier %d, which is not in flight", s.n, a.PacketID)
		return false
	}
	if f.Type() == mqtt.PUBREC {
		return e.w.note(func() { s.flight[i].released = true }) && c.ack(mqtt.PUBREL, a.PacketID) == nil
	}
	return e.w.note(func() { s.flight = slices.Delete(s.flight, i, i+1); e.done++ })
}

// receive takes messages until the connection dies, or until enough says so.
func (e *exact) receive(enough func() bool) {
	c, present, ok := resume(e.w.addr, "exact-receiver")
	if !ok {
		return
	}
	defer c.Close()
	if !present {
		e.w.t.Error("the session of the receiver is gone")
		return
	}
	if enough != nil {
		_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	}
	for enough == nil || !enough() {
		f, err := c.read()
		if err != nil {
			if enough != nil {
				e.w.t.Errorf("messages are missing: %v; the last ones are %v", err, e.last)
			}
			return
		}
		if !e.took(c, f) {
			return
		}
	}
}

func (e *exact) took(c *client, f mqtt.Frame) bool {
	if f.Type() == mqtt.PUBREL {
		var a mqtt.Ack
		if mqtt.DecodeAck(&a, f, mqtt.V311) != nil {
			return false
		}
		return e.w.note(func() { delete(e.open, a.PacketID) }) && c.ack(mqtt.PUBCOMP, a.PacketID) == nil
	}
	var m mqtt.Publish
	if f.Type() != mqtt.PUBLISH || mqtt.DecodePublish(&m, f, mqtt.V311) != nil || m.QoS != 2 {
		e.w.t.Errorf("receiver: packet of type %d, % x", f.Type(), f.Body)
		return false
	}
	return e.w.note(func() { e.accept(&m) }) && c.ack(mqtt.PUBREC, m.PacketID) == nil
}

// accept is the receiver's side of QoS 2 [MQTT-4.3.3-10]: what comes under an identifier that is open is no new message.
func (e *exact) accept(m *mqtt.Publish) {
	if e.open[m.PacketID] {
		return
	}
	e.open[m.PacketID] = true
	payload := string(m.Payload)
	if e.got[payload]++; e.got[payload] > 1 {
		e.w.t.Errorf("message %q came twice", payload)
	}
	var sender, n int
	if _, err := fmt.Sscanf(payload, "%d %d", &sender, &n); err != nil || n != e.last[sender]+1 {
		e.w.t.Errorf("message %q came after %d of its sender", payload, e.last[sender])
	}
	e.last[sender] = n
}
