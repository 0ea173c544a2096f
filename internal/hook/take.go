package hook

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"tsunagi/internal/account"
	"tsunagi/internal/broker"
	"tsunagi/internal/filling"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/resident"
)

// take makes an event of a packet; false: it isn't one for the hook.
func (u *runner) take(c *resident.Client, f mqtt.Frame) (j job, ok bool, err error) {
	var p mqtt.Publish
	if err := mqtt.DecodePublish(&p, f, mqtt.V5); err != nil {
		return j, false, err
	}
	mine := string(p.Topic) == u.r.own
	if u.silence != nil && !mine {
		u.hear(&p)
		return job{packet: p.PacketID}, false, nil
	}
	owed, known := broker.Owed{}, false
	if p.QoS > 0 {
		j.packet = p.PacketID
		owed, known = c.Owed(p.PacketID)
	}
	if owed.Accepted.IsZero() {
		owed.Accepted = u.o.Now()
	}
	m := &filling.Message{Type: string(account.HookMessage), Time: owed.Accepted, Instance: u.r.Instance, Topic: string(p.Topic),
		Payload: append([]byte(nil), p.Payload...), QoS: p.QoS, Retain: p.Retain, Client: owed.Client, User: owed.User}
	if m.ID = "msg_" + rand.Text(); known && owed.Place != 0 {
		m.ID = identity(u.r.Instance, owed)
	}
	if mine && !u.r.ownOf(m) {
		return j, false, nil
	}
	for e, name := range eventTopics {
		if m.Topic == name && e == account.HookQuota {
			if err := quotaOf(m); err != nil {
				return j, false, nil // can't be: only the server publishes there
			}
		} else if m.Topic == name {
			var w coming
			if err := json.Unmarshal(m.Payload, &w); err != nil {
				return j, false, nil // can't be: only the server publishes there
			}
			m.Type, m.Client, m.User, m.Remote, m.Cause, m.Time = string(e), w.Client, w.User, w.Remote, w.Cause, w.Time
		}
	}
	j.m, j.props = m, p.Props.Clone()
	if !u.r.concerns(m) {
		return j, false, nil
	}
	if err := circles(&j.props, u.r.ID); err != nil {
		if u.r.condition.Holds(m) {
			u.skip(err)
		}
		return j, false, nil
	}
	ok = mine || u.admit(m, j.packet, p.Dup)
	if ok && u.r.table == nil { // a clock counts by itself
		u.set(func(s *State) { s.Fired++; s.LastFired = u.o.Now() })
	}
	return j, ok, nil
}

// admit judges an event by the hook's condition and gate.
func (u *runner) admit(m *filling.Message, packet uint16, again bool) bool {
	if u.gate == nil {
		return u.r.condition.Holds(m)
	}
	if u.isOpen(m.ID) {
		return true
	}
	ok, held, err := u.gate.pass(m, again)
	if err != nil {
		u.skip(err)
	}
	if held {
		u.held.Add(1)
	}
	if ok && packet != 0 {
		u.opened(m.ID)
	}
	return ok
}

// hear notes a message that ends a silence.
func (u *runner) hear(p *mqtt.Publish) {
	if circles(&p.Props, u.r.ID) != nil {
		return // its own
	}
	if u.r.condition != nil {
		m := &filling.Message{Type: string(account.HookMessage), Time: u.o.Now(), Instance: u.r.Instance, Topic: string(p.Topic), Payload: p.Payload,
			QoS: p.QoS, Retain: p.Retain}
		if !u.r.condition.Holds(m) {
			return
		}
	}
	if err := u.silence.heard(p.Topic, u.o.Now()); err != nil {
		u.skip(err)
	}
}

// identity is the same for a message whenever it comes, and no other message's: an instance that was reset begins its log
// anew, but not at the same time.
func identity(instance string, o broker.Owed) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", instance, o.Place, o.Accepted.UnixMilli()))
	return "msg_" + hex.EncodeToString(sum[:12])
}
